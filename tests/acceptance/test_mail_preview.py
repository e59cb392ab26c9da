"""`conferral mail`: what a learner would be sent, seen beforehand."""

import re

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from conferral.colours import contrast
from conferral.issuance import configure
from tests.conftest import COURSE

FETCHED = re.compile(r"<img|<link|<script|<iframe|@import|url\(|background=|srcset", re.IGNORECASE)


@pytest.fixture
def kind(course):
    course.configure(wording={"subject": "Well done: {context}", "body": "First.\n\nYou are at {evidence.completion}."})
    return course


def shown(target, *arguments, type_name="Completion"):
    call_command("conferral", "mail", type_name, "-o", str(target), *arguments)
    return target.read_text()


def test_the_text_in_the_terminal(kind, capsys):
    call_command("conferral", "mail", "Completion", "--context", COURSE, "--name", "Maria")
    said = capsys.readouterr().out
    assert all(each in said for each in ("Well done: Testing", "Congratulations, Maria.", "First.", "You are at 100%"))
    assert "K7QF-2M9X-4TBD-HW33" in said
    assert mail.outbox == []


def test_as_html_for_a_browser(kind, tmp_path):
    page = shown(tmp_path / "mail.html", "--context", COURSE)
    assert all(
        each in page for each in ("<p class", "First.", "Completion</bdi></strong><br>", "/c/K7QF-2M9X-4TBD-HW33")
    )


@pytest.mark.parametrize("purpose", ["issued", "corrected", "refused"])
def test_nothing_is_fetched_from_anywhere(kind, tmp_path, purpose):
    page = shown(tmp_path / "mail.html", "--purpose", purpose)
    assert not FETCHED.search(page)
    assert set(re.findall(r'https?://[^"<\s]+', page)) == {"http://localhost:8000/c/K7QF-2M9X-4TBD-HW33"}
    assert "prefers-color-scheme: dark" in page


def test_the_button_can_be_read_whatever_the_issuers_colour(kind, tmp_path):
    configure.save_issuer("test", name="Test", colours={"primary": "#ffcc00"})
    page = shown(tmp_path / "mail.html")
    assert re.search(r"background:#ffcc00;[^<]*<a [^>]*color:#000000", page)
    configure.save_issuer("test", name="Test", colours={"primary": "#1b2a4e"})
    page = shown(tmp_path / "mail.html")
    assert re.search(r"background:#1b2a4e;[^<]*<a [^>]*color:#ffffff", page)
    by_night = re.search(r"border-top-color: (#[0-9a-f]{6})", page)[1]
    assert contrast(by_night, "#1f2229") >= 4.5


def test_what_is_in_another_language_says_so(kind, tmp_path):
    page = shown(tmp_path / "mail.html", "--language", "ar")
    assert 'lang="ar" dir="rtl"' in page
    assert '<bdi lang="en">Completion</bdi>' in page


def test_the_whole_message_and_its_purpose(kind, tmp_path):
    message = shown(tmp_path / "mail.eml", "--purpose", "corrected")
    assert "Subject: Corrected: Completion" in message
    assert "multipart/alternative" in message
    assert "did not agree" in shown(tmp_path / "mail.txt", "--purpose", "refused")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("Completion", "-o", "mail.pdf"), "output: mail.pdf does not end in one of .html .txt .eml"),
        (("Nonsense",), "type: 'Nonsense' is not known; known: 'Completion'"),
        (("Completion", "--context", "course-v1:No+No+No"), "context: 'course-v1:No+No+No' is not known"),
        (("Completion", "--name", " "), "name: ' ' has nothing that would be seen"),
    ],
)
def test_what_cannot_be_shown_is_told(kind, arguments, why):
    with pytest.raises(CommandError, match=re.escape(why)):
        call_command("conferral", "mail", *arguments)
