"""Stories: numbered lists in how-to pages, which are carried out word for word in a browser.

A story begins with a sentence that says who you are (`PEOPLE`); each sentence of its numbered list is one of `STEPS`,
with names of links, buttons and fields in bold, what is typed as code, and people of the demo in italics. A block of
code in the list is of the sentence before it.
"""

import re
import shlex
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from django.utils import translation
from django.utils.formats import date_format
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from playwright.sync_api import Error, expect

from conferral.service.formats.en.formats import DATE_FORMAT
from tests.browser.wording import Wording

ROOT = Path(__file__).parent.parent.parent
HOW_TO = ROOT / "docs" / "how-to"
PATIENCE = 60
"""Seconds for what workers do."""
PEOPLE = {
    "You are a stranger.": "stranger",
    "You are the demo's instructor.": "instructor",
    "You are the demo's learner.": "learner",
    "You are the demo's operator.": "operator",
    "You are another learner.": "other learner",
}
MARKS = {"strong": "**…**", "em": "*…*", "code_inline": "`…`"}
PICTURE = ".conferral-picture img:visible"
LEAST_WIDTH = 100
"""Pixels of a picture that shows something."""


@dataclass(frozen=True)
class Sentence:
    """`Press **Save**.` is the words `Press **…**.` and the value `Save`."""

    words: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """Who does what."""

    page: Path
    title: str
    person: str
    steps: tuple[Sentence, ...]

    def __str__(self):
        return f"{self.page.stem}: {self.title}"


def stories(page):
    """Those of a page."""
    found, title, person = [], "", ""
    for node in SyntaxTreeNode(MarkdownIt().parse(page.read_text(encoding="utf-8"))):
        if node.type == "heading":
            title, person = _text(node), ""
        elif node.type == "paragraph":
            for sentence in _sentences(node):
                person = PEOPLE.get(sentence.words, person)
                if person and sentence.words in PEOPLE:
                    found.append(Story(page, title, person, ()))
        elif node.type == "ordered_list" and person:
            found[-1] = replace(found[-1], steps=found[-1].steps + tuple(_steps(node)))
    return found


