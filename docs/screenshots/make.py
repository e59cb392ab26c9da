"""Makes pictures of every page and mail, on a desktop by day beside a phone by night: `make screenshots`.

The pages are those of the demo, served by the real processes; README.md beside this file shows them all.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path
from typing import Any

import django
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect, sync_playwright

os.environ["DJANGO_SETTINGS_MODULE"] = "conferral.service.settings"
WORK = Path(tempfile.mkdtemp())
os.environ["CONFERRAL_HOME"] = str(WORK / "unused")
django.setup()

from tests.browser import ground  # noqa: E402 - it reads the demo by Django's settings
from tests.browser.hands import Mouse  # noqa: E402
from tests.browser.story import Teller  # noqa: E402
from tests.browser.visitor import DESKTOP, PHONE, Visitor  # noqa: E402

HERE = Path(__file__).parent
COURSE, LESSON = "Introduction to Computing", "Version Control in an Hour"
HOLDER = "Amélie Nováková"
HIGHEST = 1500
"""Pixels of a page that are shown; what is below goes on in the same way."""
GAP = 24
QUALITY = 82
MAIL_WIDTHS = (700, 360)
STAFF = "/conferral/staff/conferral"
Steps = Callable[[Teller], None]


@dataclass(frozen=True)
class Shot:
    """A page: what it shows, who looks at it, how they come there; `arabic`: in Arabic, too."""

    name: str
    caption: str
    person: str
    steps: Steps
    arabic: bool = False


def at(path: str) -> Steps:
    """The page of that address."""
    return lambda teller: teller.go(path)


def check(text: str) -> Steps:
    """What is said of that number."""

    def steps(teller: Teller) -> None:
        teller.go("/check/")
        teller.write(text, "Verification number")
        teller.press("Check")

    return steps


def check_file(path: str) -> Steps:
    """What is said of that file of the demo."""

    def steps(teller: Teller) -> None:
        teller.go("/check/")
        teller.hand_over(path, "Choose a file")
        teller.page.wait_for_url("**sha256**")

    return steps


def credential(name: str, context: str, *, replaced: bool = False) -> Steps:
    """The page of that person's credential."""
    return lambda teller: teller.go(f"/c/{teller.pages.number(name, context, replaced=replaced)}")


def of_staff(name: str, context: str, *asked: str) -> Steps:
    """The staff's page of that credential; or what can be asked for there."""

    def steps(teller: Teller) -> None:
        teller.go(f"{STAFF}/credential/")
        teller.search(name)
        teller.follow_number(name, context)
        for each in asked:
            teller.follow(each)

    return steps


def configuration(key: str, *asked: str) -> Steps:
    """The staff's page of that course's first configuration; or what can be asked for there."""

    def steps(teller: Teller) -> None:
        teller.go(f"{STAFF}/credentialconfiguration/")
        teller.follow(key)
        for each in asked:
            teller.follow(each)

    return steps


def filling_in(teller: Teller) -> None:
    """A new configuration, as far as saving it."""
    teller.go(f"{STAFF}/credentialconfiguration/add/")
    teller.write("course-v1:Demo+WEB110+2026", "Course, lesson or pathway")
    teller.choose("Certificate of Completion", "Credential type")
    teller.pick("Enabled")
    teller.pick("Weekly")
    teller.press("See who would get one now")
    teller.see("would get one now")


def how_far(teller: Teller) -> None:
    """What a learner is told who has not reached everything yet."""
    teller.go("/mine/")
    teller.follow("How far am I?")


def dry_run(teller: Teller) -> None:
    """A dry run that has ended."""
    configuration("course-v1:Demo+CS101+2026", "Dry run")(teller)
    teller.press("Begin")
    teller.see_in_time("As a table (CSV)")


def new_version(teller: Teller) -> None:
    """A signature that was uploaded, beside the one that is used."""
    teller.go(f"{STAFF}/credentialasset/add/?slug=signature")
    teller.hand_over("demo/templates/new-signature.svg", "File")
    teller.press("Save")
    teller.see("With this version")


