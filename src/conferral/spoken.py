"""What went wrong, in the reader's language. The code writes English, so that logs and commands can be searched.

What was recorded is English, too: a sentence of the catalogs, perhaps with values in it. Faces find the sentence that
it was made of, and say that one with the same values.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.messages.mofile import read_mo
from django.utils.translation import get_language, gettext, to_locale

from conferral.contract.errors import Phrase, Told
from conferral.contract.placeholders import babel_locale

_PLACE = re.compile(
    r"(?P<where>[a-z][a-z_]*(?:\.[^\s:]+|\[\d+\])*|[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}): (?P<text>.+)", re.DOTALL
)
"""The field or the credential that a recorded reason begins with."""
_DAY = re.compile(r"(?P<day>\d{1,2} [A-Z][a-z]+ \d{4})(?P<time>(?: \d\d:\d\d [\w/+-]+)?)")
_VALUE = re.compile(r"%\((\w+)\)[sd]")
_CATALOGS = Path(__file__).parent / "locale"
LONGEST = 2000
"""Characters of a line that is compared with sentences: longer is what somebody wrote, or a program."""
LITERAL = 6
"""Letters that a sentence has beside its values, else it would be found in anything."""


def spoken(problem: Any) -> str:
    """An error, or a reason as it was recorded, in the reader's language as far as the catalogs know it."""
    if isinstance(problem, Told) and problem.where:
        return f"{problem.where}: {without_place(problem)}"
    return without_place(problem)


def without_place(problem: Any) -> str:
    """The same without the field that an error names, for who stands right there."""
    if not isinstance(problem, Told):
        return _recorded(str(problem))
    values = {
        name: spoken(value) if isinstance(value, Exception | Phrase) else value
        for name, value in problem.values.items()
    }
    return gettext(problem.message) % values if values else _recorded(problem.message)


def _recorded(text: str) -> str:
    return "\n".join(_line(line) for line in text.splitlines())


def _line(text: str) -> str:
    found = gettext(text) if text else ""
    if found != text or len(text) > LONGEST:
        return found
    if written := _DAY.fullmatch(text):
        return _day(written["day"]) + written["time"]
    if (told := _PLACE.fullmatch(text)) and (said := _line(told["text"])) != told["text"]:
        return f"{told['where']}: {said}"
    for sentence in _sentences(get_language() or ""):
        if (values := sentence.values_in(text)) is not None:
            return sentence.said % {name: _line(value) for name, value in values.items()}
    head, colon, tail = text.partition(": ")
    return f"{gettext(head)}: {_line(tail)}" if colon and gettext(head) != head else text


def _day(written: str) -> str:
    """A day as `history.on` writes it, as the reader does."""
    try:
        day = datetime.strptime(written, "%d %B %Y").date()  # noqa: DTZ007 - a day is in no time zone
    except ValueError:
        return written
    return format_date(day, "long", locale=babel_locale(get_language() or "en"))


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of the catalog with values in it: what stands around them, their names, and how a reader is told."""

    around: Sequence[str]
    names: Sequence[str]
    said: str

    def values_in(self, text: str) -> Mapping[str, str] | None:
        """The values with which the text says this; None when it says something else. Takes time linear in the text."""
        begin, *between, end = self.around
        if not (text.startswith(begin) and text.endswith(end)):
            return None
        places, at, last = [], len(begin), len(text) - len(end)
        for literal in between:
            until = text.find(literal, at + 1, last)
            places.append(text[at:until])
            if until < 0:
                return None
            at = until + len(literal)
        return dict(zip(self.names, [*places, text[at:last]], strict=True)) if at < last else None


@lru_cache(maxsize=32)
def _sentences(language: str) -> Sequence[_Sentence]:
    """Those of a language that have values, the most telling first; none where the code's own words are read."""
    names = (to_locale(language), language.partition("-")[0])
    paths = (_CATALOGS / name / "LC_MESSAGES" / "django.mo" for name in names)
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return ()
    with path.open("rb") as file:
        catalog = read_mo(file)
    found = [
        _Sentence([part.replace("%%", "%") for part in parts[::2]], parts[1::2], str(message.string))
        for message in catalog
        if isinstance(message.id, str) and message.string and len(parts := _VALUE.split(message.id)) > 1
    ]
    telling = [one for one in found if _letters(one) >= LITERAL and len({*one.names}) == len(one.names)]
    return sorted(telling, key=_letters, reverse=True)


def _letters(sentence: _Sentence) -> int:
    return sum(character.isalpha() for part in sentence.around for character in part)
