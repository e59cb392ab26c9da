"""When a configuration runs, as a person chooses it: every so often, weekly, once, by a crontab, or by hand."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import schedules

HAND, EVERY, WEEKLY, ONCE, CRONTAB = "hand", "every", "weekly", "once", "crontab"
HOW = {
    EVERY: _("Every so often"),
    WEEKLY: _("Weekly"),
    ONCE: _("Once"),
    CRONTAB: _("By a crontab"),
    HAND: _("By hand alone"),
}
UNITS = {"minute": _("minutes"), "hour": _("hours"), "day": _("days"), "week": _("weeks")}
DAYS = (1, 2, 3, 4, 5, 6, 0)
"""Of a crontab, as a week begins with most people: Monday is 1, Sunday 0."""
PARTS = ("how", "number", "unit", "time", "at", "crontab")
BEGIN: Mapping[str, Any] = {"how": EVERY, "number": "1", "unit": "day", "days": ["1"], "time": "03:00"}
"""What a new configuration is offered."""
MOST, FIRST_YEAR, LAST_YEAR = 9999, 1900, 9000
MOST_OF = {unit: MOST * (schedules.UNITS["week"] // span) for unit, span in schedules.UNITS.items()}
"""Of each unit as many as come to the same time, MOST weeks: `10080 minutes` is said as well as `7 days`."""
_WEEKLY = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* ([0-6](?:,[0-6])*)")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::00)?")
Parts = Mapping[str, Any]
"""What the fields have, as texts; `days` is a list of them."""


class WhenWidget(forms.Widget):
    """A radio for each way, with its fields beside it; those of the others are hidden by style alone."""

    template_name = "conferral/admin/when.html"
    use_fieldset = True

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """The fields with what they have."""
        value = {**BEGIN, **(value or {})}
        context = super().get_context(name, None, attrs)
        days = [(str(day), _weekday(day, WEEKDAYS_ABBR), str(day) in value["days"]) for day in DAYS]
        ways = [(way, word, value["how"] == way) for way, word in HOW.items()]
        units = [(unit, word, value["unit"] == unit) for unit, word in UNITS.items()]
        context["widget"] |= {"parts": value, "ways": ways, "units": units, "days": days, "most": max(MOST_OF.values())}
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, Any]:
        """The texts of the fields."""
        days = data.getlist(f"{name}_days") if hasattr(data, "getlist") else data.get(f"{name}_days", [])
        return {part: str(data.get(f"{name}_{part}", "")).strip() for part in PARTS} | {"days": list(days)}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether no way was chosen."""
        return f"{name}_how" not in data

    def id_for_label(self, id_: str) -> str:
        """None: each field has a label of its own."""
        return ""


class WhenField(forms.Field):
    """What was chosen, as parts; `schedule` makes the schedule of them once the time zone is known."""

    widget = WhenWidget

    def clean(self, value: Any) -> Parts:
        """The parts, when those of the way that was chosen can be understood."""
        schedule(value, ZoneInfo("UTC"))
        return dict(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another way was chosen, or other parts of it: those of the other ways count for nothing."""
        return _said(initial or {}) != _said(data or {})


def schedule(parts: Parts, zone: ZoneInfo) -> dict[str, str]:
    """The schedule that the parts say; a ValidationError says what to write. A crontab is checked later."""
    match parts.get("how"):
        case "every":
            number, most = parts.get("number") or "1", MOST_OF.get(parts.get("unit", ""), 0)
            if not re.fullmatch(r"[1-9]\d{0,8}", number, re.ASCII) or int(number) > most:
                raise ValidationError(
                    _("Write a number from 1 to %(most)s, and choose a unit."), params={"most": most or MOST}
                )
            return {"every": f"{number} {parts['unit']}{'s' if number != '1' else ''}"}
        case "weekly":
            days = [day for day in map(str, DAYS) if day in parts.get("days", ())]
            at = _TIME.fullmatch(str(parts.get("time", "")))
            if not days or not at:
                raise ValidationError(_("Check at least one day, and write the time like 03:00."))
            return {"crontab": f"{int(at[2])} {int(at[1])} * * {','.join(sorted(days))}"}
        case "once":
            return {"at": _instant(str(parts.get("at", "")), zone).isoformat()}
        case "crontab":
            line = " ".join(str(parts.get("crontab", "")).split())
            if not line:
                raise ValidationError(_("Write minute, hour, day of the month, month and day of the week."))
            return {"crontab": line}
        case "hand":
            return {}
        case _:
            raise ValidationError(_("Choose when it runs."))


def parts(schedule: Mapping[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """What the fields show of a schedule."""
    match schedule:
        case {"crontab": text} if found := _WEEKLY.fullmatch(text):
            days = found[3].split(",")
            return {"how": WEEKLY, "time": f"{int(found[2]):02}:{int(found[1]):02}", "days": days}
        case {"crontab": text}:
            return {"how": CRONTAB, "crontab": text}
        case {"every": text}:
            number, unit = text.split()
            return {"how": EVERY, "number": number, "unit": unit.rstrip("s")}
        case {"at": text}:
            local = datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None)
            whole = not (local.second or local.microsecond)
            return {"how": ONCE, "at": local.isoformat(timespec="minutes" if whole else "seconds")}
        case _:
            return {"how": HAND}


def in_words(schedule: Mapping[str, str], zone: ZoneInfo) -> str:
    """The schedule as one says it: `every 7 days`, `Mon, Thu at 03:00`, `once on 2026-05-12 09:00`."""
    said = parts(schedule, zone)
    match said["how"]:
        case "every":
            return _each(said["unit"], int(said["number"]))
        case "weekly":
            names = WEEKDAYS if len(said["days"]) == 1 else WEEKDAYS_ABBR
            days = ", ".join(_weekday(day, names) for day in DAYS if str(day) in said["days"])
            return _now("%(days)s at %(time)s") % {"days": days, "time": said["time"]}
        case "once":
            return _now("once on %s") % str(said["at"]).replace("T", " ")
        case "crontab":
            return str(said["crontab"])
        case _:
            return _now("by hand")


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; UTC for one that this machine does not know any more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _said(parts: Parts) -> dict[str, Any]:
    own = {EVERY: ("number", "unit"), WEEKLY: ("days", "time"), ONCE: ("at",), CRONTAB: ("crontab",)}
    how = parts.get("how", "")
    return {"how": how} | {name: parts.get(name) for name in own.get(how, ())}


def _each(unit: str, number: int) -> str:
    count = {"number": number}
    match unit:
        case "minute":
            return ngettext("every minute", "every %(number)d minutes", number) % count
        case "hour":
            return ngettext("every hour", "every %(number)d hours", number) % count
        case "day":
            return ngettext("every day", "every %(number)d days", number) % count
        case _:
            return ngettext("every week", "every %(number)d weeks", number) % count


def _weekday(day: int, names: Mapping[int, Any]) -> str:
    return str(names[(day - 1) % 7])  # Django's weeks begin with Monday, 0


def _instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    # A bare date would mean midnight, which is seldom what somebody means.
    if found is None or ":" not in text or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValidationError(
            _("“%(text)s” is no date and time; write it like 2026-05-12 09:00."), params={"text": text}
        )
    return found if found.tzinfo else found.replace(tzinfo=zone)