SHOTS = (
    Shot("home", "The first page", "stranger", at("/"), arabic=True),
    Shot("credential", "A credential, as a stranger sees it", "stranger", credential(HOLDER, COURSE), arabic=True),
    Shot(
        "corrected",
        "The link of one that was corrected leads to the one that holds",
        "stranger",
        credential("Harriet Pemberton-Lowe", COURSE, replaced=True),
    ),
    Shot("revoked", "One that was revoked", "stranger", credential("Declan O'Driscoll", COURSE), arabic=True),
    Shot("check", "Check by number or by file", "stranger", at("/check/"), arabic=True),
    Shot("mistyped", "A number that is mistyped", "stranger", check("K7QF-2M9X-4TBD")),
    Shot(
        "file-issued",
        "The file that was issued",
        "stranger",
        check_file("var/demo/cs101-certificate-of-completion/amelie.novak.pdf"),
    ),
    Shot("file-other", "A file that was re-saved", "stranger", check_file("var/demo/re-saved-copy.pdf"), arabic=True),
    Shot("sign-in", "Signing in", "stranger", at("/sign-in/"), arabic=True),
    Shot("not-there", "A page that is not there", "stranger", at("/nowhere")),
    Shot("mine", "My credentials", "learner", at("/mine/"), arabic=True),
    Shot("holder", "A credential, as its holder sees it", "learner", credential(HOLDER, LESSON)),
    Shot(
        "ask-for-name",
        "Asking for another name",
        "learner",
        lambda teller: teller.go(f"/c/{teller.pages.number(HOLDER, LESSON)}/holder/name/"),
    ),
    Shot("still-to-earn", "What can still be earned", "other learner", at("/mine/")),
    Shot(
        "how-far",
        "How far somebody is, and what is missing",
        "other learner",
        how_far,
        arabic=True,
    ),
    Shot("staff", "The pages of whoever teaches", "instructor", at("/conferral/staff/")),
    Shot("configurations", "Configurations", "instructor", at(f"{STAFF}/credentialconfiguration/")),
    Shot("configuring", "Switching a credential on", "instructor", filling_in, arabic=True),
    Shot("configuration", "A configuration", "instructor", configuration("course-v1:Demo+CS101+2026")),
    Shot("run-now", "Run now", "instructor", configuration("course-v1:Demo+CS101+2026", "Run now")),
    Shot("award", "Award by hand", "instructor", configuration("course-v1:Demo+CS101+2026", "Award by hand")),
    Shot("issue-again", "Issue all again", "instructor", configuration("course-v1:Demo+CS101+2026", "Issue all again")),
    Shot("dry-run", "A dry run: who would get one, and why others do not", "instructor", dry_run),
    Shot("runs", "Issuing runs", "instructor", at(f"{STAFF}/run/")),
    Shot("run", "An issuing run", "instructor", at(f"{STAFF}/run/1/change/")),
    Shot("credentials", "Credentials", "instructor", at(f"{STAFF}/credential/")),
    Shot("credential-staff", "A credential, for staff", "instructor", of_staff("Päivi Niskakangas", COURSE)),
    Shot("correct-name", "Correcting a name", "instructor", of_staff("Päivi Niskakangas", COURSE, "Correct name")),
    Shot("revoking", "Revoking", "instructor", of_staff("Päivi Niskakangas", COURSE, "Revoke")),
    Shot("learner", "A learner", "instructor", at(f"{STAFF}/learner/1/change/")),
    Shot("assets", "Assets", "operator", at(f"{STAFF}/credentialasset/")),
    Shot("new-version", "A new version of a signature, before it is used", "operator", new_version),
    Shot("types", "Credential types", "operator", at(f"{STAFF}/credentialtype/")),
    Shot("type", "A credential type: its options as a form", "operator", at(f"{STAFF}/credentialtype/1/change/")),
    Shot("issuer", "An issuer", "operator", at(f"{STAFF}/issuer/1/change/")),
    Shot("admin", "The ordinary admin", "operator", at("/admin/")),
)
MAILS = {
    "mail-issued": ("A mail about a credential", "amelie.novak@example.com"),
    "mail-corrected": ("A mail about a corrected one", "harriet.pemberton@example.org"),
    "mail-issued-arabic": ("A mail in Arabic", "badr.halwani@example.com"),
}