@dataclass
class Teller:
    """Carries out the steps of a story, for readers of that language: names are those of the catalogs.

    `come` opens a browser of that person's. `hand` is how links, buttons and fields are worked: by the mouse, or by
    nothing but the keyboard. Pages that are come to are looked at, unless told otherwise. Without `scripts` what is
    told at once elsewhere is asked for by the button that is there then.
    """

    come: Callable[[str], Any]
    pages: Any
    language: str
    hand: Any = None
    looking: bool = True
    scripts: bool = True
    pictured: str | None = None
    unfolded: list[str] = field(default_factory=list)
    visitors: dict[str, Any] = field(default_factory=dict)
    visitor: Any = None

    def tell(self, story):
        """From the first step to the last."""
        assert story.steps, f"{story} has no steps"
        self.be(story.person)
        for number, sentence in enumerate(story.steps, 1):
            step = STEPS.get(sentence.words)
            assert step, f"{story}: “{sentence.words}” is not one of the sentences that stories are made of"
            try:
                step(self, *sentence.values)
            except (AssertionError, Exception) as error:
                filled = " ".join((sentence.words, *map(repr, sentence.values)))
                raise AssertionError(f"{story}, sentence {number} ({filled}): {error}") from error

    @property
    def page(self):
        return self.visitor.page

    @cached_property
    def _words(self):
        return Wording(self.language)

    def in_words(self, text):
        """What the reader sees for an English text."""
        return self._words.in_words(text)

    def _wordings(self, text):
        return self._words.wordings(text)

    def _named(self, role, name):
        """The link, button or field of that name: the whole of it, else a part."""
        told = self._wordings(name)
        for _ in range(20):
            for exact in (*told, *(f"{each}…" for each in told)):
                found = self.page.get_by_role(role, name=exact, exact=True).filter(visible=True)
                if found.count():
                    return found.first
            self.page.wait_for_timeout(100)  # the page may be on its way
        part = re.compile("|".join(map(re.escape, told)), re.IGNORECASE)
        return self.page.get_by_role(role, name=part).filter(visible=True).first

    def _field(self, label):
        told = self.in_words(label)
        # Django writes a colon behind a label.
        pattern = re.compile(rf"^\s*{re.escape(told)}\s*:?\s*$")
        exact = self.page.get_by_label(pattern).filter(visible=True)
        return (exact if exact.count() else self.page.get_by_label(told).filter(visible=True)).first

    def be(self, person):
        if person not in self.visitors:
            self.visitors[person] = self.come(person)
        self.visitor = self.visitors[person]

    def _look(self):
        if self.looking:
            self.visitor.look()

    def go(self, path):
        self.visitor.go(path)
        self.unfolded.clear()
        self._look()

    def go_to_page(self, name, context):
        self.go(f"/c/{self.pages.number(name, context)}")

    def go_to_link_of_mail(self, address):
        self.go(self.pages.link_mailed_to(address))

    def follow(self, name):
        self._follow(self._named("link", name))

    def follow_number(self, name, context):
        self._follow(self.page.get_by_role("link", name=self.pages.number(name, context)).first)

    def _follow(self, link):
        with self.page.expect_navigation():
            self.hand.press(link)
        self.unfolded.clear()
        self._look()

    def press(self, name):
        button = self._named("button", name)
        if not self.scripts and not button.count() and self._at_once.count():
            button = self._at_once  # which shows that part with all the others
        self._press(button)

    def confirm(self):
        """Whatever a page that asks first has on its button: how many it is about, say."""
        self._press(self.page.locator(".submit-row").get_by_role("button").first)

    def _press(self, button):
        before = self.page.url
        self.hand.press(button)
        self.page.wait_for_timeout(100)  # by a key it begins a moment later
        self.page.wait_for_load_state()
        if self.page.url != before:
            self._look()

    def search(self, text):
        field = self.page.locator("#searchbar")
        self.hand.write(field, text)
        with self.page.expect_navigation():
            field.press("Enter")
        self._look()

    def unfold(self, name):
        self.unfolded.append(name)
        self._unfold(name)

    def _unfold(self, name):
        part = self.page.locator("summary", has_text=self.in_words(name)).filter(visible=True).first
        if not part.evaluate("part => part.parentElement.open"):
            self.hand.press(part)

    def write(self, text, label):
        self.hand.write(self._field(label), text)

    def write_number(self, name, context, label):
        self.write(self.pages.number(name, context), label)

    def write_first_number(self, name, context, label):
        self.write(self.pages.number(name, context, replaced=True), label)

    def choose(self, option, label):
        field = self._field(label)
        offered, told = field.locator("option").all_inner_texts(), self._wordings(option)
        self.hand.choose(field, next((each for each in told if each in offered), told[0]))

    def pick(self, label):
        self.hand.check(self._field(label))

    def clear(self, label):
        self.hand.uncheck(self._field(label))

    def hand_over(self, path, label):
        self._field(label).set_input_files((ROOT if path.startswith("demo/") else self.pages.site.path) / path)

    def download(self, name):
        # Not by a click, after which Chromium would show the file itself.
        address = self._named("link", name).evaluate("link => link.href")
        assert self.page.context.request.get(address).body().startswith(b"%PDF-"), f"{address} is no PDF"

    def see(self, *texts):
        for text in texts:
            self._see(self._seen(text))

    def see_number(self, *told):
        """Figures, each a number and what it is of."""
        for number, what in zip(told[::2], told[1::2], strict=True):
            words = "|".join(map(re.escape, self._wordings(what)))
            of_it = re.compile(rf"^\s*{re.escape(number)}\s+({words})\s*$")
            self._see(self.page.locator(".conferral-now li").filter(has_text=of_it))

    def see_day(self, name, context):
        """That it was issued on, as the reader's language writes it."""
        with translation.override(self.language):
            # In English the service has days of its own, of which the settings of the tests know nothing.
            form = DATE_FORMAT if self.language == "en" else "DATE_FORMAT"
            self._see(self._seen(date_format(self.pages.day(name, context), form)))

    def _see(self, found):
        """It is there, or comes."""
        if not found.count():
            self._ask_at_once()
        expect(found.first).to_be_visible(timeout=20_000)

    def _ask_at_once(self):
        """Where scripts would bring what depends on the form, the button does that stands in for them."""
        if not self.scripts and self._at_once.count():
            self._press(self._at_once)
            for name in self.unfolded:  # it comes folded again
                self._unfold(name)

    @property
    def _at_once(self):
        return self.page.locator("button[name=_try]").filter(visible=True)

    def see_suggested(self, key):
        """That one alone, by what has been typed; without scripts it is among the first."""
        suggested = self.page.locator("datalist:has(option)").filter(has=self.page.locator(f'[value="{key}"]'))
        if self.scripts:
            expect(suggested.locator("option")).to_have_count(1)
        else:
            expect(suggested).to_have_count(1)

    def see_next_runs(self, at, zone):
        """Five, as a clock there shows them."""
        self._ask_at_once()
        runs = self.page.locator(".conferral-times")
        expect(runs.locator("time")).to_have_text([re.compile(rf"\b{at}$")] * 5)
        expect(runs.locator("xpath=..")).to_contain_text(zone)

    def see_picture(self):
        """One that has come, and is a picture."""
        self._see(self.page.locator(PICTURE))
        self.pictured = self._drawn(self.page.locator(PICTURE).first)

    def see_other_picture(self):
        """In place of the one that was seen before."""
        assert self.pictured, "no picture was seen before"
        self._ask_at_once()
        self.pictured = self._changes(self.page.locator(PICTURE).first, self.pictured)

    def see_pair(self):
        """As it is and as it would be, which differ."""
        pairs = self.page.locator(".conferral-pair").first.locator(PICTURE)
        self._see(pairs.nth(1))
        self._changes(pairs.nth(1), self._drawn(pairs.first))

    def _changes(self, picture, before):
        """What it shows once it is another than before."""
        end = time.monotonic() + PATIENCE
        while (now := self._drawn(picture)) == before:
            assert time.monotonic() < end, f"the picture has not changed within {PATIENCE} s"
            self.page.wait_for_timeout(100)
        return now

    @staticmethod
    def _drawn(picture):
        """What is its content, of a picture that has come and is one."""
        expect(picture).to_be_visible(timeout=20_000)
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > LEAST_WIDTH
        return picture.get_attribute("src")

    def see_in_time(self, text):
        """What workers do meanwhile: the page is loaded again until it says so, where it does not do that by itself."""
        end = time.monotonic() + PATIENCE
        while not self._seen(text).count():
            assert time.monotonic() < end, f"“{text}” was not seen within {PATIENCE} s"
            self.page.wait_for_timeout(500)
            with suppress(Error):  # it may be loading by itself: pages that follow a run do when it ends
                if not (self.scripts and self.page.locator("[data-progress]").count()):
                    self.page.reload()
        self._look()

    def see_error(self, label):
        """At that field, and not only somewhere on the page."""
        row = self._field(label).locator("xpath=ancestor::*[contains(@class, 'row')][1]")
        self._see(row.locator(".rjf-error-text, .errorlist"))

    def see_mail(self, address, text):
        """One that went there since the pages are served, in whatever language."""
        self.pages.mailed_to(address, text)

    def run(self, command):
        """In a terminal, in the folder of the site."""
        program, *arguments = shlex.split(command)
        assert program == "conferral", f"{program} is not run by tests"
        self.pages.site.ok(*arguments)

    def save_as(self, path, content):
        self.pages.site.write(path, content)

    def delete_files(self, name, context):
        """Those of that credential, behind the back of the site."""
        self.pages.lose(name, context)

    def act(self, option):
        """One of the actions of a list, on all that it shows."""
        every = self.page.locator("#action-toggle, input.action-select")
        for box in every.all()[:1] if self.scripts else every.all()[1:]:
            self.hand.check(box)
        self.hand.choose(self.page.locator("select[name=action]").first, self.in_words(option))
        self._press(self.page.locator(".actions button[type=submit]").first)

    def see_not(self, *texts):
        for text in texts:
            expect(self._seen(text)).to_have_count(0)

    def _seen(self, text):
        spaced = (r"\s+".join(map(re.escape, each.split())) for each in self._wordings(text))
        pattern = re.compile("|".join(spaced))
        return self.page.get_by_text(pattern).filter(visible=True)


