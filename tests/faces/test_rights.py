"""Rights to do one thing alone: a registrar revokes, a dean's office makes a new signature current."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

from conferral import access
from conferral.admin.asks import AskedAdmin
from conferral.admin.many import CorrectedAdmin
from conferral.admin.site import staff
from conferral.issuance import configure, dry_run, wishes
from conferral.issuance import run as runs
from conferral.issuance.generate import generate
from conferral.models import Act, Credential, CredentialAsset, CredentialConfiguration, DryRun, NameRequest, Run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("silent_broker")]
RIGHTS = {
    access.AWARD: {"credentialconfiguration award"},
    access.RUN: {"credentialconfiguration dry", "credentialconfiguration run", "run again", "run cancel"},
    access.LIST: {"credentialconfiguration always", "credentialconfiguration never", "credentialconfiguration rule"},
    access.REISSUE: {"credentialconfiguration reissue", "credential reissue", "reissue cancel"},
    access.RELEASE: {"run release", "run refuse", "credential release", "credential refuse"},
    access.RETRY: {"run retry", "credential retry", "delivery retry"},
    access.RENAME: {"credential name", "namerequest approve", "namerequest refuse"},
    access.REVOKE: {"credential revoke"},
    access.RESEND: {"credential resend"},
    access.ACTIVATE: {"credentialasset activate", "credentialasset call-off"},
}
"""What each is good for: a kind of record, and what may be asked of it."""
MODELS = (Credential, CredentialConfiguration, CredentialAsset, NameRequest, Run)
VIEWS = [f"view_{model._meta.model_name}" for model in MODELS]


def deeds():
    """Everything that may be asked of a record: its model, the deed, its right, and whether of several at once."""
    for model, its_admin in staff._registry.items():
        if isinstance(its_admin, AskedAdmin):
            yield from ((model, name, ask.right, False) for name, ask in its_admin.asks.items())
        if isinstance(its_admin, CorrectedAdmin):
            yield from ((model, name, each.right, True) for name, each in its_admin.corrections.items())


def test_each_right_is_one_of_djangos_and_good_for_what_its_name_says():
    known = set(Permission.objects.filter(content_type__app_label="conferral").values_list("codename", flat=True))
    assert set(RIGHTS) <= known
    found: dict[str, set[str]] = {}
    for model, name, right, _several in deeds():
        found.setdefault(right, set()).add(f"{model._meta.model_name} {name}")
    assert found.pop("change") == {"credentialtype copy"}, "which takes the right to add one"
    assert found == RIGHTS


@pytest.mark.parametrize("right", sorted(RIGHTS))
@pytest.mark.parametrize("site", [staff.name, admin.site.name])
def test_one_right_alone_is_good_for_that_and_for_nothing_else(issued, template, person, right, site):
    wishes.ask_for_name(issued, "Ana Vidal")
    configure.save_asset("plain", "plain.pdf", template + b"\n% the next version", active=False)
    client = person("registrar", right, *VIEWS)
    for model, name, needed, several in deeds():
        if model not in MODELS:
            continue
        kind, pk = model._meta.model_name, model.objects.latest("pk").pk
        if several:
            address = reverse(f"{site}:conferral_{kind}_{name}") + f"?ids={pk}"
        else:
            address = reverse(f"{site}:conferral_{kind}_ask", args=[pk, name])
        # 302: there is nothing to be done, which is said.
        assert client.get(address).status_code in ({200, 302} if needed == right else {403}), address


def test_who_may_only_revoke_revokes_and_finds_no_other_way(issued, person):
    client = person("registrar", access.REVOKE, "view_credential")
    page = client.get(reverse("conferral-staff:conferral_credential_change", args=[issued.pk])).content.decode()
    assert "/revoke/" in page
    assert "/reissue/" not in page
    assert "/ask/name/" not in page
    listed = client.get(reverse("conferral-staff:conferral_credential_changelist")).content.decode()
    assert 'value="revoke"' in listed
    assert 'value="reissue"' not in listed
    sent = {"ids": issued.pk, "reason": "a mix-up"}
    assert client.post(reverse("conferral-staff:conferral_credential_revoke"), sent).status_code == 302
    issued.refresh_from_db()
    assert issued.revoked
    assert Act.objects.get(verb="revoked").by == client.user


def test_who_may_only_look_is_offered_nothing(issued, person):
    client = person("auditor", *VIEWS)
    page = client.get(reverse("conferral-staff:conferral_credential_change", args=[issued.pk])).content.decode()
    assert "/revoke/" not in page
    assert "/ask/" not in page
    listed = client.get(reverse("conferral-staff:conferral_credential_changelist")).content.decode()
    assert 'name="action"' not in listed
    page = client.get(
        reverse("conferral-staff:conferral_credentialconfiguration_change", args=[issued.configuration_id])
    ).content.decode()
    assert "/ask/" not in page


def test_who_may_run_sees_what_came_of_it_and_releases_nothing(course, person):
    saved = course.configure()
    CredentialConfiguration.objects.update(guards={"learners": 0, "share": 0})
    course.learners(3)
    client = person("registrar", access.RUN, "view_credentialconfiguration")

    def ask(what, **values):
        address = reverse("conferral-staff:conferral_credentialconfiguration_ask", args=[saved.pk, what])
        return client.get(address).content.decode(), client.post(address, values, follow=True)

    page, answer = ask("run", notify="on", release="on")
    assert "however many there are" not in page
    assert answer.status_code == 200, "it leads to no page that is refused"
    runs.run_asked(Run.objects.get().pk)
    assert (Run.objects.get().status, Run.objects.get().held) == (Run.Status.HELD, 3)
    page, answer = ask("dry")
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == reverse(
        "conferral-staff:conferral_dryrun_change", args=[DryRun.objects.get().pk]
    )
    CredentialConfiguration.objects.update(enabled=True)
    page = person("guard", access.RUN, access.RELEASE, "view_credentialconfiguration").get(
        reverse("conferral-staff:conferral_credentialconfiguration_ask", args=[saved.pk, "run"])
    )
    assert "however many there are" in page.content.decode()


def test_who_may_reissue_renames_nobody(issued, person):
    client = person("registrar", access.REISSUE, "view_credential")
    sent = {"ids": issued.pk, "name": "Ana the Great", "design": "same", "reason": "a new seal"}
    assert client.post(reverse("conferral-staff:conferral_credential_reissue"), sent).status_code == 302
    assert Credential.objects.get(current=True).recipient_name == "Ana Ñandú"
    assert Credential.objects.count() == 2
    client = person("dean", access.REISSUE, access.RENAME, "view_credential")
    sent |= {"ids": Credential.objects.get(current=True).pk}
    generate()
    assert client.post(reverse("conferral-staff:conferral_credential_reissue"), sent).status_code == 302
    assert Credential.objects.get(current=True).recipient_name == "Ana the Great"


def test_who_may_award_everywhere_is_not_limited_to_who_takes_part(course, person):
    saved = course.configure()
    client = person("registrar", access.AWARD, "view_credentialconfiguration")
    address = reverse("conferral-staff:conferral_credentialconfiguration_ask", args=[saved.pk, "award"])
    answer = client.post(address, {"learners": "nobody-here", "reason": "by hand"}, follow=True)
    assert "Take no part here" not in answer.content.decode()


def test_who_may_only_look_at_a_dry_run_does_not_stop_it(course, person):
    asked = dry_run.start(course.configure(), by=None)
    client = person("auditor", "view_dryrun")
    stop = reverse("conferral-staff:conferral_dryrun_cancel", args=[asked.pk])
    assert client.post(stop).status_code == 403
    assert (
        "Run now"
        not in client.get(reverse("conferral-staff:conferral_dryrun_change", args=[asked.pk])).content.decode()
    )
    assert person("registrar", access.RUN).post(stop).status_code == 302
