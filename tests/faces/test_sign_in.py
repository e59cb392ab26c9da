"""Signing in by a link, on the standalone service."""

import pytest
from django.test import Client

from conferral import access

pytestmark = pytest.mark.urls("conferral.service.urls")


@pytest.fixture
def browser():
    """One that holds to the rules of forms."""
    return Client(enforce_csrf_checks=True)


def press(browser, path):
    """The button of the page at that address."""
    page = browser.get(path)
    token = browser.cookies["csrftoken"].value
    assert "<button" in page.content.decode()
    return browser.post(path, {"csrfmiddlewaretoken": token})


def test_looking_at_a_link_signs_nobody_in(browser, person):
    user = person("ana").user
    path = f"/sign-in/{access.sign_in_token(user)}"
    assert "Sign in as ana" in browser.get(path).content.decode()
    assert browser.get("/mine/").status_code == 302
    assert Client(enforce_csrf_checks=True).post(path).status_code == 403


def test_the_button_does(browser, person):
    done = press(browser, f"/sign-in/{access.sign_in_token(person('ana').user)}")
    assert done["Location"] == "/mine/"
    assert browser.get("/mine/").status_code == 200


def test_staff_go_to_the_admin_and_a_stranger_to_the_check(browser, person):
    assert (
        press(browser, f"/sign-in/{access.sign_in_token(person('eve', 'view_credential').user)}")["Location"]
        == "/admin/"
    )
    assert press(browser, "/sign-in/stranger")["Location"] == "/check/"
    assert browser.get("/mine/").status_code == 302


def test_a_link_that_is_forged_or_old(browser, person, monkeypatch):
    refused = browser.get("/sign-in/nonsense")
    assert (refused.status_code, "does not sign in any more" in refused.content.decode()) == (403, True)
    path = f"/sign-in/{access.sign_in_token(person('ana').user)}"
    monkeypatch.setattr(access, "SIGN_IN_SECONDS", -1)
    assert browser.get(path).status_code == 403


def test_mails_are_not_shown_where_they_do_not_go_to_files(browser, db):
    assert browser.get("/").status_code == 200
    assert browser.get("/mails/x.eml").status_code == 404
