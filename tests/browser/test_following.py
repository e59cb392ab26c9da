"""A run that is followed while it goes on, by a page that is not loaded again; and that somebody cancels."""

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import PLUGINS
from tests.browser import ground

TURTLE = """
from conferral.models import CredentialType
CredentialType.objects.filter(name="Certificate of Completion").update(processor="unhurried")
"""
COURSE, TYPE = "course-v1:Demo+CS101+2026", "Certificate of Completion"
PATIENCE = 30_000


@pytest.fixture
def slow(made, tmp_path):
    """The demo, whose rule takes its time, and whose runs tell how far they are after each learner.

    They last longer than any test: one that goes on is cancelled, and its worker ends with the learner at hand.
    """
    site = ground.copy(made, tmp_path / "site")
    site.environment |= {"PYTHONPATH": PLUGINS, "CONFERRAL_PAGE_SIZE": "1"}
    site.ok("shell", "-v0", "-c", TURTLE)
    with ground.serving(site) as pages:
        try:
            yield pages
        finally:
            site("cancel", COURSE, "--type", TYPE)


def test_a_run_is_followed_without_loading_the_page_again_and_cancelled(slow, visit):
    visitor = visit(slow, "instructor")
    page = visitor.page
    visitor.go("/conferral/staff/conferral/credentialconfiguration/?q=Completion")
    page.get_by_role("link", name=COURSE).first.click()
    page.get_by_role("link", name="Run now").click()
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/run/*/change/")
    page.evaluate("document.documentElement.dataset.same = 'page'")

    said = page.locator("[data-progress] [role=status]")
    expect(said).to_contain_text("learners looked at", timeout=PATIENCE)
    before = said.inner_text()
    expect(said).not_to_have_text(before, timeout=PATIENCE)
    expect(said).to_contain_text("learners looked at")
    far = page.locator("[data-progress] progress").evaluate("bar => bar.value")
    assert 0 < far < 1
    assert page.evaluate("document.documentElement.dataset.same") == "page", "it was loaded again"
    visitor.look()

    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("link", name="Cancel the run").click()
    other.get_by_role("button", name="Cancel the run").click()
    expect(other.get_by_text("The run was cancelled; nothing was issued by it.")).to_be_visible()

    # The page that follows it shows it anew by itself.
    expect(page.locator(".field-outcome")).to_contain_text("cancelled", timeout=PATIENCE)
    expect(page.locator("[data-progress]")).to_have_count(0)
    expect(page.locator(".conferral-now li", has_text="issued")).to_have_text("0 issued")
    last = slow.site.rows("SELECT status, issued FROM conferral_run ORDER BY id DESC LIMIT 1")
    assert last == [("cancelled", 0)]


def test_without_scripts_it_is_looked_at_again(slow, visit):
    visitor = visit(slow, "instructor", java_script_enabled=False)
    page = visitor.page
    visitor.go("/conferral/staff/conferral/credentialconfiguration/?q=Completion")
    page.get_by_role("link", name=COURSE).first.click()
    page.get_by_role("link", name="Run now").click()
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("link", name="Look again").click()
    expect(page.locator("[data-progress] [role=status]")).not_to_be_empty()
