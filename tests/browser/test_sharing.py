"""What the buttons of a credential's page do: copy its link, print, share; and what is said where that may not be."""

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import PHONE

NOTHING = "window.told = []"
PRINTS = "window.print = () => told.push('printed')"
COPIES = "navigator.clipboard.writeText = async (text) => { told.push(text) }"
REFUSES = "navigator.clipboard.writeText = async () => { throw new DOMException('denied', 'NotAllowedError') }"
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
SHARES = "navigator.share = async (what) => { told.push(what) }"
SHARED_TO_NOBODY = "navigator.share = async () => { throw new DOMException('', 'AbortError') }"
MAY_NOT_SHARE = "navigator.share = async () => { throw new DOMException('denied', 'NotAllowedError') }"


@pytest.fixture
def page(shared, visit):
    """`page(COPIES, …)`: a credential's page in a browser that does so, and the address that is printed on it."""

    def come(*does):
        visitor = visit(shared, viewport=PHONE)
        for each in (NOTHING, *does):
            visitor.page.add_init_script(each)
        visitor.go(f"/c/{shared.number('Amélie Nováková', 'Introduction to Computing')}")
        return visitor.page, visitor.page.locator("link[rel=canonical]").get_attribute("href")

    return come


def press(page, name):
    page.get_by_role("button", name=name).click()


def test_the_link_is_copied(page):
    shown, link = page(COPIES)
    press(shown, "Copy link")
    expect(shown.get_by_role("button", name="Link copied")).to_be_visible()
    assert shown.evaluate("told") == [link]
    expect(shown.get_by_role("button", name="Copy link")).to_be_visible()  # a little later
    expect(shown.get_by_label("Copy the link from here")).to_be_hidden()


@pytest.mark.parametrize("does", [REFUSES, NO_CLIPBOARD])
def test_a_link_that_may_not_be_copied_is_shown_and_selected(page, does):
    shown, link = page(does)
    press(shown, "Copy link")
    expect(shown.get_by_label("Copy the link from here")).to_have_value(link)
    assert shown.evaluate("getSelection().toString()") == link
    expect(shown.get_by_role("button", name="Copy link")).to_be_visible()


def test_it_is_printed(page):
    shown, _ = page(PRINTS)
    press(shown, "Print")
    assert shown.evaluate("told") == ["printed"]


def test_it_is_shared_with_other_apps(page):
    shown, link = page(SHARES)
    press(shown, "Other apps")
    assert shown.evaluate("told") == [{"title": "Certificate of Completion: Introduction to Computing", "url": link}]


def test_who_thinks_better_of_sharing_is_told_nothing(page):
    shown, _ = page(SHARED_TO_NOBODY)
    press(shown, "Other apps")
    expect(shown.get_by_label("Copy the link from here")).to_be_hidden()


def test_where_sharing_is_not_allowed_the_link_is_shown(page):
    shown, link = page(MAY_NOT_SHARE)
    press(shown, "Other apps")
    expect(shown.get_by_label("Copy the link from here")).to_have_value(link)
