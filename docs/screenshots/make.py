"""Makes pictures of every page and mail, on a desktop by day beside a phone by night: `make screenshots`.

The pages are those of the demo, served by the real processes; README.md beside this file shows them all. With names,
only those are made: `PYTHONPATH=. .venv/bin/python docs/screenshots/make.py held-run mail-refused`.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

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
HOST = "credentials.demo.example"
SITE = f"http://{HOST}"
"""Where the demo is, for the browser and in what is printed: a port of this machine looks like none."""
COURSE, LESSON = "Introduction to Computing", "Version Control in an Hour"
CS101, GIT, WEB110 = (f"course-v1:Demo+{code}+2026" for code in ("CS101", "GIT", "WEB110"))
HOLDER, OTHER, MISSPELT = "Amélie Nováková", "Gülşah Yıldızoğlu", "Päivi Niskakangas"
MAILBOX, OTHER_MAILBOX = "declan.odriscoll@example.com", "gulsah.yildizoglu@example.org"
GOING_ON = """
from datetime import timedelta
from django.utils import timezone
from conferral.models import CredentialConfiguration, Run
now = timezone.now()
Run.objects.create(
    configuration=CredentialConfiguration.objects.get(context_key="course-v1:Demo+GIT+2026"),
    trigger=Run.Trigger.SCHEDULE, claim="pictures", claimed_until=now + timedelta(hours=1),
    started=now - timedelta(seconds=12), expected=60, evaluated=38, eligible=15, already=15,
)
"""
"""A run as it is while it goes on: those of the demo are over before anybody sees them."""
HIGHEST = 1500
"""Pixels of a page that are shown; what is below goes on in the same way."""
PAINTED = 500
"""Milliseconds after which a frame that has come into view is painted."""
GAP = 24
QUALITY = 82
MAIL_WIDTHS = (700, 360)
STAFF = "/conferral/staff/conferral"
Steps = Callable[[Teller], None]


@dataclass(frozen=True)
class Shot:
    """A page: what it shows, who looks at it, how they come there; `arabic`: in Arabic, too; `below`: from where on."""

    name: str
    caption: str
    person: str
    steps: Steps
    arabic: bool = False
    below: str = ""

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that it is shown in."""
        return ("en", "ar") if self.arabic else ("en",)

    def file(self, language: str) -> str:
        """Its name."""
        return f"{self.name}{'-arabic' if language == 'ar' else ''}.webp"

    def captioned(self, language: str) -> str:
        """What it shows."""
        return self.caption + (", in Arabic" if language == "ar" else "")


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


def once(steps: Steps) -> Steps:
    """The same, the first time alone: what several pictures need, in whichever order they are made."""
    done = []

    def only_once(teller: Teller) -> None:
        if not done:
            done.append(steps)
            steps(teller)

    return only_once


def filling_in(teller: Teller) -> None:
    """A new configuration, as far as saving it."""
    teller.go(f"{STAFF}/credentialconfiguration/add/")
    teller.write(WEB110, "Course, lesson or pathway")
    teller.choose("Certificate of Completion", "Credential type")
    teller.pick("Enabled")
    teller.pick("Weekly")
    teller.press("See who would get one now")
    teller.see("would get one now")


@once
def another(teller: Teller) -> None:
    """A new configuration, saved: nobody has one yet."""
    teller.go(f"{STAFF}/credentialconfiguration/add/")
    teller.write(WEB110, "Course, lesson or pathway")
    teller.choose("Certificate of Completion", "Credential type")
    teller.pick("Enabled")
    teller.pick("By hand alone")
    teller.press("Save")


def how_far(teller: Teller) -> None:
    """What a learner is told who has not reached everything yet."""
    teller.go("/mine/")
    teller.follow("How far am I?")


@once
def ask_for_link(teller: Teller) -> None:
    """A link to sign in, on its way."""
    teller.go("/sign-in/")
    teller.write(MAILBOX, "E-mail address")
    teller.press("Send me a link")


def link_sent(teller: Teller) -> None:
    """What is said then; it is the same for an address that nobody has."""
    teller.go("/sign-in/")
    teller.write("somebody@example.com", "E-mail address")
    teller.press("Send me a link")


def at_the_link(teller: Teller) -> None:
    """Where the link in the mail leads."""
    ask_for_link(teller)
    teller.go_to_link_of_mail(MAILBOX)


@once
def ask_for_name(teller: Teller) -> None:
    """A learner asks for another name."""
    teller.be("other learner")
    teller.go(f"/c/{teller.pages.number(OTHER, COURSE)}/holder/name/")
    teller.write("Gülşah Yıldızoğlu-Aydın", "Your name, as it should be printed")
    teller.press("Ask for this name")
    teller.be("instructor")