STEPS = {
    "Open `…`.": Teller.go,
    "Open **…**.": Teller.follow,
    "Open the number of *…* in *…*.": Teller.follow_number,
    "Open the page of *…* in *…*.": Teller.go_to_page,
    "Open the link in the mail to `…`.": Teller.go_to_link_of_mail,
    "Unfold **…**.": Teller.unfold,
    "Search for `…`.": Teller.search,
    "Press **…**.": Teller.press,
    "Confirm.": Teller.confirm,
    "Write `…` into **…**.": Teller.write,
    "Write the number of *…* in *…* into **…**.": Teller.write_number,
    "Write the first number of *…* in *…* into **…**.": Teller.write_first_number,
    "Choose **…** in **…**.": Teller.choose,
    "Choose **…**.": Teller.pick,
    "Tick **…**.": Teller.pick,
    "Untick **…**.": Teller.clear,
    "Choose the file `…` for **…**.": Teller.hand_over,
    "Download **…**.": Teller.download,
    "You see **…**.": Teller.see,
    "You see **…** and **…**.": Teller.see,
    "You see **…**, **…** and **…**.": Teller.see,
    "You do not see **…**.": Teller.see_not,
    "You see `…` **…**.": Teller.see_number,
    "You see `…` **…** and `…` **…**.": Teller.see_number,
    "You see `…` **…**, `…` **…** and `…` **…**.": Teller.see_number,
    "You see the day on which that of *…* in *…* was issued.": Teller.see_day,
    "**…** alone is suggested.": Teller.see_suggested,
    "You see the next five runs, at **…** in **…**.": Teller.see_next_runs,
    "You see a picture of the certificate.": Teller.see_picture,
    "You see what is wrong at **…**.": Teller.see_error,
    "You see another picture of the certificate.": Teller.see_other_picture,
    "You see two pictures of the certificate, which differ.": Teller.see_pair,
    "Within a minute you see **…**.": Teller.see_in_time,
    "Within a minute a mail to `…` says `…`.": Teller.see_mail,
    "Run `…` in a terminal.": Teller.run,
    "Save this as `…`:": Teller.save_as,
    "Delete the files of *…* in *…*.": Teller.delete_files,
    "Choose all of them, and **…** among the actions.": Teller.act,
    **{
        f"Now {sentence[0].lower()}{sentence[1:]}": partial(Teller.be, person=person)
        for sentence, person in PEOPLE.items()
    },
}
"""The sentences that stories are made of."""


def _text(node):
    return "".join(each.content for each in node.walk() if each.type in ("text", "code_inline"))


def _steps(items):
    """The sentences of a list, each with the block of code that follows it."""
    found = []
    for item in items:
        for part in item:
            if part.type == "fence":
                found[-1] = replace(found[-1], values=(*found[-1].values, part.content))
            else:
                found += _sentences(part)
    return found


def _sentences(node):
    """The sentences below a node, in order; a full stop in a name ends none."""
    for inline in (each for each in node.walk() if each.type == "inline"):
        words, values = "", []
        for child in inline.children:
            if child.type in MARKS:
                words += MARKS[child.type]
                values.append(child.content if child.type == "code_inline" else _text(child))
            else:
                words += " " if child.type == "softbreak" else child.content
        # A name that ends in a full stop ends its sentence.
        whole = re.sub(r"(\*\*…\*\*)(?= [A-Z]|$)", r"\1.", " ".join(words.split()))
        for sentence in re.split(r"(?<=\.)\s+", whole):
            count = sum(sentence.count(mark) for mark in ("**…**", "`…`")) + len(
                re.findall(r"(?<!\*)\*…\*(?!\*)", sentence)
            )
            yield Sentence(sentence, tuple(values[:count]))
            values = values[count:]
