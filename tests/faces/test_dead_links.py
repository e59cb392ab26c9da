"""What a page links opens: whoever may not see a record is told its name alone."""

import re
from html import unescape

import pytest
from django.contrib import admin
from django.urls import reverse

from conferral import access
from conferral.admin.base import LimitedAdmin
from conferral.admin.site import staff
from conferral.issuance import configure, dry_run, wishes
from conferral.models import Credential, DryRun, Edition, RosterEntry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("silent_broker")]
REGISTRAR = ("view_credential", "view_namerequest", access.REVOKE, access.RENAME)
"""As docs/how-to/course-staff.md recommends."""
SITES = pytest.mark.parametrize("site", [staff.name, admin.site.name])
SHOWN = [model for model, its_admin in staff._registry.items() if isinstance(its_admin, LimitedAdmin)]


@pytest.fixture
def world(issued):
    """Something of most kinds: asked for, run, issued, replaced."""
    configure.save_issuer("site", name="Site")
    wishes.ask_for_name(issued, "Ana Vidal")
    dry_run.start(issued.configuration, by=None)
    return issued


def links(page, site):
    """Where that page leads on the site, but for what changes how a list is sorted or narrowed."""
    found = {unescape(each).partition("#")[0] for each in re.findall(r'<a [^>]*href="([^"]+)"', page.content.decode())}
    root = reverse(f"{site}:index")
    return {each for each in found if each.startswith(root) and not re.search(r"logout|password|language", each)}


def refused(client, addresses):
    return {each for each in addresses if client.get(each, follow=True).status_code >= 400}


@SITES
def test_the_registrar_s_group_meets_no_link_that_is_refused(world, person, site):
    client, seen, todo = person("registrar", *REGISTRAR), set(), {reverse(f"{site}:index")}
    while todo:
        seen |= todo
        pages = {each: client.get(each, follow=True) for each in todo}
        assert {each for each, page in pages.items() if page.status_code >= 400} == set()
        todo = set().union(*(links(page, site) for page in pages.values() if not page.streaming)) - seen
    assert reverse(f"{site}:conferral_credential_change", args=[world.pk]) in seen
    assert not any("/learner/" in each for each in seen)


@SITES
@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_whoever_may_see_one_kind_meets_no_link_to_another(world, person, model, site):
    kind = model._meta.model_name
    client, one = person("auditor", f"view_{kind}"), model._default_manager.first()
    if one is None:
        return
    page = client.get(reverse(f"{site}:conferral_{kind}_change", args=[one.pk]))
    assert page.status_code == 200
    assert refused(client, links(page, site)) == set()


def test_what_is_not_linked_is_named(world, person):
    client = person("registrar", *REGISTRAR)
    page = client.get(reverse("conferral-staff:conferral_credential_change", args=[world.pk])).content.decode()
    shown = {name: page.partition(f"field-{name}")[2].partition("</div>\n")[0] for name in ("learner", "configuration")}
    assert "ana" in shown["learner"]
    assert "Learner:" in shown["learner"]
    assert world.context_key in shown["configuration"]
    assert "<a " not in shown["learner"] + shown["configuration"]


def test_who_may_see_both_is_led_on_and_nobody_else_afterwards(world, person):
    """The admin is shared by all requests: what one of them may see says nothing of the next."""
    entry, addresses = RosterEntry.objects.first(), {}
    for username, rights in (("both", ["view_learner", "view_context"]), ("one", []), ("again", ["view_learner"])):
        client = person(username, "view_rosterentry", *rights)
        page = client.get(reverse("conferral-staff:conferral_rosterentry_change", args=[entry.pk]))
        kinds = ("learner", "context")
        addresses[username] = {kind for kind in kinds if any(f"/{kind}/" in each for each in links(page, staff.name))}
    assert addresses == {"both": {"learner", "context"}, "one": set(), "again": {"learner"}}


def test_an_operator_is_led_to_everything_that_has_a_page(world, operator):
    page = operator.get(reverse("conferral-staff:conferral_credential_change", args=[world.pk]))
    kinds = ("learner", "credentialconfiguration", "run", "edition")
    assert all(any(f"/{kind}/" in each for each in links(page, staff.name)) for kind in kinds)
    assert Edition.objects.count() == Credential.objects.count() == 1


@pytest.mark.parametrize(("rights", "offered"), [((), False), (("view_credentialconfiguration", access.RUN), True)])
def test_a_dry_run_offers_a_run_to_who_may_have_one(world, person, rights, offered):
    client, tried = person("auditor", "view_dryrun", "change_dryrun", *rights), DryRun.objects.get()
    dry_run.carry_out(tried.pk)
    page = client.get(reverse("conferral-staff:conferral_dryrun_change", args=[tried.pk]))
    assert any(each.endswith("/ask/run/") for each in links(page, staff.name)) is offered
    assert refused(client, links(page, staff.name)) == set()
