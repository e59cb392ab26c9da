"""Facts in the reader's words and figures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from conferral.contract import Fact
from conferral.contract.context import short_key
from conferral.contract.decision import percentage
from conferral.contract.placeholders import babel_locale
from conferral.issuance.correct import CannotCorrect, Problem
from conferral.models import Credential

LABELS: Mapping[str, str | Promise] = {
    "completion": _lazy("Content completed"),
    "total": _lazy("Grade of the whole course"),
    "listed": _lazy("Named by the staff"),
    "enrolment": _lazy("Enrolment"),
    "platform certificate": _lazy("Certificate of the platform"),
    "platform allowlist": _lazy("Named by the staff"),
    "allow list": _lazy("Named by the staff"),
    "awarded by": _lazy("Awarded by"),
}
"""What the rules that come with Conferral look at; other keys are names of assignment types, or a package's own."""
VALUES: Mapping[str, str | Promise] = {
    "yes": _lazy("yes"),
    "no": _lazy("no"),
    "held": _lazy("yes"),
    "not held": _lazy("no"),
    "listed": _lazy("yes"),
    "staff": _lazy("the staff"),
    "active": _lazy("active"),
    "inactive": _lazy("not active"),
    "none": _lazy("none"),
    "pass": _lazy("the pass mark of the course"),
    "passing": _lazy("passed"),
    "not passing": _lazy("not passed"),
}
FULL = 100
PROBLEMS: Mapping[tuple[str, Problem], str | Promise] = {
    ("name", Problem.EMPTY): _lazy("Write your name as it is to be printed."),
    ("name", Problem.LONG): _lazy("This is longer than any certificate can show. Write 255 letters at most."),
    ("name", Problem.SAME): _lazy("This is the name that it has already."),
    ("name", Problem.CHARACTER): _lazy(
        "There is a character in it that cannot be printed, such as a line break. Type the name anew."
    ),
    ("explanation", Problem.LONG): _lazy("Write 2000 letters at most."),
    ("explanation", Problem.CHARACTER): _lazy("There is a character in it that cannot be kept. Type it anew."),
}
"""What is wrong with what somebody wrote, by where they wrote it."""
NOT_NOW: str | Promise = _lazy("Nothing can be corrected now: it does not hold any more, or you have just asked.")


@dataclass(frozen=True, slots=True)
class Line:
    """A fact as a page shows it. `reached` and `needed` are places on a bar of 100, None for what is no share."""

    label: str
    step: str
    required: str
    actual: str
    met: bool
    reached: float | None
    needed: float | None


def lines(facts: Iterable[Fact], steps: Mapping[str, str] | None = None) -> list[Line]:
    """The facts, each with the name of the course that it is about where that is known."""
    return [_line(fact, (steps or {}).get(fact.step, short_key(fact.step) if fact.step else "")) for fact in facts]


def problem(error: CannotCorrect) -> str:
    """Why somebody's wish cannot be put before the staff."""
    return str(PROBLEMS.get((error.field, error.problem), NOT_NOW) if error.problem else NOT_NOW)


def number(value: int) -> str:
    """A whole number as the reader writes it."""
    return format_decimal(value, locale=_locale())


def day(instant: datetime | None, credential: Credential) -> str:
    """A date as the reader writes it, and where the credential is in the same language, as the credential does.

    It is the day in the time zone in which the credential was issued, as on the certificate.
    """
    if instant is None:
        return ""
    language = get_language() or "en"
    locale = credential.locale if credential.locale.split("-")[0] == language.split("-")[0] else language
    return format_date(local_date(instant, credential), "long", locale=babel_locale(locale))


def local_date(instant: datetime, credential: Credential) -> date:
    """The day in the time zone in which the credential was issued: at New Year it is another year than elsewhere."""
    return instant.astimezone(ZoneInfo(credential.edition.content["time_zone"])).date()


def moment(instant: datetime | None, time_zone: str) -> str:
    """The day of an instant there, as the reader writes it."""
    return format_date(instant.astimezone(ZoneInfo(time_zone)).date(), "full", locale=_locale()) if instant else ""


def _line(fact: Fact, step: str) -> Line:
    reached, needed = (percentage(text) if text is not None else None for text in (fact.actual, fact.required))
    actual = _("unknown") if fact.actual is None else _value(fact.actual, reached)
    required = _value(fact.required, needed)
    if actual == required and not fact.met and fact.actual is not None:
        actual, required = fact.actual, fact.required  # so close that only all digits tell them apart
    is_share = needed is not None
    return Line(
        label=str(LABELS.get(fact.key, fact.key)),
        step=step,
        required=_("at least %(share)s") % {"share": required} if is_share else required,
        actual=actual,
        met=fact.met,
        reached=float(min(max(reached or Decimal(0), Decimal(0)), Decimal(FULL))) if is_share else None,
        needed=float(needed) if needed is not None else None,
    )


def _value(text: str, share: Decimal | None) -> str:
    if share is None:
        return str(VALUES.get(text, text))
    return format_percent(share / FULL, locale=_locale(), decimal_quantization=False)


def _locale() -> Locale:
    return babel_locale(get_language() or "en")
