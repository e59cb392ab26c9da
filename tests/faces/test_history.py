"""Who did what: nothing that counts is done without being written down."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.html import strip_tags

from conferral.admin import words
from conferral.issuance import configure, history, people, standstill
from conferral.models import (
    Act,
    Context,
    Credential,
    CredentialAsset,
    CredentialConfiguration,
    CredentialType,
    Issuer,
    Standstill,
)
from tests.faces.conftest import address

pytestmark = pytest.mark.django_db


def at(name, *args):
    return reverse(f"conferral-staff:conferral_{name}", args=args)


def acts():
    """Kind, verb and by whom, the latest first."""
    return [(act.kind, act.verb, act.by_name) for act in Act.objects.order_by("-pk")]


def test_who_deleted_what_outlives_it(course, template, operator):
    configure.save_asset("plain", "plain.pdf", template)
    saved = course.configure()
    configure.save_issuer("acme", name="Acme")
    configure.save_context("course-v1:Test+EMPTY+2026", name="Nobody takes it", organisation="Test")
    gone = [
        saved,
        CredentialType.objects.get(),
        CredentialAsset.objects.get(slug="plain"),
        Issuer.objects.get(),
        Context.objects.get(name="Nobody takes it"),
    ]
    named = (str(saved), "Completion", "plain", "Acme", "course-v1:Test+EMPTY+2026")
    for one in gone:
        operator.post(at(f"{one._meta.model_name}_delete", one.pk), {"post": "yes"})
        assert not type(one)._default_manager.filter(pk=one.pk).exists(), one
    told = [(one._meta.model_name, "deleted", "operator") for one in reversed(gone)]
    assert acts()[: len(gone)] == told
    listed = operator.get(at("act_changelist"))
    text = strip_tags(listed.content.decode())
    assert [name for name in named if name not in text] == []


def test_what_was_changed_is_told_with_the_values_that_may_be(course, operator):
    saved = course.configure()
    configure.save_configuration(
        course.key, course.type_name, enabled=False, audience={"beta_testers": True}, by="the dean"
    )
    page = " ".join(strip_tags(operator.get(at("credentialconfiguration_history", saved.pk)).content.decode()).split())
    assert "enabled (True → False)" in page
    act = Act.objects.filter(verb="changed").latest("pk")
    assert operator.get(at("act_change", act.pk)).status_code == 200


def test_who_stopped_everything_and_who_went_on(operator):
    operator.post(at("standstill_add"), {"reason": "wrong people"})
    stop = Standstill.objects.get()
    operator.post(at("standstill_delete", stop.pk), {"post": "yes"})
    assert acts() == [("standstill", "resumed", "operator"), ("standstill", "paused", "operator")]
    assert Act.objects.get(verb="paused").reason == "wrong people"
    standstill.pause(by=history.COMMAND_LINE)
    standstill.pause(by=history.COMMAND_LINE)
    standstill.resume(by=history.COMMAND_LINE)
    standstill.resume(by=history.COMMAND_LINE)
    assert [who for _kind, _verb, who in acts()][:3] == ["the command line", "the command line", "operator"]


def test_what_a_holder_did_is_told_without_a_name(issued, person):
    client = person("ana")
    issued.learner.user = client.user
    issued.learner.save()
    page = address(issued)
    before = Act.objects.count()
    for _twice in range(2):  # the second time it says so already
        answer = client.post(f"{page}/holder/wishes/", {"visibility": "hidden", "name_form": "initials"})
        assert answer.status_code == 302, page
    client.post(f"{page}/holder/name/", {"name": "Ana Vidal", "explanation": "I married."})
    assert acts()[: Act.objects.count() - before] == [
        ("credential", "name asked for", "the holder"),
        ("credential", "shown otherwise", "the holder"),
    ]
    shown = Act.objects.get(verb="shown otherwise")
    assert shown.details == {"hidden": True, "name_form": "initials"}
    assert shown.by is None
    assert list(words.details(shown)) == ["hidden: yes", "name shown as: " + words.CHOICES["name_form"]["initials"]]
    people.retire(issued.learner)
    assert Act.objects.filter(kind="credential", object_id=issued.pk).exists()
    assert not any("ana" in f"{act.by_name} {act.reason} {act.details}".casefold() for act in Act.objects.all())


def test_who_made_whom_a_teacher(course, operator):
    get_user_model().objects.create(username="zoe")
    context = Context.objects.get(key=course.key)
    page = operator.get(at("context_change", context.pk))
    given = {name: value for name, value in page.context["adminform"].form.initial.items() if value is not None} | {
        "taught_by": "zoe"
    }
    for _twice in range(2):
        operator.post(at("context_change", context.pk), given)
    act = Act.objects.get(verb="taught by others")
    assert (act.by_name, act.details) == ("operator", {"added": ["zoe"], "removed": []})
    assert list(words.details(act)) == ["added: zoe"]
    assert CredentialConfiguration.objects.count() == Credential.objects.count() == 0
