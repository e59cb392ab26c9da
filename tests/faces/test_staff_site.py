"""The staff's own site: whoever teaches comes in, and sees and does nothing outside of what they teach."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conferral.admin.site import staff
from conferral.issuance import configure, correct
from conferral.models import (
    Candidate,
    Context,
    Credential,
    CredentialArtifact,
    CredentialAsset,
    CredentialConfiguration,
    CredentialType,
    Delivery,
    DryRun,
    Edition,
    Issuer,
    Learner,
    NameRequest,
    Reissue,
    RosterEntry,
    Run,
)
from tests.conftest import COURSE, Course

OTHER = "course-v1:Test+OTHER+2026"
OURS = sorted((model for model in staff._registry), key=lambda model: model.__name__)
OF_COURSES = (CredentialConfiguration, Credential, Run, CredentialArtifact, Learner, RosterEntry, Context)
SHARED = (CredentialType, CredentialAsset)


def at(name, *args):
    return reverse(f"conferral-staff:conferral_{name}", args=args)


def name_of(model):
    return model._meta.model_name


@pytest.fixture
def two_courses(course, template):
    """Each with a learner who has a certificate, and all that belongs to it."""
    configure.save_asset("plain", "plain.pdf", template)
    configure.save_issuer("site", name="Test University")
    configure.save_context(OTHER, name="Another", organisation="Test")
    course.learner("ana", email="ana@example.com")
    course.configure()
    course.run_and_generate()
    other = Course(key=OTHER, type_name="Other")
    other.learner("zoe", email="zoe@example.com")
    other.configure()
    other.run_and_generate()
    return course


@pytest.fixture
def teacher(two_courses, person):
    """Of the first course, not of the other; Django does not call them staff, and gives them no right."""
    client = person("teacher")
    Context.objects.get(key=COURSE).teachers.add(client.user)
    return client


@pytest.fixture
def other_teacher(two_courses, person):
    client = person("other-teacher")
    Context.objects.get(key=OTHER).teachers.add(client.user)
    return client


def mine_and_theirs(model):
    """One record of the first course, one of the other."""
    by = {Context: "key", CredentialConfiguration: "context_key", Credential: "context_key"}
    by |= {CredentialArtifact: "credential__context_key", Delivery: "credential__context_key"}
    by |= {Run: "configuration__context_key", RosterEntry: "context__key"}
    by |= {Learner: "credentials__context_key", Edition: "credentials__context_key"}
    return tuple(model.objects.get(**{by[model]: key}) for key in (COURSE, OTHER))


# Who comes in


def test_both_sites_have_the_same_pages():
    ordinary = {model: type(of) for model, of in admin.site._registry.items() if model._meta.app_label == "conferral"}
    assert ordinary == {model: type(of) for model, of in staff._registry.items()}


def test_a_stranger_is_asked_to_sign_in(stranger, settings):
    for path in (reverse("conferral-staff:index"), at("credential_changelist")):
        response = stranger.get(path, follow=True)
        assert response.redirect_chain[-1][0] == f"{settings.LOGIN_URL}?next={path}"


def test_a_learner_is_told_that_this_is_not_for_them(person):
    response = person("learner").get(reverse("conferral-staff:index"), follow=True)
    assert response.status_code == 403
    assert "teaches no course here" in response.content.decode()


def test_whoever_teaches_comes_in_without_being_staff(teacher):
    page = teacher.get(reverse("conferral-staff:index"))
    assert page.status_code == 200
    names = {model["object_name"] for app in page.context["app_list"] for model in app["models"]}
    assert names == {
        model.__name__ for model in (*OF_COURSES, *SHARED, Delivery, NameRequest, Candidate, DryRun, Reissue)
    }
    assert teacher.get(reverse("admin:index")).status_code == 302  # the ordinary admin is for Django's staff


def test_whoever_is_not_active_any_more_does_not_come_in(teacher, django_user_model):
    django_user_model.objects.filter(pk=teacher.user.pk).update(is_active=False)
    assert teacher.get(at("credential_changelist")).status_code == 302


def test_an_operator_sees_everything_on_both(two_courses, operator):
    for model in OURS:
        for site in ("admin", "conferral-staff"):
            page = operator.get(reverse(f"{site}:conferral_{name_of(model)}_changelist"))
            assert page.status_code == 200
            assert len(page.context["cl"].result_list) == model.objects.count()


# What they see


@pytest.mark.parametrize("model", [*OF_COURSES, Delivery], ids=lambda model: model.__name__)
def test_a_list_shows_what_is_of_their_courses(teacher, model):
    mine, theirs = mine_and_theirs(model)
    listed = list(teacher.get(at(f"{name_of(model)}_changelist")).context["cl"].result_list)
    assert listed == [mine]
    query = {"q": "zoe" if model is not Context else "Another"}
    assert not list(teacher.get(at(f"{name_of(model)}_changelist"), query).context["cl"].result_list)
    assert theirs != mine


@pytest.mark.parametrize("model", [*OF_COURSES, Delivery], ids=lambda model: model.__name__)
def test_no_page_of_another_course_opens(teacher, model):
    mine, theirs = mine_and_theirs(model)
    for page in ("change", "history", "delete"):
        found = teacher.get(at(f"{name_of(model)}_{page}", mine.pk)).status_code
        assert found == (403 if page == "delete" else 200)
        assert teacher.get(at(f"{name_of(model)}_{page}", theirs.pk)).status_code in (302, 403)
        assert teacher.post(at(f"{name_of(model)}_{page}", theirs.pk), {"post": "yes"}).status_code in (302, 403)
    assert model.objects.filter(pk=theirs.pk).exists()


def test_what_is_nobody_s_course_is_not_shown(teacher):
    for model in (Edition, Issuer):
        assert teacher.get(at(f"{name_of(model)}_changelist")).status_code == 403
        assert teacher.get(at(f"{name_of(model)}_change", model.objects.first().pk)).status_code == 403
    assert "edition" not in teacher.get(at("credential_change", Credential.objects.first().pk)).content.decode()


def test_types_and_files_are_there_to_be_read(teacher):
    for model in SHARED:
        one = model.objects.first()
        page = teacher.get(at(f"{name_of(model)}_change", one.pk))
        assert page.status_code == 200
        assert 'name="_save"' not in page.content.decode()
        assert teacher.get(at(f"{name_of(model)}_add")).status_code == 403
        assert teacher.post(at(f"{name_of(model)}_add"), {"name": "x"}).status_code == 403
        assert teacher.post(at(f"{name_of(model)}_change", one.pk), {"name": "x"}).status_code == 403
        assert teacher.post(at(f"{name_of(model)}_delete", one.pk), {"post": "yes"}).status_code == 403


def test_a_type_tells_nothing_of_other_courses(teacher, operator):
    configure.save_type("Completion", processor="listed", processor_options={"learners": ["ana", "zoe@example.com"]})
    configure.save_configuration(OTHER, "Completion", enabled=False)
    shared = CredentialType.objects.get(name="Completion")
    seen = teacher.get(at("credentialtype_change", shared.pk)).content.decode()
    assert COURSE in seen
    assert "1 credential was issued." in seen
    assert OTHER not in seen
    assert "zoe" not in seen
    assert [row.use for row in teacher.get(at("credentialtype_changelist")).context["cl"].result_list] == [1, 0]
    everything = operator.get(at("credentialtype_change", shared.pk)).content.decode()
    assert OTHER in everything
    assert "zoe@example.com" in everything


def test_an_asset_tells_nothing_of_other_courses(teacher, operator):
    configure.save_type("Bare", processor="completion", processor_options={"required_completion": 1})
    designs = {"certificate": {"generator": "pdf", "options": {"template": "plain"}}}
    for one, learners in ((Course(), ("bea",)), (Course(key=OTHER, type_name="Other"), ("zac", "zen"))):
        configure.save_configuration(one.key, "Bare", enabled=False, generators=designs)
        one.configure(generators=designs)
        for learner in learners:
            one.learner(learner)
        one.run_and_generate()
    shared = CredentialAsset.objects.get(slug="plain")
    seen = teacher.get(at("credentialasset_change", shared.pk)).content.decode()
    assert f"the configuration {COURSE} · Bare" in seen
    told = "2 types use it. 1 configuration uses it in designs of its own. It is used elsewhere, too. 1 issued and"
    assert told in seen
    assert OTHER not in seen
    Issuer.objects.update(logo="plain")
    assert "the issuer" not in teacher.get(at("credentialasset_change", shared.pk)).content.decode()
    teacher.user.user_permissions.add(Permission.objects.get(codename="view_credentialasset"))
    assert OTHER not in teacher.get(at("credentialasset_change", shared.pk)).content.decode()
    everything = operator.get(at("credentialasset_change", shared.pk)).content.decode()
    assert f"the configuration {OTHER} · Bare" in everything
    assert "2 configurations use it in designs of their own. 1 issuer has it as its logo. 3 issued" in everything


def test_a_right_that_was_granted_counts_everywhere(two_courses, person):
    client = person("designer", "view_credentialtype", "change_credentialtype", "add_credentialtype")
    Context.objects.get(key=COURSE).teachers.add(client.user)
    assert client.get(at("credentialtype_add")).status_code == 200
    assert len(client.get(at("credential_changelist")).context["cl"].result_list) == 1


# What they do


def configuration(key):
    return {
        "context_key": key,
        "type": CredentialType.objects.get(name="Third").pk,
        "enabled": "on",
        "time_zone": "Europe/Paris",
        "when_how": "every",
        "when_number": "7",
        "when_unit": "day",
    }


def test_they_configure_their_courses_and_no_other(teacher):
    configure.save_type("Third", processor="completion", processor_options={"required_completion": 0.5})
    refused = teacher.post(at("credentialconfiguration_add"), configuration(OTHER))
    assert "You do not teach this one" in refused.context["adminform"].form.errors["context_key"][0]
    assert not CredentialConfiguration.objects.filter(type__name="Third").exists()
    # Nor are they told of what is configured there already, whatever else they write.
    theirs = configuration(OTHER) | {"type": CredentialType.objects.get(name="Other").pk}
    for wrong in ({}, {"time_zone": "nowhere"}, {"when_how": "once", "when_at": ""}):
        told = teacher.post(at("credentialconfiguration_add"), theirs | wrong).context["adminform"].form.errors
        assert "You do not teach this one" in told["context_key"][0]
        assert "already" not in str(told)
    assert teacher.post(at("credentialconfiguration_add"), configuration(COURSE)).status_code == 302
    assert CredentialConfiguration.objects.get(type__name="Third").context_key == COURSE


@pytest.mark.parametrize("action", ["run_now", "enable", "disable"])
def test_no_action_reaches_a_configuration_of_another_course(teacher, action):
    _mine, theirs = mine_and_theirs(CredentialConfiguration)
    before = CredentialConfiguration.objects.filter(pk=theirs.pk).values().get()
    teacher.post(at("credentialconfiguration_changelist"), {"action": action, "_selected_action": [theirs.pk]})
    assert CredentialConfiguration.objects.filter(pk=theirs.pk).values().get() == before


@pytest.mark.parametrize("how", ["revoke", "reissue", "resend", "retry"])
def test_no_correction_reaches_a_credential_of_another_course(teacher, how):
    _mine, theirs = mine_and_theirs(Credential)
    before = Credential.objects.filter(pk=theirs.pk).values().get()
    count = Credential.objects.count(), Delivery.objects.count()
    path = f"{at(f'credential_{how}')}?ids={theirs.pk}"
    values = {"reason": "x", "name": "X", "design": "same", "notify": "on"}
    for response in (
        teacher.get(path, follow=True),
        teacher.post(path, values, follow=True),
        teacher.post(at("credential_changelist"), {"action": how, "_selected_action": [theirs.pk]}, follow=True),
    ):
        assert theirs.recipient_name not in response.content.decode()
    assert Credential.objects.filter(pk=theirs.pk).values().get() == before
    assert (Credential.objects.count(), Delivery.objects.count()) == count


def test_they_correct_what_is_of_their_course(teacher):
    mine, theirs = mine_and_theirs(Credential)
    path = f"{at('credential_revoke')}?ids={mine.pk},{theirs.pk}"
    response = teacher.post(path, {"reason": "copied"}, follow=True)
    assert response.redirect_chain[-1][0] == at("credential_change", mine.pk)
    assert Credential.objects.get(pk=mine.pk).revoked_by == teacher.user
    assert Credential.objects.get(pk=theirs.pk).revoked is None


def test_a_replacement_is_theirs_too(teacher):
    mine, _theirs = mine_and_theirs(Credential)
    new = correct.reissue(mine, name="Ana Vidal")
    assert teacher.get(at("credential_change", new.pk)).status_code == 200


def test_suggestions_of_the_admin_itself_are_of_their_courses(teacher, other_teacher):
    path = reverse("conferral-staff:autocomplete")

    def suggested(client, model, field, term):
        asked = {"app_label": "conferral", "model_name": model, "field_name": field, "term": term}
        response = client.get(path, asked)
        return [each["text"] for each in response.json()["results"]] if response.status_code == 200 else []

    assert suggested(teacher, "credential", "learner", "ana") == ["ana"]
    assert suggested(teacher, "credential", "learner", "zoe") == []
    assert suggested(other_teacher, "credential", "learner", "zoe") == ["zoe"]
    assert suggested(teacher, "credential", "run", OTHER) == []
    assert suggested(teacher, "credential", "edition", "Other") == []


def test_links_stay_on_the_site(teacher):
    mine, _theirs = mine_and_theirs(Credential)
    for path in (at("credential_change", mine.pk), at("credentialconfiguration_change", mine.configuration_id)):
        found = re.findall(r'href="(/[^"]*)"', teacher.get(path).content.decode())
        assert [each for each in found if each.startswith("/admin/")] == []


def test_the_gateway_is_asked_once_a_request(teacher, course):
    def cost():
        with CaptureQueriesContext(connection) as captured:
            assert teacher.get(at("credential_changelist")).status_code == 200
        asked = [query for query in captured.captured_queries if "conferral_context_teachers" in query["sql"]]
        return len(asked), len(captured)

    before = cost()
    assert before[0] == 1
    course.learners(20)
    course.run_and_generate()
    assert cost() == before
