"""What the page of a credential tells: to strangers as far as the type publishes it and the holder shows it."""

import io
import os
import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.contrib.staticfiles.finders import find
from django.urls import reverse
from django.utils import translation
from django.utils.html import strip_tags
from PIL import Image

from conferral.admin.corrections import RevokeForm
from conferral.colours import contrast
from conferral.issuance import configure, correct, people, wishes
from conferral.issuance.disclosure import initials
from conferral.issuance.generate import generate
from conferral.models import Credential, CredentialType, Edition, Learner
from conferral.models.verification import shown
from conferral.web.brand import MOST_BYTES
from tests.faces.conftest import address
from tests.faces.test_pages import text_of

LIGHT = 100 * 1024
"""Bytes that may be loaded before a reader sees the page, without the picture."""


@pytest.fixture
def holder(issued, person):
    """Ana, signed in."""
    client = person("ana")
    Learner.objects.update(user=client.user)
    return client


@pytest.fixture
def publishing(course, template):
    """`publishing(…)`: Ana's certificate, of a type that publishes that."""

    def made(**publish):
        configure.save_asset("plain", "plain.pdf", template)
        course.learner("ana", name="Ana Ñandú", email="ana@example.com")
        generators = {"certificate": {"generator": "pdf", "options": {"template": "plain"}}}
        course.configure(generators=generators, publish=publish)
        course.run_and_generate()
        return Credential.objects.get()

    return made