def name_request(*asked: str) -> Steps:
    """The requests; that learner's, or what can be answered there."""

    def steps(teller: Teller) -> None:
        ask_for_name(teller)
        teller.go(f"{STAFF}/namerequest/")
        if asked:
            teller.follow_number(OTHER, COURSE)
        for each in asked[1:]:
            teller.follow(each)

    return steps


@once
def refuse_name(teller: Teller) -> None:
    """The request is refused, and the learner told why."""
    name_request("", "Refuse")(teller)
    teller.write("Your certificate has the name of your passport. Send us the new one, then we change it.", "Reason")
    teller.confirm()


def correcting(teller: Teller) -> None:
    """A name that is being corrected: as it was, and as it will be."""
    of_staff(MISSPELT, COURSE, "Correct name")(teller)
    teller.write(f"{MISSPELT}-Virtanen", "Name")
    teller.see(f"“{MISSPELT}”")


def dry_run(teller: Teller) -> None:
    """A dry run that has ended."""
    another(teller)
    configuration(WEB110, "Dry run")(teller)
    teller.press("Begin")
    teller.see_in_time("As a table (CSV)")


def held_run(teller: Teller) -> None:
    """A run that would issue to too many."""
    another(teller)
    configuration(WEB110)(teller)
    teller.unfold("Opening, closing, holding back")
    teller.write("10", "Learners")
    teller.write("15", "Share of the course (%)")
    teller.press("Save")
    configuration(WEB110, "Run now")(teller)
    teller.press("Run now")
    teller.see_in_time("Release what it holds")


def going_on(teller: Teller) -> None:
    """A run that has not ended."""
    teller.pages.site.ok("shell", "-v0", "-c", GOING_ON)
    teller.go(f"{STAFF}/run/?status=running")
    teller.page.locator("#result_list tbody th a").first.click()


def candidates(teller: Teller) -> None:
    """Whom a person has said something of."""
    for asked, username, reason, button in (
        ("Never issue to", "declan.odriscoll", "handed in somebody else's work", "Never issue"),
        ("Always issue to", "evdokia.rucheva", "was ill; the board decided", "Always issue"),
    ):
        configuration(CS101, asked)(teller)
        teller.write(username, "Learners")
        teller.write(reason, "Reason")
        teller.press(button)
    teller.go(f"{STAFF}/candidate/")


def new_version(teller: Teller) -> None:
    """A signature that was uploaded, beside the one that is used."""
    teller.go(f"{STAFF}/credentialasset/add/?slug=signature")
    teller.hand_over("demo/templates/new-signature.svg", "File")
    teller.press("Save")
    teller.see("With this version")


def reissue(teller: Teller) -> None:
    """All of a lesson, issued again with the new signature."""
    new_version(teller)
    teller.press("Activate")
    configuration(GIT, "Issue all again")(teller)
    teller.write("the new registrar's signature", "Reason")
    teller.confirm()
    teller.see_in_time("finished")


def history(teller: Teller) -> None:
    """What was done to a credential, by whom and why."""
    of_staff("Declan O'Driscoll", COURSE, "History")(teller)


