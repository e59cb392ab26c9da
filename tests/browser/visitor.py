"""Somebody who looks at the pages in a real browser, and notices what is wrong with each."""

from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urljoin, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page, expect

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1440, "height": 900}
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"],
    "rules": {name: {"enabled": True} for name in ("page-has-heading-one", "heading-order")},
    "resultTypes": ["violations"],
    "preload": False,  # which asks for style sheets a second time, where there are none
}
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > width + 1 || each.getBoundingClientRect().left < -1)
    .slice(0, 5).map(each => each.outerHTML.slice(0, 120));
}"""
CONTENT = r"""() => document.documentElement.lang + document.body.outerHTML
  .replace(/data:[^"]+|(?<=csrfmiddlewaretoken" value=")\w+/g, "")
  .replace(/\b[0-9A-Z]{4}(-[0-9A-Z]{4}){3}\b|\d+/g, "")"""
"""What a page looks like but for numbers, tokens and pictures: where it is the same, nothing else is wrong with it."""
axe = Axe()
looked_at: set[str] = set()


@dataclass
class Visitor:
    """A page of a browser, and what went wrong on it."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._trouble(f"error of a script: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def go(self, path):
        """Opens that address of the site; its answer."""
        return self.page.goto(urljoin(self.url, path))

    def sign_in(self, token):
        """As whoever that link is for."""
        self.go(f"/sign-in/{token}")
        self.page.get_by_role("main").get_by_role("button").click()

    def look(self):
        """Notes what is wrong with the page as it is: on a desktop by day, on a phone by night. Each page once."""
        content = self._content()
        if content in looked_at:
            return
        looked_at.add(content)
        here = self.page.viewport_size
        for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme)
            try:
                self._check(f"{size['width']} px, {scheme}")
            except Error as error:
                if "context was destroyed" not in error.message:
                    raise
                self.page.wait_for_load_state()  # a page that follows a run is shown anew when it ends
                self._check(f"{size['width']} px, {scheme}")
        self.page.set_viewport_size(here)
        self.page.emulate_media(color_scheme=None)

    def end(self):
        """Nothing was wrong anywhere."""
        assert not self.troubles, "\n".join(dict.fromkeys(self.troubles))

    def _content(self):
        try:
            return sha256(self.page.evaluate(CONTENT).encode()).hexdigest()
        except Error as error:
            if "context was destroyed" not in error.message:
                raise
            self.page.wait_for_load_state()
            return self._content()

    def _check(self, where):
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
        self.page.evaluate("document.getAnimations().forEach(each => each.finish())")  # half a colour is none
        if self.page.viewport_size["width"] == PHONE["width"]:
            for element in self.page.evaluate(TOO_WIDE) or []:
                self._trouble(f"{where}: wider than the page: {element}")
        for violation in axe.run(self.page, options=RULES).response["violations"]:
            for node in violation["nodes"][:3]:
                self._trouble(f"{where}: {violation['id']}: {node['html'][:160]} {node['failureSummary']}")

    def _trouble(self, text):
        self.troubles.append(f"{urlsplit(self.page.url).path}: {' '.join(text.split())}")

    def _said(self, message):
        # Chromium tells of a page's own 404 here, too, which a page may well be.
        of_itself = message.location.get("url") == self.page.url and message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not of_itself:
            self._trouble(f"console: {message.text}")

    def _failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # which a download is, and what a new page interrupts
            self._trouble(f"{request.url} failed: {request.failure}")

    def _answered(self, response):
        whole = response.request.is_navigation_request()
        if response.status >= (500 if whole else 400):
            self._trouble(f"{response.url} answered {response.status}")
