"""Texts with placeholders: `{name}`, `{evidence.total}`, `{field.hours}`; literal braces are doubled."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from pydantic import AfterValidator, Field

from conferral.contract.artifact import GenerationRequest
from conferral.contract.decision import percentage
from conferral.contract.errors import NotAccepted, OptionsError, PermanentError, Phrase
from conferral.contract.text import check_storable

PLACEHOLDERS = (
    "name",
    "context",
    "type",
    "organisation",
    "issuer",
    "start",
    "end",
    "date",
    "earned",
    "issued",
    "expires",
    "verification_id",
    "verification_url",
)
"""The plain ones; besides them `{evidence.KEY}` and `{field.KEY}`. `{date}` is the date that the type prints."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_DOTTED = re.compile(r"(evidence|field)\.\S.*")


def placeholders_in(text: str) -> Iterator[str]:
    """The names of the placeholders in the text, in order."""
    return (match[1] for match in _TOKEN.finditer(text) if match[1] is not None)


def check(text: str) -> str:
    """The text, when every placeholder is known and every brace has its pair; else a ValueError."""
    check_storable(text)
    for match in _TOKEN.finditer(text):
        if match[0] in ("{", "}"):
            raise NotAccepted("a single %(brace)r; double it to print a brace", brace=match[0])
        name = match[1]
        if name is not None and name not in PLACEHOLDERS and not _DOTTED.fullmatch(name):
            known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise NotAccepted(
                "unknown placeholder {%(name)s}; known: %(known)s, {evidence.KEY}, {field.KEY}", name=name, known=known
            )
    return text


Text = Annotated[str, AfterValidator(check), Field(json_schema_extra={"format": "placeholders"})]
"""A text of options in which placeholders are filled in."""


def fill(text: str, value_of: Callable[[str], str]) -> str:
    """The text with its placeholders replaced and its doubled braces halved."""
    return "".join([value_of(part) if is_name else part for is_name, part in _parts(text)])


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[tuple[bool, str], ...]:
    """What stands in the text as it is, and the names of placeholders (True), in order."""
    found, position = [], 0
    for match in _TOKEN.finditer(text):
        found.append((False, text[position : match.start()]))
        found.append((False, match[0][0]) if match[1] is None else (True, match[1]))
        position = match.end()
    return tuple((is_name, part) for is_name, part in [*found, (False, text[position:])] if part)


class _Values:
    """One credential's answers."""

    __slots__ = ("locale", "request", "snapshot", "zone")

    def __init__(self, request: GenerationRequest) -> None:
        self.request, self.snapshot = request, request.snapshot
        self.locale, self.zone = babel_locale(request.locale), ZoneInfo(request.time_zone)

    def __call__(self, name: str) -> str:
        plain = _PLAIN.get(name)
        if plain is not None:
            return plain(self)
        group, key = name.split(".", 1)
        if group == "field":
            return _field(self.snapshot.fields, key, self.locale)
        evidence = self.snapshot.evidence
        actual = [fact.actual for fact in evidence if fact.key == key and fact.actual is not None]
        if actual:
            # A pathway has one figure for each step: the lowest never claims more than was shown everywhere.
            lowest = min(actual, key=lambda value: percentage(value) or Decimal(0))
            figure = percentage(lowest)
            return lowest if figure is None else _percent(figure, self.locale)
        known = ", ".join(sorted({fact.key for fact in evidence})) or Phrase("none")
        raise PermanentError(
            "placeholder {%(name)s}: the evidence has no such figure; it has: %(known)s", name=name, known=known
        )

    def day(self, instant: datetime | None) -> str:
        """The day of an instant, as the locale writes it."""
        return _long_date(instant.astimezone(self.zone).date(), self.locale) if instant else ""


_PLAIN: dict[str, Callable[[_Values], str]] = {
    "name": lambda own: own.snapshot.name,
    "context": lambda own: own.snapshot.context,
    "type": lambda own: own.snapshot.type,
    "organisation": lambda own: own.snapshot.organisation,
    "issuer": lambda own: own.snapshot.issuer.name,
    "start": lambda own: own.day(own.snapshot.start),
    "end": lambda own: own.day(own.snapshot.end),
    "date": lambda own: own.day(own.snapshot.date),
    "earned": lambda own: own.day(own.snapshot.earned),
    "issued": lambda own: own.day(own.snapshot.issued),
    "expires": lambda own: own.day(own.snapshot.expires),
    "verification_id": lambda own: own.snapshot.verification_id,
    "verification_url": lambda own: own.request.page_url,
}


def values(request: GenerationRequest) -> Callable[[str], str]:
    """What each placeholder stands for in this credential, written as its locale does, in its time zone.

    A figure or field that the credential does not have is a PermanentError.
    """
    return _Values(request)


@lru_cache(maxsize=1024)
def _long_date(day: date, locale: Locale) -> str:
    return format_date(day, "long", locale=locale)


def _percent(figure: Decimal, locale: Locale) -> str:
    """A percentage in the locale's pattern; it was cut to two decimals before, so nothing is left to round up."""
    zero = format_decimal(0, locale=locale)
    return format_percent(0, locale=locale).replace(zero, format_decimal(figure, "#,##0.##", locale=locale))


def _field(fields: Mapping[str, Any], key: str, locale: Locale) -> str:
    if key not in fields:
        raise PermanentError(
            "placeholder {field.%(key)s}: the type has no such field; it has: %(names)s",
            key=key,
            names=", ".join(sorted(fields)) or Phrase("none"),
        )
    return written(fields[key], locale)


def written(value: Any, locale: Locale) -> str:
    """What is printed of a field, as the locale writes it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format_decimal(Decimal(str(value)), locale=locale)
    return str(value)


@lru_cache(maxsize=256)
def babel_locale(language: str) -> Locale:
    """The locale of a BCP 47 tag; of its language, when the region is unknown; else English."""
    tag = language.replace("_", "-")
    return known_locale(tag) or known_locale(tag.split("-", maxsplit=1)[0]) or Locale("en")


def known_locale(tag: str) -> Locale | None:
    """The locale of a BCP 47 tag, or None when there is none (`root` is no language)."""
    try:
        locale = Locale.parse(tag.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError):
        return None
    return locale if locale.language != "root" else None


def check_locale(field: str, tag: str) -> None:
    """An OptionsError at that field unless the tag is known, or empty."""
    if tag and known_locale(tag) is None:
        raise OptionsError("%(tag)r is not known; write a language tag like fr or pt-BR", where=field, tag=tag)