def properties(page):
    """What other sites read of the page's head, by name."""
    found = re.findall(r'<meta property="([^"]+)" content="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


# What the type publishes


def test_what_a_type_publishes_is_frozen_when_it_issues(publishing, stranger):
    one = publishing(description="Basic skills.", criteria="Pass both exams.", evidence=True, files=False)
    assert Edition.objects.get().content["publish"]["files"] is False
    CredentialType.objects.update(publish={})
    page = text_of(stranger.get(address(one)))
    assert all(each in page for each in ("What it certifies", "Basic skills.", "Pass both exams.", "100%"))
    assert "Download" not in page
    assert "picture/certificate.pdf" in page
    assert stranger.get(f"{address(one)}/picture/certificate.pdf").status_code == 200
    refused = stranger.get(f"{address(one)}/certificate.pdf")
    assert (refused.status_code, "not shown to everybody" in text_of(refused)) == (403, True)


def test_what_its_designs_print_is_said_in_words_too(course, template, stranger):
    """Whoever does not see the picture is told the same; a field that nothing prints stays where it is."""
    configure.save_asset("plain", "plain.pdf", template)
    course.learner("ana", name="Ana Ñandú", email="ana@example.com")
    elements = {"study": {"text": "{field.hours_of_study} h, {field.level}", "y": "50%"}}
    options = {"template": "plain", "elements": elements}
    course.configure(
        generators={"certificate": {"generator": "pdf", "options": options}},
        fields={"hours_of_study": 1200.5, "level": "B<2>", "internal": "not for you"},
    )
    course.run_and_generate()
    one = Credential.objects.get()
    page = " ".join(strip_tags(stranger.get(address(one)).content.decode()).split())
    assert "Hours of study1,200.5 Level" in page
    assert "B&lt;2&gt;" in page
    assert "not for you" not in page
    assert "<2>" not in stranger.get(address(one)).content.decode()
    told = stranger.get(f"/api/conferral/v1/credentials/{one.verification_id}/").json()
    assert told["fields"] == {"hours_of_study": 1200.5, "level": "B<2>"}
    wishes.show(one, hidden=True)
    assert "1,200.5" not in text_of(stranger.get(address(one)))
    assert stranger.get(f"/api/conferral/v1/credentials/{one.verification_id}/").json()["fields"] == {}


def test_the_holder_has_the_file_that_strangers_may_not(publishing, person, stranger):
    one = publishing(files=False)
    holder, other = person("ana"), person("bo")
    Learner.objects.update(user=holder.user)
    file = f"{address(one)}/certificate.pdf"
    answers = [client.get(file) for client in (stranger, other, holder)]
    assert [each.status_code for each in answers] == [403, 403, 200]
    answers[-1].close()


def test_what_was_issued_before_types_published_anything_is_shown_as_ever(issued, stranger):
    edition = Edition.objects.get()
    del edition.content["publish"]
    edition.save()
    page = text_of(stranger.get(address(issued)))
    assert "Download PDF" in page
    assert "100%" not in page


def test_a_type_that_publishes_nonsense_is_refused(course):
    with pytest.raises(Exception, match=r"publish.evidnce: unknown key; known here: criteria, description, evidence"):
        course.configure(publish={"evidnce": True})


# Sharing


def test_links_to_other_sites_carry_what_those_document(issued, stranger):
    Edition.objects.update(
        content=Edition.objects.get().content | {"issuer": {"name": "Test & Co", "url": "", "linkedin_id": "815"}}
    )
    page = text_of(stranger.get(address(issued)))
    link = unescape(re.search(r'href="([^"]+)"[^>]* data-profile', page)[1])
    assert link.startswith("https://www.linkedin.com/profile/add?")
    assert {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()} == {
        "startTask": "CERTIFICATION_NAME",
        "name": "Completion: Testing",
        "organizationId": "815",
        "issueYear": str(issued.issued.year),
        "issueMonth": str(issued.issued.month),
        "certUrl": f"http://localhost:8000/c/{shown(issued.verification_id)}",
        "certId": shown(issued.verification_id),
    }
    assert "linkedin.com/sharing/share-offsite/?url=http%3A%2F%2Flocalhost" in page
    assert "mailto:?subject=Completion%3A%20Testing" in page


def test_at_new_year_the_year_is_the_one_of_the_day_that_is_shown(issued, stranger):
    Edition.objects.update(content=Edition.objects.get().content | {"time_zone": "Pacific/Auckland"})
    Credential.objects.update(issued=datetime(2025, 12, 31, 12, 0, tzinfo=UTC))
    page = text_of(stranger.get(address(issued)))
    assert "January 1, 2026" in page
    assert "issueYear=2026&amp;issueMonth=1&amp;" in page
    people.retire(issued.learner)
    assert "genuine, issued 2026 by <bdi>Test</bdi>" in text_of(stranger.get(address(issued)))


def test_other_sites_find_a_card(issued, stranger):
    told = properties(text_of(stranger.get(address(issued))))
    assert told["og:title"] == "Ana Ñandú · Completion"
    assert told["og:image"].startswith("http://localhost:8000/c/")
    response = stranger.get(urlsplit(told["og:image"]).path)
    assert response["Content-Type"] == "image/png"
    with Image.open(io.BytesIO(response.content)) as card:
        assert card.size == (1200, 630)


@pytest.mark.parametrize("deed", ["hidden", "revoked", "removed"])
def test_there_is_no_card_of_what_is_not_shown(issued, stranger, deed):
    {
        "hidden": lambda: wishes.show(issued, hidden=True),
        "revoked": lambda: correct.revoke(issued, "copied"),
        "removed": lambda: people.retire(issued.learner),
    }[deed]()
    assert "og:image" not in properties(text_of(stranger.get(address(issued))))
    assert stranger.get(reverse("conferral:card", args=[shown(issued.verification_id)])).status_code == 404


def test_the_page_is_light(issued, stranger):
    page = stranger.get(address(issued))
    needed = re.findall(r'(?:href|src)="/static/([^"]+)"', text_of(page))
    look = [len(stranger.get(name).content) for name in re.findall(r'href="(/look/[^"]+)"', text_of(page))]
    sizes = [len(page.content), *look, *(Path(find(name)).stat().st_size for name in needed)]
    assert len(sizes) >= 4
    assert sum(sizes) + MOST_BYTES < LIGHT, "with a logo"


def test_nothing_in_the_page_is_for_a_script_or_a_style_within_it(holder, issued):
    page = text_of(holder.get(address(issued)))
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=)", page)


# Whose page it is


@pytest.fixture
def branded(course, template):
    """Ana's certificate, of an issuer with a logo and a colour."""
    picture = io.BytesIO()
    Image.new("RGBA", (1000, 1000), "#ffcc00").save(picture, "PNG")
    configure.save_asset("emblem", "emblem.png", picture.getvalue())
    configure.save_issuer("test", name="Test", logo="emblem", colours={"primary": "#ffcc00"})
    configure.save_asset("plain", "plain.pdf", template)
    course.learner("ana", name="Ana Ñandú", email="ana@example.com")
    course.configure(generators={"certificate": {"generator": "pdf", "options": {"template": "plain"}}})
    course.run_and_generate()
    return Credential.objects.get()


def test_pages_have_the_issuers_name_logo_and_colour(branded, stranger):
    for path in (address(branded), "/check/"):
        page = text_of(stranger.get(path))
        header = page[page.index("<header") : page.index("</header>")]
        assert "Test</bdi>" in header
        logo = stranger.get(re.search(r'<img src="([^"]+)"', header)[1])
        assert (logo.status_code, logo["Content-Type"]) == (200, "image/png")
        with Image.open(io.BytesIO(logo.content)) as picture:
            assert picture.size == (160, 160)
        look = stranger.get(re.search(r'href="(/look/[^"]+)"', page)[1])
        assert look["Content-Type"] == "text/css"
    by_day, by_night = re.findall("--accent: (#[0-9a-f]{6})", text_of(look))
    assert contrast(by_day, "#f4f2ec") >= 4.5
    assert by_night == "#ffcc00"


