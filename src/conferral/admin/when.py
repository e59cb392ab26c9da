"""When a configuration runs, as a person writes it in one line."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

EXAMPLE = "every 1 day"
_EVERY = re.compile(r"every (?:([1-9]\d{0,3}) )?(minute|hour|day|week)s?", re.IGNORECASE)
_CRONTAB_FIELDS = 5
FIRST_YEAR, LAST_YEAR = 1900, 9000
HELP = _(
    "<code>every 7 days</code>: minutes, hours, days or weeks, counted from when you save. "
    "<code>0 3 * * 1</code>: minute, hour, day of the month, month, day of the week; this is Mondays at 3:00. "
    "<code>2026-05-12 09:00</code>: once. All in the time zone above. Left empty: by hand alone."
)


def read(text: str, zone: ZoneInfo) -> dict[str, str]:
    """The schedule that the line says; a ValidationError lists what can be written. A crontab is checked later."""
    words = text.split()
    line = " ".join(words)
    if not line:
        return {}
    if found := _EVERY.fullmatch(line):
        number, unit = int(found[1] or 1), found[2].lower()
        return {"every": f"{number} {unit}{'s' if number > 1 else ''}"}
    if re.match(r"\d{4}-\d", line):
        return {"at": _instant(line, zone).isoformat()}
    if len(words) == _CRONTAB_FIELDS and words[0].lower() != "every":
        return {"crontab": line}
    raise ValidationError(
        _("“%(line)s” is not understood; write it like every 7 days, 0 3 * * 1 or 2026-05-12 09:00."),
        params={"line": line},
    )


def shown(schedule: Mapping[str, str], zone: ZoneInfo) -> str:
    """The line that says the schedule."""
    match schedule:
        case {"crontab": text}:
            return text
        case {"every": text}:
            return f"every {text}"
        case {"at": text}:
            local = datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None)
            whole = not (local.second or local.microsecond)
            return local.isoformat(sep=" ", timespec="minutes" if whole else "auto")
        case _:
            return ""


def _instant(line: str, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(line)
    except ValueError:
        found = None
    # A bare date would mean midnight, which is seldom what somebody means.
    if found is None or ":" not in line or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValidationError(
            _("“%(line)s” is no date and time; write it like 2026-05-12 09:00."), params={"line": line}
        )
    return found if found.tzinfo else found.replace(tzinfo=zone)
