"""Somebody sends what no form has: too many fields, from another site, to another site, or of another host."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conferral.issuance import correct
from conferral.models import (
    Credential,
    CredentialArtifact,
    CredentialAsset,
    CredentialConfiguration,
    Delivery,
    Learner,
)
from conferral.models.verification import shown
from tests.faces.conftest import address

ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "http://testserver@evil.example/",
    "\thttps://evil.example/",
)


@pytest.fixture
def operator(person, django_user_model):
    client = person("operator", "view_credential")
    django_user_model.objects.filter(pk=client.user.pk).update(is_superuser=True)
    return client


def page(name, *args):
    return reverse(f"admin:conferral_{name}", args=args)


# More fields than there are


@pytest.mark.parametrize("model", [Credential, CredentialArtifact, Delivery, Learner])
def test_not_even_a_superuser_writes_records_by_hand(issued, operator, model):
    row = model.objects.first()
    before = model.objects.filter(pk=row.pk).values().get()
    sent = {
        "state": "available",
        "recipient_name": "Eve",
        "storage_name": "../x",
        "user": operator.user.pk,
        "name": "Eve",
    }
    name = model._meta.model_name
    assert operator.post(page(f"{name}_change", row.pk), sent).status_code == 403
    assert operator.post(page(f"{name}_add"), sent).status_code == 403
    assert operator.post(page(f"{name}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).values().get() == before


def test_a_correction_takes_its_own_fields_alone(issued, operator):
    later = timezone.now() + timedelta(days=9)
    more = {"revoked": later.isoformat(), "revoked_by": 0, "recipient_name": "Eve", "state": "held"}
    sent = {"reason": "not hers"} | more
    operator.post(f"{page('credential_revoke')}?ids={issued.pk}", sent)
    issued.refresh_from_db()
    assert (issued.recipient_name, issued.state, issued.revoked_by) == ("Ana Ñandú", "available", operator.user)
    assert issued.revoked < later


def test_a_configuration_takes_its_own_fields_alone(course, operator):
    configuration = course.configure()
    when = timezone.now()
    sent = {"enabled": "on", "time_zone": "UTC", "when_how": "hand"} | {
        "next_run_at_0": "2020-01-01",
        "next_run_at": when.isoformat(),
        "archived": when.isoformat(),
        "context_key": "course-v1:Other+X+1",
        "type": 999,
        "periodic_task": 1,
        "schedule": '{"crontab": "* * * * *"}',
    }
    assert operator.post(page("credentialconfiguration_change", configuration.pk), sent).status_code == 302
    saved = CredentialConfiguration.objects.get()
    assert (saved.context_key, saved.archived, saved.schedule) == (configuration.context_key, None, {})
    assert saved.next_run_at is None


def test_an_upload_takes_its_own_fields_alone(operator, template):
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("../../etc/cron.d/x.pdf", template)
    more = {"sha256": "0" * 64, "storage_name": "/etc/passwd", "version": 99, "kind": "font", "filename": "/x"}
    assert operator.post(page("credentialasset_add"), {"slug": "plain", "file": file} | more).status_code == 302
    saved = CredentialAsset.objects.get()
    assert (saved.version, saved.kind) == (1, "pdf")
    assert saved.sha256 != "0" * 64
    assert saved.storage_name.startswith("assets/")
    assert saved.filename == "x.pdf"


def test_who_may_look_may_not_write(issued, person):
    client = person("eve", "view_credential", "view_credentialconfiguration", "view_credentialasset", "view_issuer")
    sent = {"reason": "x", "name": "Eve", "design": "same"}
    for name in ("revoke", "reissue", "resend", "retry"):
        assert client.post(f"{page(f'credential_{name}')}?ids={issued.pk}", sent).status_code == 403
    for action in ("revoke", "reissue", "resend", "retry"):
        client.post(page("credential_changelist"), {"action": action, "_selected_action": [issued.pk]})
    assert client.post(page("issuer_add"), {"slug": "site", "name": "Eve"}).status_code == 403
    issued.refresh_from_db()
    assert issued.revoked is None
    assert Credential.objects.count() == 1


def test_what_belongs_to_accounts_is_not_found_out_by_searching(issued, person, django_user_model):
    """Rights over credentials are none over passwords: a list is not narrowed by what lies behind it."""
    issued.learner.user = django_user_model.objects.create_user("ana", password="secret")
    issued.learner.save()
    client = person("eve", "view_credential", "view_learner")
    for path in (
        f"{page('credential_changelist')}?learner__user__password__startswith=p",
        f"{page('credential_changelist')}?revoked_by__password__startswith=p",
        f"{page('learner_changelist')}?user__password__contains=sha256",
    ):
        answer = client.get(path)
        assert answer.status_code == 400 or "e=1" in answer.get("Location", "")


@pytest.mark.parametrize("ids", ["9" * 19, "9" * 5000, "0;drop table", "-1", "1' or '1'='1", "0x1", "%00"])
def test_numbers_of_rows_that_are_none(issued, operator, ids):
    answer = operator.get(f"{page('credential_revoke')}?ids={ids}")
    assert answer.status_code == 302
    assert operator.get(page("credential_changelist"), {"q": "' or 1=1 --"}).status_code == 200


# From another site


def test_no_form_is_taken_from_another_site(issued, django_user_model):
    client = Client(enforce_csrf_checks=True)
    user = django_user_model.objects.create(username="operator", is_staff=True, is_superuser=True)
    client.force_login(user)
    sent = {"reason": "x", "slug": "site", "name": "Eve", "action": "retry", "_selected_action": [issued.pk]}
    for path in (
        f"{page('credential_revoke')}?ids={issued.pk}",
        page("credential_changelist"),
        page("issuer_add"),
        page("credentialasset_add"),
        "/admin/logout/",
    ):
        assert client.post(path, sent, HTTP_ORIGIN="https://evil.example").status_code == 403
    issued.refresh_from_db()
    assert issued.revoked is None


@pytest.mark.urls("conferral.service.urls")
def test_nobody_is_signed_in_or_out_from_another_site(db):
    client = Client(enforce_csrf_checks=True)
    for path in ("/sign-in/", "/sign-out/", "/sign-in/stranger", "/admin/login/"):
        assert client.post(path, {"username": "eve", "password": "eve"}).status_code == 403


@pytest.mark.urls("conferral.service.urls")
@pytest.mark.parametrize("headers", [{}, {"HTTP_AUTHORIZATION": "JWT x"}, {"HTTP_AUTHORIZATION": "Bearer é\u0100"}])
@pytest.mark.parametrize("body", ['{"username": "ana"}', "[" * 4000, '{"username": "ana", "is_superuser": true}', ""])
def test_nobody_is_removed_without_a_token_of_the_lms(issued, stranger, headers, body):
    answer = stranger.post("/user/retire/", body, content_type="application/json", **headers)
    assert answer.status_code in (401, 403)
    assert Learner.objects.get().retired is None


# To another site


@pytest.mark.urls("conferral.service.urls")
@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_and_out_leads_to_no_other_site(django_user_model, settings, target):
    settings.LOGIN_REDIRECT_URL, settings.LOGOUT_REDIRECT_URL = "/mine/", "/"
    django_user_model.objects.create_user("ana", password="secret", is_staff=True)
    for path in ("/sign-in/", "/admin/login/"):
        sent = {"username": "ana", "password": "secret", "next": target}
        for answer in (Client().post(path, sent), Client().post(f"{path}?next={target}", sent)):
            assert answer.status_code == 302
            assert answer["Location"] in ("/mine/", "/admin/")
    client = Client()
    client.login(username="ana", password="secret")
    assert client.post("/sign-out/", {"next": target})["Location"] == "/"


@pytest.mark.parametrize("target", ELSEWHERE)
def test_checking_a_number_leads_to_no_other_site(issued, stranger, target):
    answer = stranger.get("/check/", {"id": issued.verification_id, "next": target})
    assert answer["Location"] == address(issued)
    assert stranger.get("/check/", {"id": target}).status_code == 404
    correct.reissue(issued, name="Ana Vidal")
    Credential.objects.filter(current=True).update(state="available")
    for path in (f"{address(issued)}?next={target}", f"{address(issued)}/{target.replace('/', '')}"):
        assert stranger.get(path)["Location"].startswith("/c/")


# Of another host


def test_links_are_of_the_public_address_whatever_host_was_asked_for(issued, stranger, operator, settings, mailoutbox):
    from conferral.issuance.deliver import deliver

    settings.ALLOWED_HOSTS = ["*"]
    settings.CONFERRAL_PUBLIC_URL = "https://credentials.example.org"
    evil = {"HTTP_HOST": "evil.example", "HTTP_X_FORWARDED_HOST": "evil.example"}
    api = f"/api/conferral/v1/credentials/{shown(issued.verification_id)}/"
    told = json.loads(stranger.get(api, **evil).content)
    assert told["page"] == f"https://credentials.example.org{address(issued)}"
    assert told["files"][0]["url"].startswith(told["page"])
    answers = [stranger.get(path, **evil) for path in ("/", "/check/", address(issued), "/mine/")]
    answers.append(operator.get(page("credential_change", issued.pk), **evil))
    assert operator.post(f"{page('credential_resend')}?ids={issued.pk}", {}, **evil).status_code == 302
    deliver()
    for answer in answers:
        assert b"evil.example" not in answer.content
        assert "evil.example" not in answer.get("Location", "")
    assert mailoutbox
    for mail in mailoutbox:
        text = mail.message().as_string()
        assert "evil.example" not in text
        assert f"https://credentials.example.org{address(issued)}" in mail.body


def test_rights_are_asked_for_each_time(issued, person):
    """Whoever loses a right in the middle has lost it."""
    client = person("registrar", "view_credential", "change_credential")
    assert client.get(f"{page('credential_revoke')}?ids={issued.pk}").status_code == 200
    client.user.user_permissions.remove(Permission.objects.get(codename="change_credential"))
    assert client.post(f"{page('credential_revoke')}?ids={issued.pk}", {"reason": "x"}).status_code == 403
