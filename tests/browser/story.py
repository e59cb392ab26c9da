"""Stories: numbered lists in how-to pages, which are carried out word for word in a browser.

A story begins with a sentence that says who you are (`PEOPLE`); each sentence of its numbered list is one of `STEPS`,
with names of links, buttons and fields in bold, what is typed as code, and people of the demo in italics.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from django.utils import translation
from django.utils.dates import MONTHS_AP
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import trans_real
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from playwright.sync_api import Error, expect

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
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")
DAY = re.compile(r"(\d{1,2}) ([A-Z]\w+\.?) (\d{4})\b(.*)")
"""A day as staff read it in English, and what follows."""
LITERAL = 6
"""Characters that a text has beside its placeholders where it begins with one, else it would be found in anything."""


def _month(name):
    """The number of an English month, 0 for no month."""
    with translation.override("en"):
        return next((number for number, each in MONTHS_AP.items() if str(each) == name), 0)


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
            steps = tuple(sentence for item in node for sentence in _sentences(item))
            found[-1] = replace(found[-1], steps=found[-1].steps + steps)
    return found


@dataclass
class Teller:
    """Carries out the steps of a story, for readers of that language: names are those of the catalogs.

    `come` opens a browser of that person's. `hand` is how links, buttons and fields are worked: by the mouse, or by
    nothing but the keyboard. Pages that are come to are looked at, unless told otherwise.
    """

    come: Callable[[str], Any]
    pages: Any
    language: str
    hand: Any = None
    looking: bool = True
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

    def in_words(self, text):
        """What the reader sees for an English text: from the catalogs, or the same where it is a name."""
        return self._wordings(text)[0]

    def _wordings(self, text):
        """The same with a capital that Django gave it, too, which begins names of fields and records with one."""
        with translation.override(self.language):
            small = text[:1].lower() + text[1:]
            found = [translation.gettext(text), capfirst(translation.gettext(small))]
            known = [each for each, english in zip(found, (text, capfirst(small)), strict=True) if each != english]
            return list(dict.fromkeys(known)) or [self._filled(text)]

    def _filled(self, text):
        """A text with something filled in."""
        if (day := DAY.fullmatch(text)) and (month := _month(day[2])):
            return date_format(date(int(day[3]), month, int(day[1])), "j N Y") + day[4]
        for pattern, places, translated in self._patterns:
            if match := pattern.fullmatch(text):
                said = translated
                for place, value in zip(places, match.groups(), strict=True):
                    said = said.replace(place, self.in_words(value), 1)
                return said
        return text

    @cached_property
    def _patterns(self):
        """Texts with placeholders, of the language, those that say most of themselves first; and how they are said."""
        catalog = trans_real.translation(self.language)._catalog
        found = []
        for english, translated in catalog.items():
            text = english[0] if isinstance(english, tuple) else english
            places, parts = PLACEHOLDER.findall(text), PLACEHOLDER.split(text)
            agree = isinstance(translated, str) and sorted(PLACEHOLDER.findall(translated)) == sorted(places)
            says = sum(map(len, parts))
            if places and agree and (says >= LITERAL or text[0] != "%"):
                found.append((says, re.compile("(.+)".join(map(re.escape, parts))), places, translated))
        return [pattern for _, *pattern in sorted(found, key=itemgetter(0), reverse=True)]

    def _named(self, role, name):
        """The link, button or field of that name: the whole of it, else a part."""
        told = self._wordings(name)
        for _ in range(20):
            for exact in (*told, *(f"{each}…" for each in told)):
                found = self.page.get_by_role(role, name=exact, exact=True).filter(visible=True)
                if found.count():
                    return found.first
            self.page.wait_for_timeout(100)  # the page may be on its way
        return self.page.get_by_role(role, name=told[0]).filter(visible=True).first

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
        self._look()

    def press(self, name):
        self._press(self._named("button", name))

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
        self.hand.press(self.page.locator("summary", has_text=self.in_words(name)).filter(visible=True).first)

    def write(self, text, label):
        self.hand.write(self._field(label), text)

    def write_number(self, name, context, label):
        self.write(self.pages.number(name, context), label)

    def write_first_number(self, name, context, label):
        self.write(self.pages.number(name, context, replaced=True), label)

    def choose(self, option, label):
        self.hand.choose(self._field(label), self.in_words(option))

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
            expect(self._seen(text).first).to_be_visible(timeout=20_000)

    def see_suggested(self, key):
        """That one alone, by what has been typed."""
        suggested = self.page.locator("datalist:has(option)").filter(has=self.page.locator(f'[value="{key}"]'))
        expect(suggested.locator("option")).to_have_count(1)

    def see_next_runs(self, at, zone):
        """Five, as a clock there shows them."""
        runs = self.page.locator(".conferral-times")
        expect(runs.locator("time")).to_have_text([re.compile(rf"\b{at}$")] * 5)
        expect(runs.locator("+ p")).to_contain_text(zone)

    def see_picture(self):
        """One that has come, and is a picture."""
        picture = self.page.locator(".conferral-picture img").first
        expect(picture).to_be_visible(timeout=20_000)
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100

    def see_in_time(self, text):
        """What workers do meanwhile: the page is loaded again until it says so."""
        end = time.monotonic() + PATIENCE
        while not self._seen(text).count():
            assert time.monotonic() < end, f"“{text}” was not seen within {PATIENCE} s"
            self.page.wait_for_timeout(500)
            with suppress(Error):  # it may be loading by itself: pages that follow a run do when it ends
                self.page.reload()
        self._look()

    def see_not(self, *texts):
        for text in texts:
            expect(self._seen(text)).to_have_count(0)

    def _seen(self, text):
        pattern = re.compile(r"\s+".join(map(re.escape, self.in_words(text).split())))
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
    "**…** alone is suggested.": Teller.see_suggested,
    "You see the next five runs, at **…** in **…**.": Teller.see_next_runs,
    "You see a picture of the certificate.": Teller.see_picture,
    "Within a minute you see **…**.": Teller.see_in_time,
    **{
        f"Now {sentence[0].lower()}{sentence[1:]}": partial(Teller.be, person=person)
        for sentence, person in PEOPLE.items()
    },
}
"""The sentences that stories are made of."""


def _text(node):
    return "".join(each.content for each in node.walk() if each.type in ("text", "code_inline"))


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