def heavy_drawing():
    shapes = "".join(f'<path fill="#{n * 99:06x}" d="M{n % 97} 0L{n % 89} {n % 83}L0 {n % 79}z"/>' for n in range(5000))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100">{shapes}</svg>'.encode()


def heavy_picture():
    noise, written = Image.merge("RGB", [Image.effect_noise((1600, 400), 999) for _ in range(3)]), io.BytesIO()
    noise.save(written, "PNG", icc_profile=os.urandom(80_000))
    return written.getvalue()


@pytest.mark.parametrize(
    ("filename", "made", "size"),
    [("emblem.svg", heavy_drawing, (320, 160)), ("emblem.png", heavy_picture, (160, 40))],
)
def test_a_heavy_logo_is_served_as_a_small_picture(branded, stranger, filename, made, size):
    configure.save_asset("emblem", filename, made())
    logo = stranger.get("/logo/")
    assert logo["Content-Type"] == "image/png"
    assert len(logo.content) <= MOST_BYTES < len(made())
    with Image.open(io.BytesIO(logo.content)) as picture:
        assert picture.size == size


def test_a_small_drawing_is_served_as_it_is(branded, stranger):
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>'
    configure.save_asset("emblem", "emblem.svg", drawing)
    logo = stranger.get("/logo/")
    assert (logo["Content-Type"], logo.content) == ("image/svg+xml", drawing)


def test_what_is_no_logo_is_not_served(issued, stranger):
    assert stranger.get("/logo/").status_code == 404
    assert stranger.get(f"{address(issued)}/issuer/logo/").status_code == 404
    assert stranger.get("/look/plain.css").status_code == 404
    assert stranger.get("/look/%7D%2A%7B%7D.css").status_code == 404


def test_what_is_in_another_language_than_the_page_says_so(publishing, stranger):
    one = publishing(criteria="Pass both exams.")
    Credential.objects.update(locale="en-GB")
    with translation.override("ar"):
        page = text_of(stranger.get(address(one)))
    assert 'lang="ar" dir="rtl"' in page
    for text in ("Completion", "Testing"):
        assert f'<bdi lang="en-GB">{text}</bdi>' in page
    assert re.search(r'lang="en-GB" dir="auto"><p>Pass both exams.', page)


# What the holder shows


def test_hidden_tells_strangers_the_verdict_and_nothing_else(issued, holder, stranger, person):
    wishes.show(issued, hidden=True)
    for client in (stranger, person("bo")):
        page = text_of(client.get(address(issued)))
        assert "<h2>Genuine</h2>" in page
        assert "Issued by <bdi>Test</bdi>" in page
        assert not any(each in page for each in ("Ñandú", "Testing", "Completion", "certificate.pdf", "at least 80%"))
        assert client.get(f"{address(issued)}/certificate.pdf").status_code == 403
        assert client.get(f"{address(issued)}/picture/certificate.pdf").status_code == 404
        told = client.get(reverse("conferral-api:verify", args=[issued.verification_id])).json()
        assert (told["verdict"], told["hidden"], told["files"]) == ("genuine", True, [])
        assert {told[each] for each in ("recipient", "type", "context", "issued")} == {None}
    assert "Ñandú" in text_of(holder.get(address(issued)))
    assert "Ñandú" in text_of(person("registrar", "view_credential").get(address(issued)))
    assert holder.get(f"{address(issued)}/picture/certificate.pdf").status_code == 200


def test_who_is_hidden_from_may_sign_in(issued, stranger, settings):
    settings.LOGIN_URL = "/login"
    wishes.show(issued, hidden=True)
    page = text_of(stranger.get(address(issued)))
    assert f'href="/login?next={quote(address(issued), safe="")}"' in page
    assert 'href="/login?next=%2Fmine%2F">Sign in' in page


def test_a_type_may_tell_everybody_why_it_was_revoked(publishing, stranger):
    one = publishing(revocation_reason=True)
    assert "Everybody who has the link is shown it" in str(RevokeForm(chosen=[one]).fields["reason"].help_text)
    correct.revoke(one, "not her own work")
    assert "not her own work" in text_of(stranger.get(address(one)))
    wishes.show(one, hidden=True)
    assert "own work" not in text_of(stranger.get(address(one)))


