"""Somebody has a name, a course or a file that is more than a name: markup, header lines, formulas, templates."""

import io
from email import message_from_bytes, policy

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from conferral.issuance import configure
from conferral.issuance.deliver import deliver
from conferral.models import Credential, CredentialArtifact, Delivery, Edition, Issuer, Learner
from tests.conftest import COURSE
from tests.faces.conftest import address

LINES = "Ana\r\nSet-Cookie: admin=1\r\n\r\n<script>alert(1)</script>"
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
TEMPLATE = "{{ 7|add:7 }}{% load static %}{{settings.SECRET_KEY}}{name.__class__}"
TURNED = "Ana \u202efdp.exe"
RUNS = ("<script", "<img src=x", "onerror=alert(1)>")


@pytest.fixture
def operator(person, django_user_model):
    client = person("operator", "view_credential")
    django_user_model.objects.filter(pk=client.user.pk).update(is_superuser=True)
    return client


@pytest.fixture
def hostile(issued):
    """`hostile(text)`: every name that is shown says that, as an LMS may tell names that we have not checked."""

    def named(text):
        Credential.objects.update(recipient_name=text, context_name=text, context_organisation=text)
        Learner.objects.update(name=text)
        edition = Edition.objects.get()
        edition.content |= {"type": text, "issuer": edition.content["issuer"] | {"name": text}}
        edition.save()
        return Credential.objects.get()

    return named


def without_files(page):
    """A page without the scripts that it has in files of their own, as Django's admin has them too."""
    return page.replace("<script src=", "").replace('<script id="', "").replace('<script type="module" src=', "")


def admin_pages(credential):
    for name in (
        "credential",
        "learner",
        "edition",
        "credentialartifact",
        "delivery",
        "run",
        "credentialconfiguration",
    ):
        yield reverse(f"admin:conferral_{name}_changelist")
    yield reverse("admin:conferral_credential_change", args=[credential.pk])
    yield reverse("admin:conferral_learner_change", args=[credential.learner_id])
    yield reverse("admin:conferral_edition_change", args=[credential.edition_id])
    for correction in ("revoke", "reissue", "resend", "retry"):
        yield f"{reverse(f'admin:conferral_credential_{correction}')}?ids={credential.pk}"


@pytest.mark.parametrize("text", [MARKUP, LINES, TEMPLATE])
def test_names_are_text_on_every_page(hostile, stranger, person, operator, text):
    credential = hostile(text)
    holder = person("ana")
    Learner.objects.update(user=holder.user)
    CredentialArtifact.objects.update(last_error=text)
    pages = [stranger.get(address(credential)), holder.get("/mine/"), holder.get(address(credential))]
    pages += [operator.get(path) for path in admin_pages(credential)]
    for page in pages:
        assert page.status_code == 200
        said = page.content.decode()
        assert not [each for each in RUNS if each in without_files(said)]
        if "add:7" in said:
            assert "{{ 7|add:7 }}" in said
        assert "admin" not in page.cookies


# No database of ours takes NUL in all of them: PostgreSQL refuses it.
IN_HEADERS = [MARKUP, LINES, TURNED, "a" * 255, '"; filename="x.html', "../../x", "\\\\host\\x", "\x1b"]


@pytest.mark.parametrize("text", IN_HEADERS)
def test_names_are_text_in_the_header_of_a_file(hostile, stranger, text):
    response = stranger.get(f"{address(hostile(text))}/certificate.pdf")
    assert response.status_code == 200
    disposition = response["Content-Disposition"]
    assert not {"\r", "\n", "\0", "\u202e"} & set(disposition)
    assert not [each for each in ("/", "%2F", "%0A", "%0D", "%E2%80%AE") if each in disposition]
    assert disposition.rstrip('"').endswith(".pdf")
    # What a browser makes of it: one disposition with one name.
    parsed = message_from_bytes(f"Content-Disposition: {disposition}\r\n\r\n".encode(), policy=policy.HTTP)
    assert parsed.get_content_disposition() == "inline"
    assert parsed.get_filename().endswith(".pdf")
    response.close()


def test_what_is_asked_for_is_text(db, stranger):
    for path in (f"/c/{MARKUP.replace('/', '')}", f"/check/?id={MARKUP}", "/check/?id=%00%0d%0ax"):
        page = stranger.get(path)
        assert page.status_code == 404
        assert not [each for each in RUNS if each in without_files(page.content.decode())]


# Mail


@pytest.mark.parametrize("text", [MARKUP, LINES, TEMPLATE])
def test_names_are_text_in_mails(hostile, mailoutbox, text):
    hostile(text)
    edition = Edition.objects.get()
    edition.content["wording"] = {"subject": "For {name} in {context}", "body": "Dear {name}"}
    edition.save()
    deliver()
    if text is LINES:
        # Lines become spaces: a subject has one.
        assert len(mailoutbox) == 1
    (mail,) = mailoutbox
    sent = message_from_bytes(mail.message().as_bytes(), policy=policy.default)
    assert set(sent.keys()) <= {
        *("Content-Type", "MIME-Version", "Subject", "From", "To", "Reply-To", "Message-ID", "Auto-Submitted", "Date")
    }
    assert sent["To"] == "ana@example.com"
    assert mail.recipients() == ["ana@example.com"]
    html = sent.get_body(("html",)).get_content()
    assert not [each for each in RUNS if each in html]
    if text is TEMPLATE:
        assert "{{ 7|add:7 }}" in sent["Subject"]


@pytest.mark.parametrize("email", ["ana@example.com\r\nBcc: victim@example.com", "ana@example.com, victim@example.com"])
def test_an_address_that_is_several_is_not_written_to(issued, mailoutbox, email):
    Learner.objects.update(email=email)
    deliver()
    assert not [mail for mail in mailoutbox if "victim" in str(mail.message()["Bcc"]) or len(mail.recipients()) > 1]
    if "\n" in email:
        assert mailoutbox == []
        assert Delivery.objects.get().state == "failed"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sender", "Demo\r\nBcc: victim@example.com <a@demo.example>"),
        ("sender", "a@demo.example\nBcc: victim@example.com"),
        ("reply_to", "a@demo.example\r\nBcc: victim@example.com"),
        ("name", "Demo\r\nBcc: victim@example.com"),
        ("url", "javascript:alert(1)"),
        ("url", "data:text/html,<script>alert(1)</script>"),
        ("primary", "#fff; background: url(http://evil.example)"),
    ],
)
def test_an_issuer_is_refused_at_its_field(operator, field, value):
    given = {"slug": "site", "name": "Demo University", field: value}
    response = operator.post(reverse("admin:conferral_issuer_add"), given)
    assert list(response.context["adminform"].form.errors) == [field]
    assert not Issuer.objects.exists()


@pytest.mark.parametrize("cell", ['"Ana\r\nBcc: x@example.com"', '"Ana\u202e"', '"Ana\x00"'])
def test_a_roster_with_such_a_name_is_refused(course, tmp_path, cell):
    roster = tmp_path / "roster.csv"
    roster.write_bytes(f"username,email,name,completion\nana,ana@example.com,{cell},1\n".encode())
    with pytest.raises((CommandError, SystemExit)):
        call_command("conferral", "roster", "import", COURSE, str(roster), stdout=io.StringIO(), stderr=io.StringIO())
    assert not Learner.objects.exists()


def test_placeholders_reach_nothing_but_what_they_are_for(course):
    for text in ("{name.__class__}", "{0}", "{name!r}", "{name:>9999999}", "{snapshot}", "{field.__init__}"):
        with pytest.raises(configure.ConferralError):
            course.configure(wording={"subject": text})