def words_in_spanish(teller: Teller) -> None:
    """A type's words for those who read Spanish, and the mail that they get."""
    teller.go(f"{STAFF}/credentialtype/1/change/")
    teller.unfold("The mail in other languages")
    teller.write("Enhorabuena: {context}", "Subject of the mail (Spanish)")
    teller.write("Ha terminado {context}.", "Words in the mail (Spanish)")
    teller.choose("Spanish", "Language of its reader")
    teller.press("Show the mail")


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
    Shot("expired", "One that has expired", "stranger", credential(ground.EXPIRED, COURSE)),
    Shot("hidden", "One that its holder hides", "stranger", credential(ground.HIDDEN, COURSE)),
    Shot("removed", "One of somebody who wanted to be forgotten", "stranger", credential(ground.REMOVED, COURSE)),
    Shot("mistyped", "A number that is mistyped", "stranger", check("K7QF-2M9X-4TBD")),
    Shot("unknown", "A number that was never issued here", "stranger", check("K7QF-2M9X-4TBD-HW33")),
    Shot(
        "file-issued",
        "The file that was issued",
        "stranger",
        check_file("var/demo/cs101-certificate-of-completion/amelie.novak.pdf"),
    ),
    Shot("file-other", "A file that was re-saved", "stranger", check_file("var/demo/re-saved-copy.pdf"), arabic=True),
    Shot("sign-in", "Signing in", "stranger", at("/sign-in/"), arabic=True),
    Shot("link-sent", "A link to sign in was sent", "stranger", link_sent),
    Shot("link", "Where the link in the mail leads", "stranger", at_the_link),
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
    Shot("not-staff", "The pages of whoever teaches, for somebody who does not", "learner", at("/conferral/staff/")),
    Shot("staff", "The pages of whoever teaches", "instructor", at("/conferral/staff/")),
    Shot("configurations", "Configurations", "instructor", at(f"{STAFF}/credentialconfiguration/")),
    Shot("configuring", "Switching a credential on", "instructor", filling_in, arabic=True),
    Shot("configuration", "A configuration", "instructor", configuration(CS101)),
    Shot("run-now", "Run now", "instructor", configuration(CS101, "Run now")),
    Shot("award", "Award by hand", "instructor", configuration(CS101, "Award by hand")),
    Shot("issue-again", "Issue all again", "instructor", configuration(CS101, "Issue all again")),
    Shot("dry-run", "A dry run: who would get one, and why others do not", "instructor", dry_run),
    Shot("runs", "Issuing runs", "instructor", at(f"{STAFF}/run/")),
    Shot("run", "An issuing run", "instructor", at(f"{STAFF}/run/1/change/")),
    Shot("held-run", "An issuing run that is held back", "instructor", held_run),
    Shot("running", "An issuing run that goes on", "instructor", going_on),
    Shot("candidates", "Who is always or never issued to", "instructor", candidates),
    Shot("credentials", "Credentials", "instructor", at(f"{STAFF}/credential/")),
    Shot("credential-staff", "A credential, for staff", "instructor", of_staff(MISSPELT, COURSE)),
    Shot("correct-name", "Correcting a name", "instructor", correcting),
    Shot("revoking", "Revoking", "instructor", of_staff(MISSPELT, COURSE, "Revoke")),
    Shot("history", "What was done to a credential", "instructor", history),
    Shot("name-requests", "Learners ask for other names", "instructor", name_request()),
    Shot(
        "approving", "A name that a learner asked for, before it is printed", "instructor", name_request("", "Approve")
    ),
    Shot("mails", "Mails to learners", "instructor", at(f"{STAFF}/delivery/")),
    Shot("files", "Files", "instructor", at(f"{STAFF}/credentialartifact/")),
    Shot("learner", "A learner", "instructor", at(f"{STAFF}/learner/1/change/")),
    Shot("contexts", "Courses, lessons and pathways", "operator", at(f"{STAFF}/context/")),
    Shot(
        "roster-entries",
        "How far learners are, as it was imported",
        "operator",
        at(f"{STAFF}/rosterentry/?q={quote(CS101)}"),
    ),
    Shot("assets", "Assets", "operator", at(f"{STAFF}/credentialasset/")),
    Shot("new-version", "A new version of a signature, before it is used", "operator", new_version),
    Shot("types", "Credential types", "operator", at(f"{STAFF}/credentialtype/")),
    Shot("type", "A credential type: its options as a form", "operator", at(f"{STAFF}/credentialtype/1/change/")),
    Shot(
        "type-mail",
        "A type's words in the mail, in each language, and the mail",
        "operator",
        words_in_spanish,
        below="fieldset:has(#id_subject_es)",
    ),
    Shot("issuer", "An issuer", "operator", at(f"{STAFF}/issuer/1/change/")),
    Shot("editions", "How credentials were made", "operator", at(f"{STAFF}/edition/")),
    Shot("standstill", "The emergency stop, before it is pulled", "operator", at(f"{STAFF}/standstill/add/")),
    Shot("reissue", "All of a lesson, issued again", "operator", reissue),
    Shot("admin", "The ordinary admin", "operator", at("/admin/")),
)


def nothing(_teller: Teller) -> None:
    """The demo has sent it."""


@dataclass(frozen=True)
class Mail:
    """The newest mail to that address; who does what for it to be sent."""

    name: str
    caption: str
    address: str
    person: str = "stranger"
    steps: Steps = nothing


MAILS = (
    Mail("mail-issued", "A mail about a credential", "amelie.novak@example.com"),
    Mail("mail-corrected", "A mail about a corrected one", "harriet.pemberton@example.org"),
    Mail("mail-refused", "A mail about a name that was refused", OTHER_MAILBOX, "instructor", refuse_name),
    Mail("mail-sign-in", "A mail with a link to sign in", MAILBOX, "stranger", ask_for_link),
    Mail("mail-issued-arabic", "A mail in Arabic", "badr.halwani@example.com"),
)


