"""When a configuration opens and closes and what holds its runs back, in plain fields."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from conferral import plugins, schedules
from conferral.admin import words
from conferral.admin.when import MOST, UNITS
from conferral.contract import ConferralError
from conferral.issuance import guards, opening
from conferral.models import CredentialConfiguration

__all__ = ["MOST", "OPENS", "WAITS", "guards_of", "opening_of", "shown"]
OPENS = {"": _("at once"), "after_start": _("after the start of the course"), "after_end": _("after its end")}
WAITS = {unit: UNITS[unit] for unit in ("day", "hour", "week")}
"""The units of a waiting period."""
PERCENT = 100


def shown(configuration: CredentialConfiguration) -> dict[str, Any]:
    """What the fields show; defaults where the configuration says nothing."""
    dates = configuration.opening
    opens = next((name for name in ("after_start", "after_end") if dates.get(name) is not None), "")
    try:
        rules = guards.of(configuration)
    except ConferralError:
        rules = guards.Guards()
    return {
        "opens": opens,
        "opens_days": dates.get(opens),
        "stop": dates.get("stop"),
        "guard": rules.enabled,
        "guard_learners": rules.learners,
        "guard_share": f"{(rules.share * PERCENT).normalize():f}",
        "wait": rules.wait.partition(" ")[0],
        "wait_unit": rules.wait.partition(" ")[2].removesuffix("s") or "day",
        "review": rules.review,
    }


def opening_of(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields say, as it is stored."""
    found: dict[str, Any] = {}
    if opens := cleaned.get("opens"):
        if cleaned.get("opens_days") is None:
            raise ValidationError({"opens_days": _("Write how many days after; 0 is on that day.")})
        found[opens] = cleaned["opens_days"]
    if cleaned.get("stop") is not None:
        found["stop"] = cleaned["stop"]
    return found


def dates_of(form: Any, limits: Collection[str] | None) -> opening.Dates:
    """When the configuration in the form opens and closes, by the dates of its course, as far as that is known."""
    said = opening_of(form.cleaned_data)
    if not said:
        return opening.Dates(None, None)
    key = form.instance.context_key or form.cleaned_data.get("context_key", "")
    context = plugins.gateway().describe(key) if key and (limits is None or key in limits) else None
    if context is None:
        return opening.Dates(None, None, (_now("When it opens and closes is known once the course is."),))
    return opening.dates_of(opening.of(CredentialConfiguration(opening=said)), context)


def in_words(opens: datetime | None, closes: datetime | None, time_zone: str) -> list[str]:
    """When it opens and closes, as a clock there shows it; nothing of a date that is not known."""
    said = []
    if opens and opens != schedules.NEVER:
        said.append(_now("Opens %s.") % words.local(opens, time_zone))
    if closes:
        said.append(_now("Closes %s; the first run from then on is the last.") % words.local(closes, time_zone))
    return said


def guards_of(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields say, as far as it is not the default."""
    share = cleaned.get("guard_share")
    usual, wait = guards.Guards(), cleaned.get("wait")
    said = {
        "enabled": bool(cleaned.get("guard")),
        "learners": usual.learners if cleaned.get("guard_learners") is None else cleaned["guard_learners"],
        "share": usual.share if share is None else Decimal(share) / PERCENT,
        "wait": f"{wait} {cleaned.get('wait_unit') or 'day'}{'' if wait == 1 else 's'}" if wait else "",
        "review": bool(cleaned.get("review")),
    }
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in said.items()
        if value != getattr(usual, name)
    }