def opened(browser: Browser, pages: ground.Pages, person: str, language: str) -> Page:
    """A browser of that person's, on the first page."""
    page = browser.new_context(locale=language, viewport=DESKTOP).new_page()
    if person != "stranger":
        Visitor(page, pages.url).sign_in(pages.tokens[ground.PEOPLE[person]])
    return page


def picture(page: Page, size: dict[str, int], scheme: str) -> Image.Image:
    """The page as it is there, at most so high."""
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.wait_for_load_state("networkidle")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.evaluate("document.getAnimations().forEach(each => each.finish()); scrollTo(0, 0)")
    shown = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
    return shown.crop((0, 0, shown.width, min(shown.height, HIGHEST)))


def side_by_side(pictures: list[Image.Image], path: Path) -> None:
    """One picture of them, each with a thin line around it."""
    width = sum(each.width for each in pictures) + GAP * (len(pictures) + 1)
    whole = Image.new("RGB", (width, max(each.height for each in pictures) + 2 * GAP), "#e9e9ee")
    left = GAP
    for each in pictures:
        whole.paste(each, (left, GAP))
        ImageDraw.Draw(whole).rectangle((left - 1, GAP - 1, left + each.width, GAP + each.height), outline="#c4c4cc")
        left += each.width + GAP
    whole.save(path, quality=QUALITY, method=6)


def page_shots(browser: Browser, pages: ground.Pages) -> list[tuple[str, str]]:
    """Each page; file names and captions."""
    made, visitors = [], dict[tuple[str, str], Page]()
    for shot in SHOTS:
        for language in ("en", "ar") if shot.arabic else ("en",):
            person = (shot.person, language)
            page = visitors[person] = visitors.get(person) or opened(browser, pages, shot.person, language)
            page.set_viewport_size(DESKTOP)
            visitor = Visitor(page, pages.url)
            teller = Teller(lambda _person, visitor=visitor: visitor, pages, language, Mouse(), looking=False)  # type: ignore[misc]
            teller.be(shot.person)
            shot.steps(teller)
            file = f"{shot.name}{'-arabic' if language == 'ar' else ''}.webp"
            side_by_side([picture(page, DESKTOP, "light"), picture(page, PHONE, "dark")], HERE / file)
            made.append((file, shot.caption + (", in Arabic" if language == "ar" else "")))
            print(file, flush=True)
    return made


def mail_shots(browser: Browser, pages: ground.Pages) -> list[tuple[str, str]]:
    """The newest mail to each of those, in a wide client by day and in a narrow one by night."""
    made = []
    page = browser.new_context().new_page()
    found: dict[str, str] = {}
    for path in sorted((pages.site.path / "var" / "mail").glob("*.eml")):
        mail: Any = message_from_bytes(path.read_bytes(), policy=policy.default)
        found[re.search(r"[^\s<]+@[^\s>]+", mail["To"])[0]] = mail.get_body(("html",)).get_content()  # type: ignore[index]
    for name, (caption, address) in MAILS.items():
        page.set_content(found[address])
        sizes = [
            ({"width": width, "height": 400}, scheme)
            for width, scheme in zip(MAIL_WIDTHS, ("light", "dark"), strict=True)
        ]
        side_by_side([picture(page, size, scheme) for size, scheme in sizes], HERE / f"{name}.webp")
        made.append((f"{name}.webp", caption))
    return made


def main() -> None:
    """All of them, and the page that shows them."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        with ground.serving(ground.make(WORK / "demo")) as pages:
            made = page_shots(browser, pages) + mail_shots(browser, pages)
        browser.close()
    lines = [
        "# Every page and mail",
        "",
        "*For the curious: on a desktop by day, on a phone by night. `make screenshots` makes them from the demo.*",
    ]
    for file, caption in made:
        lines += ["", f"## {caption}", "", f"![{caption}]({file})"]
    (HERE / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