@dataclass
class Company:
    """Everybody in a browser of their own, in a language."""

    browser: Browser
    pages: ground.Pages
    language: str
    visitors: dict[str, Visitor] = field(default_factory=dict)

    def teller(self, person: str) -> Teller:
        """Somebody who does what is told of that person, and sees no troubles."""
        teller = Teller(self.come, self.pages, self.language, Mouse(), looking=False)
        teller.be(person)
        teller.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        return teller

    def come(self, person: str) -> Visitor:
        """A browser of that person's, on the first page."""
        if person not in self.visitors:
            page = self.browser.new_context(locale=self.language, viewport=DESKTOP).new_page()  # type: ignore[arg-type]
            self.visitors[person] = Visitor(page, self.pages.url)
            if person != "stranger":
                self.visitors[person].sign_in(self.pages.tokens[ground.PEOPLE[person]])
        return self.visitors[person]


def picture(page: Page, size: dict[str, int], scheme: str, below: str = "") -> Image.Image:
    """The page as it is there, from that element on, at most so high."""
    page.set_viewport_size({**size, "height": HIGHEST} if below else size)  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.wait_for_load_state("networkidle")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.evaluate("document.getAnimations().forEach(each => each.finish()); scrollTo(0, 0)")
    if below:
        page.locator(below).evaluate("element => element.scrollIntoView()")
        page.wait_for_timeout(PAINTED)
    shown = Image.open(BytesIO(page.screenshot(full_page=not below))).convert("RGB")
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


def page_shots(companies: dict[str, Company], wanted: Collection[str]) -> None:
    """Each page."""
    for shot in (each for each in SHOTS if each.name in wanted):
        for language in shot.languages:
            teller = companies[language].teller(shot.person)
            shot.steps(teller)
            pictures = [
                picture(teller.page, DESKTOP, "light", shot.below),
                picture(teller.page, PHONE, "dark", shot.below),
            ]
            side_by_side(pictures, HERE / shot.file(language))
            print(shot.file(language), flush=True)


def mail_shots(company: Company, wanted: Collection[str]) -> None:
    """Each mail, in a wide client by day and in a narrow one by night."""
    for mail in (each for each in MAILS if each.name in wanted):
        mail.steps(company.teller(mail.person))
        company.pages.link_mailed_to(mail.address) if mail.steps is not nothing else None
        page = company.browser.new_page()
        page.set_content(newest(company.pages, mail.address))
        sizes = [
            ({"width": width, "height": 400}, scheme)
            for width, scheme in zip(MAIL_WIDTHS, ("light", "dark"), strict=True)
        ]
        side_by_side([picture(page, size, scheme) for size, scheme in sizes], HERE / f"{mail.name}.webp")
        print(f"{mail.name}.webp", flush=True)


def newest(pages: ground.Pages, address: str) -> str:
    """The HTML of the last mail to that address."""
    found = ""
    for path in sorted((pages.site.path / "var" / "mail").glob("*.eml")):
        mail: Any = message_from_bytes(path.read_bytes(), policy=policy.default)
        if address in mail["To"]:
            found = mail.get_body(("html",)).get_content()
    return found


def tell() -> None:
    """Writes the page that shows them."""
    made = [(shot.file(language), shot.captioned(language)) for shot in SHOTS for language in shot.languages]
    made += [(f"{mail.name}.webp", mail.caption) for mail in MAILS]
    lines = [
        "# Every page and mail",
        "",
        "*For the curious: on a desktop by day, on a phone by night. `make screenshots` makes them from the demo.*",
    ]
    for file, caption in made:
        lines += ["", f"## {caption}", "", f"![{caption}]({file})"]
    (HERE / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """All of them, or those that are named, and the page that shows them."""
    wanted = set(sys.argv[1:]) or {each.name for each in (*SHOTS, *MAILS)}
    site = ground.with_others(ground.make(WORK / "demo", CONFERRAL_PUBLIC_URL=SITE))
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright, ground.serving(site) as served:
        here = [
            f"--host-resolver-rules=MAP {HOST}:80 127.0.0.1:{urlsplit(served.url).port}",
            f"--unsafely-treat-insecure-origin-as-secure={SITE}",
        ]
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *here])
        pages = replace(served, url=SITE)
        companies = {language: Company(browser, pages, language) for language in ("en", "ar")}
        page_shots(companies, wanted)
        mail_shots(companies["en"], wanted)
        browser.close()
    tell()
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
