"""What went wrong, in the reader's language. The code writes English, so that logs and commands can be searched."""

import re
from typing import Any

from django.utils.translation import gettext

from conferral.contract.errors import Phrase, Told

_PLACE = re.compile(
    r"(?P<where>[a-z][a-z_]*(?:\.[^\s:]+|\[\d+\])*|[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}): (?P<text>.+)", re.DOTALL
)
"""The field or the credential that a recorded reason begins with."""


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
    if found == text and (told := _PLACE.fullmatch(text)):
        return f"{told['where']}: {gettext(told['text'])}"
    return found
