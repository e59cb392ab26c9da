"""Every page that links lead to: for each person, in two languages, on a desktop by day and on a phone by night."""

import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.ground import EXPIRED, HIDDEN, PEOPLE, REMOVED
from tests.browser.visitor import PHONE

STARTS = {
    "instructor": ["/", "/conferral/staff/"],
    "operator": ["/admin/", "/conferral/staff/"],
    "learner": ["/", "/mine/"],
    "other learner": ["/mine/"],
    "stranger": [
        "/",
        "/check/?id=K7QF",
        "/check/?id=K7QF-2M9X-4TBD-HW3R",  # one symbol is wrong
        "/check/?id=K7QF-2M9X-4TBD-HW33",  # unknown
        "/nowhere",
        "/sign-in/stranger",
    ],
}
NUMBER = re.compile(r"(?<=/)(\d+|([0-9A-Z]{4}-){3}[0-9A-Z]{4}|\d{8}[^/]*\.eml)(?=/|$)")
NOT_PAGES = re.compile(
    r"\.(pdf|png|svg|webp|csv|json|xlsx)$|/(sign-out|logout|language|jsi18n|file)/|^/(api|static|mails/.*/html)"
)
NOT_OURS = re.compile("^/admin/(auth|django_celery_beat)/|/password_change/")


def kind(path):
    """Pages that differ in a number alone are of one kind."""
    return NUMBER.sub("#", path)


def links(visitor):
    found = visitor.page.eval_on_selector_all("a[href]", "all => all.map(each => each.href)")
    for link in found:
        parts = urlsplit(urljoin(visitor.url, link))
        if link.startswith(visitor.url) and not NOT_PAGES.search(parts.path) and not NOT_OURS.search(parts.path):
            yield parts.path


def walk(visitor, starts):
    """Looks at all of those, and from there at a page of each kind; the kinds."""
    queue, seen, first = deque(starts), set(), len(starts)
    while queue:
        path, first = queue.popleft(), first - 1
        if kind(path) in seen and first < 0:
            continue
        seen.add(kind(path))
        visitor.go(path)
        visitor.look()
        queue.extend(links(visitor))
    return seen


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("person", [*PEOPLE, "stranger"])
def test_nothing_is_wrong_with_any_page(shared, visit, person, language):
    visitor = visit(shared, person, language=language)
    starts = list(STARTS[person])
    if person == "stranger":
        others = {HIDDEN, EXPIRED, REMOVED}
        starts += [
            urlsplit(each["url"]).path
            for each in shared.issued
            if each["revoked"] or each["replaced_by"] or each["name"] in others
        ]
        genuine = shared.number("Amélie Nováková", "Introduction to Computing")
        starts += [f"/c/{genuine}?sha256={'0' * 64}"]
    walk(visitor, starts)


def test_the_walk_comes_to_the_pages(shared, visit):
    """So that a link that is lost does not make a page untested."""
    visitor = visit(shared, viewport=PHONE)
    visitor.look = lambda: None
    assert walk(visitor, ["/"]) >= {"/", "/check/", "/sign-in/", "/mine/", "/mails/#"}


@pytest.mark.parametrize("kind", ["credentialconfiguration", "credentialtype"])
def test_the_certificate_stands_beside_the_form(shared, visit, kind):
    visitor = visit(shared, "operator")
    visitor.go(f"/conferral/staff/conferral/{kind}/")
    visitor.page.locator("#result_list tbody th a").first.click()
    expect(visitor.page.locator(".conferral-aside .conferral-picture img")).to_be_visible(timeout=20_000)


def test_a_file_may_be_dropped_anywhere_on_the_page(shared, visit):
    visitor = visit(shared)
    visitor.go("/check/")
    visitor.page.evaluate("""() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["none of ours"], "letter.pdf"));
      document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
    }""")
    visitor.page.get_by_text("These are not the bytes of a file that was issued here.").filter(visible=True).wait_for()
    assert visitor.page.get_by_text("letter.pdf").is_visible()
