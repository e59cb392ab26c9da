"""Facts in the reader's words and figures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from babel import Locale
from babel.numbers import format_decimal, format_percent
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from conferral.contract import Fact
from conferral.contract.context import short_key
from conferral.contract.decision import percentage
from conferral.contract.placeholders import babel_locale

LABELS: Mapping[str, str | Promise] = {
    "completion": _("Content completed"),
    "total": _("Grade of the whole course"),
    "listed": _("Named by the staff"),
    "enrolment": _("Enrolment"),
    "platform certificate": _("Certificate of the platform"),
    "platform allowlist": _("Named by the staff"),
    "allow list": _("Named by the staff"),
    "awarded by": _("Awarded by"),
}
"""What the rules that come with Conferral look at; other keys are names of assignment types, or a package's own."""
VALUES: Mapping[str, str | Promise] = {
    "yes": _("yes"),
    "no": _("no"),
    "held": _("yes"),
    "not held": _("no"),
    "listed": _("yes"),
    "staff": _("the staff"),
    "active": _("active"),
    "inactive": _("not active"),
    "none": _("none"),
    "pass": _("the pass mark of the course"),
    "passing": _("passed"),
    "not passing": _("not passed"),
}
FULL = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A fact as a page shows it. `reached` and `needed` are places on a bar of 100, None for what is no share.

    `threshold` is what is needed as a bare figure, `roughly` what was reached in whole per cent.
    """

    label: str
    step: str
    required: str
    actual: str
    met: bool
    reached: float | None
    needed: float | None
    threshold: str
    roughly: str

    def __str__(self) -> str:
        needed = self.required if self.needed is not None else _now("required: %(value)s") % {"value": self.required}
        return f"{f'{self.step}: ' if self.step else ''}{self.label}: {self.actual} ({needed})"


def lines(facts: Iterable[Fact], steps: Mapping[str, str] | None = None) -> list[Line]:
    """The facts, each with the name of the course that it is about where that is known."""
    return [_line(fact, (steps or {}).get(fact.step, short_key(fact.step) if fact.step else "")) for fact in facts]


def number(value: int) -> str:
    """A whole number as the reader writes it."""
    return format_decimal(value, locale=locale())


def _line(fact: Fact, step: str) -> Line:
    reached, needed = (percentage(text) if text is not None else None for text in (fact.actual, fact.required))
    actual = _now("unknown") if fact.actual is None else _value(fact.actual, reached)
    required = _value(fact.required, needed)
    if actual == required and not fact.met and fact.actual is not None:
        actual, required = fact.actual, fact.required  # so close that only all digits tell them apart
    is_share = needed is not None
    return Line(
        label=str(LABELS.get(fact.key, fact.key)),
        step=step,
        required=_now("at least %(share)s") % {"share": required} if is_share else required,
        actual=actual,
        met=fact.met,
        reached=float(min(max(reached or Decimal(0), Decimal(0)), Decimal(FULL))) if is_share else None,
        needed=float(needed) if needed is not None else None,
        threshold=_value(fact.required, needed),
        roughly=_percent(_whole(reached, needed, met=fact.met)) if reached is not None else actual,
    )


def _whole(reached: Decimal, needed: Decimal | None, *, met: bool) -> Decimal:
    """Cut, so that what is missing never looks reached; as it is, where what was reached would look missed."""
    whole = reached.to_integral_value(ROUND_FLOOR)
    return reached if met and needed is not None and whole < needed else whole


def _value(text: str, share: Decimal | None) -> str:
    if share is None:
        return str(VALUES.get(text, text))
    return _percent(share)


def _percent(share: Decimal) -> str:
    return format_percent(share / FULL, locale=locale(), decimal_quantization=False)


def locale() -> Locale:
    """How the reader writes figures and dates."""
    return babel_locale(get_language() or "en")
