"""What readers of a language see for an English text of the documentation: from the catalogs."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from operator import itemgetter
from pathlib import Path

from babel.messages.pofile import read_po
from django.utils import translation
from django.utils.dates import MONTHS_AP
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import trans_real

import conferral

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")
DAY = re.compile(r"(\d{1,2}) ([A-Z]\w+\.?) (\d{4})\b(.*)")
"""A day as staff read it in English, and what follows."""
COUNT = re.compile(r"(\d+) (.+)")
"""A figure, and what it is of."""
PERCENT = " (%)"
LITERAL = 6
"""Characters that a text has beside its placeholders where it begins with one, else it would be found in anything."""


def _month(name):
    """The number of an English month, 0 for no month."""
    with translation.override("en"):
        return next((number for number, each in MONTHS_AP.items() if str(each) == name), 0)


@dataclass
class Wording:
    """The catalogs of a language, with what a text has filled in, and for so many as it is about."""

    language: str

    def in_words(self, text):
        """What the reader sees for an English text: from the catalogs, or the same where it is a name."""
        return self.wordings(text)[0]

    def wordings(self, text):
        """The same with a capital that Django gave it, too, which begins names of fields and records with one.

        Words that mean several things have a translation for each.
        """
        with translation.override(self.language):
            small = text[:1].lower() + text[1:]
            found = [translation.gettext(text), capfirst(translation.gettext(small))]
            known = [each for each, english in zip(found, (text, capfirst(small)), strict=True) if each != english]
            known += self._meanings.get(text, ())
            if not known and (counted := COUNT.fullmatch(text)):
                number, what = counted.groups()
                known = [f"{number} {each}" for each in self._of(int(number), what) if each != what]
            return list(dict.fromkeys(known)) or [self._filled(text)]

    def _of(self, number, what):
        """What stands beside a number, of what there are so many."""
        plain = (translation.ngettext(one, several, number) for one, several in self._plurals if what in (one, several))
        return [*plain, *self.wordings(what)]

    def _filled(self, text):
        """A text with something filled in; a percentage is said to be one behind its name."""
        if text.endswith(PERCENT):
            return f"{self.in_words(text.removesuffix(PERCENT))}{PERCENT}"
        if (day := DAY.fullmatch(text)) and (month := _month(day[2])):
            return date_format(date(int(day[3]), month, int(day[1])), "j N Y") + day[4]
        for pattern, places, translated in self._patterns:
            if match := pattern.fullmatch(text):
                said = translated(match.groups()) if callable(translated) else translated
                for place, value in zip(places, match.groups(), strict=True):
                    said = said.replace(place, self.in_words(value), 1)
                return said
        return text

    @cached_property
    def _patterns(self):
        """Texts with placeholders, of the language, those that say most of themselves first; and how they are said."""
        found = []
        for text, translated in (*self._catalog.items(), *self._counted()):
            places, parts = PLACEHOLDER.findall(text), PLACEHOLDER.split(text)
            agree = callable(translated) or sorted(PLACEHOLDER.findall(translated)) == sorted(places)
            says = sum(map(len, parts))
            if places and agree and (says >= LITERAL or text[0] != "%"):
                found.append((says, re.compile("(.+)".join(map(re.escape, parts))), places, translated))
        return [pattern for _, *pattern in sorted(found, key=itemgetter(0), reverse=True)]

    @property
    def _catalog(self):
        """What is said in one way, however many it is about."""
        catalog = trans_real.translation(self.language)._catalog
        return {english: said for english, said in catalog.items() if isinstance(english, str)}

    @cached_property
    def _meanings(self):
        """Texts that are told apart by what they are about, each with its translations."""
        found = {}
        for english, said in self._catalog.items():
            _context, told_apart, text = english.partition("\x04")
            if told_apart and text != said:
                found.setdefault(text, []).append(said)
        return found

    @cached_property
    def _plurals(self):
        """Texts that are about one or several."""
        path = Path(conferral.__file__).parent / "locale" / self.language / "LC_MESSAGES" / "django.po"
        messages = read_po(path.read_bytes().splitlines(keepends=True)) if path.exists() else ()
        return [message.id for message in messages if isinstance(message.id, tuple)]

    def _counted(self):
        """Those, each with what is said of so many."""
        for one, several in self._plurals:
            for text in (one, several):
                yield text, partial(self._of_so_many, one, several)

    def _of_so_many(self, one, several, values):
        count = next((int(value) for value in values if value.isdecimal()), 1)
        with translation.override(self.language):
            return translation.ngettext(one, several, count)
