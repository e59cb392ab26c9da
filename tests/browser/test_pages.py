"""Every page that links lead to: for each person, in two languages, on a desktop by day and on a phone by night.

Of what several records are asked for, the page that asks is come to as well, by the actions of their list. And all of
it without scripts: nothing is missing there of which the page does not say so.
"""

import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.ground import EXPIRED, HIDDEN, PEOPLE, REMOVED
from tests.browser.visitor import DESKTOP, PHONE, TOO_WIDE

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
IDS = re.compile(r"(?<=[?]ids=)[\d,]+$")
"""Whom a page is about that does something with records; of other queries nothing else comes than another list."""
NOT_PAGES = re.compile(
    r"\.(pdf|png|svg|webp|csv|json|xlsx)$|/(sign-out|logout|language|jsi18n|file|csv)/|^/(api|static|mails/.*/html)"
)
NOT_OURS = re.compile("^/admin/(auth|django_celery_beat)/|/password_change/")


STAFF = "/conferral/staff/conferral"
ASKED_OF_MANY = ("credentialconfiguration", "credential", "namerequest")
LIGHT = 100 * 1024
"""Bytes of a page that comes at once over a weak line."""
LEAST = 20
"""Characters on the emptiest page."""
WITHOUT_SCRIPTS = {
    "form:has(#conferral-live)": "button[name=_try]:visible",
    "[data-options]:has(.drawn)": "noscript p",
    "[data-options]:has(.raw)": "textarea",
    "[data-check-file]": "[data-needs-script]:not([hidden])",
    "[data-progress]": "a:visible",
    "input[data-suggestions]": "xpath=ancestor::form//datalist/option",
}
"""What needs scripts, and what stands there without them."""


def kind(path):
    """Pages that differ in a number alone are of one kind."""
    return IDS.sub("#", NUMBER.sub("#", path))


def links(visitor):
    found = visitor.page.eval_on_selector_all("a[href]", "all => all.map(each => each.href)")
    for link in found:
        parts = urlsplit(urljoin(visitor.url, link))
        if link.startswith(visitor.url) and not NOT_PAGES.search(parts.path) and not NOT_OURS.search(parts.path):
            yield f"{parts.path}?{parts.query}" if IDS.search(f"?{parts.query}") else parts.path


def walk(visitor, starts, look):
    """Looks at all of those, and from there at a page of each kind; the kinds."""
    queue, seen, first = deque(starts), set(), len(starts)
    while queue:
        path, first = queue.popleft(), first - 1
        if kind(path) in seen and first < 0:
            continue
        seen.add(kind(path))
        visitor.go(path)
        look()
        queue.extend(links(visitor))
    return seen


def ask_of_many(visitor, path, look):
    """Chooses all of a list, and each of its actions in turn, as far as a page asks; the actions."""
    visitor.go(path)
    page, values = visitor.page, "all => all.map(each => each.value).filter(Boolean)"
    actions = page.locator("select[name=action]").first.locator("option").evaluate_all(values)
    for action in actions:
        visitor.go(path)
        for box in page.locator("input.action-select").all():
            box.check()
        page.locator("select[name=action]").first.select_option(action)
        with page.expect_navigation():
            page.locator(".actions button[type=submit]").first.click()
        assert page.locator(".conferral-ask, input[name=post]").count(), f"{path}: {action} asks nothing"
        look()
    return actions


def special(site, person):
    """Credentials of whom more may be asked, or less, than of the others; and a run that holds some."""
    if person not in ("instructor", "operator"):
        return []
    chosen = "SELECT min(id) FROM conferral_credential WHERE "
    kinds = ("state = 'failed'", "state = 'held'", "revoked > 0", "state = 'available' AND current AND revoked IS NULL")
    credentials = [site.rows(chosen + which)[0][0] for which in kinds]
    ((run,),) = site.rows("SELECT id FROM conferral_run WHERE status = 'held'")
    return [
        *(f"{STAFF}/credential/{pk}/change/" for pk in credentials),
        f"{STAFF}/run/{run}/change/",
        f"{STAFF}/credential/?is=held",
    ]


def says_what_needs_scripts(visitor):
    """The page as it is without any: it has a heading and content, and what it lacks it names."""
    page = visitor.page
    expect(page.locator("h1").first).to_be_visible()
    assert len(page.locator("main, #content").first.inner_text()) > LEAST, f"{page.url} shows nothing"
    for part, instead in WITHOUT_SCRIPTS.items():
        for found in page.locator(part).all():
            assert found.locator(instead).count(), f"{page.url}: {part} says nothing of scripts"
    assert not page.evaluate(TOO_WIDE), f"{page.url}: is wider than the page"


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
    walk(visitor, starts + special(shared.site, person), visitor.look)
    # Each list in one language, for one of the two who may: the pages are the same.
    if person == {"en": "instructor", "ar": "operator"}[language]:
        for model in ASKED_OF_MANY:
            assert ask_of_many(visitor, f"{STAFF}/{model}/", visitor.look)


@pytest.mark.parametrize("person", [*PEOPLE, "stranger"])
def test_without_scripts_nothing_is_missing_unsaid(shared, visit, person):
    visitor = visit(shared, person, viewport=PHONE, java_script_enabled=False)
    walk(visitor, STARTS[person] + special(shared.site, person), lambda: says_what_needs_scripts(visitor))


def test_the_walk_comes_to_the_pages(shared, visit):
    """So that a link that is lost does not make a page untested."""
    visitor = visit(shared, viewport=PHONE)
    assert walk(visitor, ["/"], lambda: None) >= {"/", "/check/", "/sign-in/", "/mine/", "/mails/#"}


def test_the_walk_comes_to_what_is_asked_for(shared, visit):
    visitor = visit(shared, "instructor", java_script_enabled=False)
    seen = walk(visitor, ["/conferral/staff/", *special(shared.site, "instructor")], lambda: None)
    deeds = {
        "credential": ("reissue", "resend", "retry", "release", "refuse", "revoke"),
        "namerequest": ("approve", "refuse"),
    }
    asked = {f"{model}/{deed}/?ids=#" for model, some in deeds.items() for deed in some}
    asked |= {"run/#/ask/release/", "run/#/ask/refuse/"}
    assert seen >= {f"{STAFF}/{each}" for each in asked}


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


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_page_of_a_credential_is_light(shared, visit, viewport):
    """As it goes over the network, with the logo of its issuer; what is shown of the certificate comes besides."""
    visitor = visit(shared, viewport=viewport, device_scale_factor=3 if viewport == PHONE else 1)
    session = visitor.page.context.new_cdp_session(visitor.page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    asked, sizes = {}, {}
    session.on("Network.requestWillBeSent", lambda told: asked.setdefault(told["requestId"], told["request"]["url"]))
    session.on("Network.loadingFinished", lambda told: sizes.update({told["requestId"]: told["encodedDataLength"]}))
    visitor.go(f"/c/{shared.number('Amélie Nováková', 'Introduction to Computing')}")
    visitor.page.wait_for_load_state("networkidle")
    pictures = visitor.page.eval_on_selector_all("figure.sheet img", "all => all.map(each => each.currentSrc)")
    assert pictures
    paths = {asked[key]: size for key, size in sizes.items() if asked[key] not in pictures}
    assert any("logo" in path for path in paths), f"no logo among {list(paths)}"
    assert sum(paths.values()) < LIGHT, paths