def test_hidden_and_revoked_says_revoked(issued, stranger):
    wishes.show(issued, hidden=True)
    correct.revoke(issued, "not her own work")
    page = text_of(stranger.get(address(issued)))
    assert "<h2>Revoked</h2>" in page
    assert "own work" not in page


def test_initials_hide_what_has_the_name_in_full(issued, holder, stranger):
    wishes.show(issued, name_form="initials")
    page = text_of(stranger.get(address(issued)))
    assert "A. Ñandú" in page
    assert not any(each in page for each in ("Ana", "picture/", "certificate.pdf"))
    assert stranger.get(f"{address(issued)}/picture/certificate.pdf").status_code == 404
    assert stranger.get(f"{address(issued)}/certificate.pdf").status_code == 403
    assert stranger.get(reverse("conferral-api:verify", args=[issued.verification_id])).json()["recipient"] == (
        "A. Ñandú"
    )
    assert "picture/certificate.pdf" in text_of(holder.get(address(issued)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Ana María Ñandú", "A. M. Ñandú"), ("Plato", "Plato"), ("", ""), ("Y\u0308ana Bo", "Y\u0308. Bo")],
)
def test_initials(name, expected):
    assert initials(name) == expected


def test_one_name_has_no_initials(issued, holder, stranger):
    """It would stay in full, and the picture and the file would go for nothing."""
    assert 'name="name_form"' in text_of(holder.get(address(issued)))
    Credential.objects.update(recipient_name="Wulandari", name_form="initials")
    page = text_of(holder.get(address(issued)))
    assert 'name="visibility"' in page
    assert 'name="name_form"' not in page
    page = text_of(stranger.get(address(issued)))
    assert all(each in page for each in ("Wulandari", "picture/", "certificate.pdf"))


def test_scripts_and_looks_may_come_from_where_the_site_has_its_files(issued, stranger, settings):
    policy = stranger.get(address(issued))["Content-Security-Policy"]
    assert "script-src 'self'; " in policy
    settings.STATIC_URL = "https://cdn.example.org/static/"
    answer = stranger.get(address(issued))
    policy = dict(each.strip().split(" ", 1) for each in answer["Content-Security-Policy"].split(";"))
    for what in ("script-src", "style-src", "img-src"):
        assert policy[what] == "'self' https://cdn.example.org"
    assert policy["form-action"] == policy["connect-src"] == "'self'"
    # A module of another site would be asked for in a way that many do not answer.
    assert 'type="module"' not in text_of(answer)


def test_the_holder_chooses_with_a_form_that_nobody_else_can_send(issued, holder, stranger, person):
    path = reverse("conferral:wish", args=[shown(issued.verification_id)])
    asked = {"visibility": "hidden", "name_form": "initials"}
    assert stranger.post(path, asked).status_code == 302  # to sign in
    for client in (person("bo"), person("registrar", "view_credential", "change_credential")):
        assert client.post(path, asked).status_code == 404
    assert (Credential.objects.get().hidden, Credential.objects.get().name_form) == (False, "full")
    page = text_of(holder.post(path, asked, follow=True))
    assert "Saved. This is what the page shows now." in page
    assert (Credential.objects.get().hidden, Credential.objects.get().name_form) == (True, "initials")
    holder.post(path, {"name_form": "full"})  # of what is not said, nothing changes
    assert (Credential.objects.get().hidden, Credential.objects.get().name_form) == (True, "full")
    holder.post(path, asked)
    holder.post(path, {"visibility": "shown", "name_form": "upside-down"})
    assert (Credential.objects.get().hidden, Credential.objects.get().name_form) == (False, "initials")


def test_a_form_of_another_site_changes_nothing(issued, holder):
    from django.test import Client

    careful = Client(enforce_csrf_checks=True)
    careful.force_login(holder.user)
    path = reverse("conferral:wish", args=[shown(issued.verification_id)])
    assert careful.post(path, {"visibility": "hidden"}).status_code == 403
    assert not Credential.objects.get().hidden


def test_what_the_holder_chose_outlasts_a_correction(issued, holder, stranger):
    wishes.show(issued, hidden=True, name_form="initials")
    new = correct.reissue(issued, name="Ana Vidal")
    generate()
    assert (new.hidden, new.name_form) == (True, "initials")
    assert "Vidal" not in text_of(stranger.get(address(new)))


def test_the_controls_are_the_holders_alone(issued, holder, stranger, person):
    for client, theirs in ((stranger, False), (person("bo"), False), (person("x", "view_credential"), False)):
        assert ("This one is yours" in text_of(client.get(address(issued)))) == theirs
    assert "This one is yours" in text_of(holder.get(address(issued)))
    correct.revoke(issued, "copied")
    assert "This one is yours" not in text_of(holder.get(address(issued)))
