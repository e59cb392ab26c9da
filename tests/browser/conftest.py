"""Chromium, the demo, and people who look at it."""

import os
import shutil

import django
import pytest

from tests.browser import ground

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            if django.VERSION < (5, 2):
                item.add_marker(pytest.mark.skip(reason="the standalone service needs Django 5.2"))
            elif not CHROMIUM and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="chromium is not installed (Debian: apt install chromium)"))


# For this folder alone: what follows in the same process shall find no event loop.
@pytest.fixture(scope="package")
def browser():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "chromium is not installed (Debian: apt install chromium)"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def made(tmp_path_factory):
    """The demo, one for all processes of the tests."""
    folder = tmp_path_factory.getbasetemp()
    return ground.make((folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "demo")


@pytest.fixture(scope="package")
def shared(made, tmp_path_factory):
    """Its pages, for those who only look."""
    site = ground.with_others(ground.copy(made, tmp_path_factory.mktemp("shared") / "site"))
    with ground.serving(site) as pages:
        yield pages


@pytest.fixture
def own(made, tmp_path):
    """Its pages, for one who changes something."""
    with ground.serving(ground.copy(made, tmp_path / "site")) as pages:
        yield pages


@pytest.fixture
def visit(browser):
    """`visit(pages, "learner", language="ar", …)`: a browser of that person's; at its end nothing was wrong."""
    from tests.browser.visitor import DESKTOP, Visitor

    opened = []

    def come(pages, person="stranger", *, language="en", viewport=DESKTOP, **options):
        context = browser.new_context(locale=language, viewport=viewport, **options)
        context.set_default_timeout(30_000)
        visitor = Visitor(context.new_page(), pages.url)
        opened.append((context, visitor))
        if person != "stranger":
            visitor.sign_in(pages.tokens[ground.PEOPLE[person]])
        return visitor

    yield come
    for context, _ in opened:
        context.close()
    for _, visitor in opened:
        visitor.end()
