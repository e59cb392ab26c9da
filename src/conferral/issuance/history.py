"""History: who did what, when and why, on every object. The use cases record it, within their transactions."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from conferral.contract import Phrase
from conferral.contract.text import storable
from conferral.models import Act, Credential

ITSELF = "Conferral"
"""Who did what nobody asked for: a sweep, a date that has come."""
COMMAND_LINE = Phrase("the command line")
HOLDER = Phrase("the holder")
"""Without a name: what holders did stays when they are retired."""


def record(verb: str, *objects: models.Model, by: Any = None, reason: str = "", **details: Any) -> None:
    """Writes down what was done to the objects. `by` is a user, or in words who it was; None is Conferral itself."""
    record_of([(one, one.pk) for one in objects], verb, by=by, reason=reason, **details)


def record_of(
    objects: Iterable[tuple[models.Model | type[models.Model], int]],
    verb: str,
    *,
    by: Any = None,
    reason: str = "",
    **details: Any,
) -> None:
    """The same for many: a model or an instance of it, and the key of each."""
    said = {"verb": verb, "at": timezone.now(), "by": account(by), "by_name": name_of(by)}
    said |= {"reason": storable(reason.strip()), "details": details}
    Act.objects.bulk_create((Act(kind=kind(one), object_id=pk, **said) for one, pk in objects), batch_size=500)


def of(obj: models.Model) -> QuerySet[Act]:
    """What was done to the object, the latest first; to a credential also what was done to its run."""
    found = Q(kind=kind(obj), object_id=obj.pk)
    if isinstance(obj, Credential) and obj.run_id:
        found |= Q(kind="run", object_id=obj.run_id)
    return Act.objects.filter(found).select_related("by").order_by("-pk")


def forget(credentials: Collection[int], without: Callable[[str], str]) -> None:
    """Takes out of their reasons what names somebody who is retired; within the transaction that retires them."""
    acts = Act.objects.filter(kind=kind(Credential), object_id__in=credentials).exclude(reason="")
    told = list(acts)
    for act in told:
        act.reason = without(act.reason)
    Act.objects.bulk_update(told, ["reason"], batch_size=500)


def kind(model: models.Model | type[models.Model]) -> str:
    """The name by which acts call objects of that model."""
    return str(model._meta.model_name)  # noqa: SLF001 - Django documents this name


def account(by: Any) -> Any:
    """The user, where it is one."""
    return by if isinstance(by, models.Model) else None


def name_of(by: Any) -> str:
    """Who it was, in words that outlive the account."""
    if by is None:
        return ITSELF
    return str(by.get_username() if hasattr(by, "get_username") else by)[:255]


def on(instant: datetime | None) -> str:
    """A day in a reason, which faces find there: 12 May 2026."""
    return f"{instant.day} {instant:%B %Y}" if instant else ""


def at(instant: datetime, time_zone: str = "UTC") -> str:
    """The same with the time, as a clock there shows it: 12 May 2026 09:00 Europe/Paris."""
    there = instant.astimezone(ZoneInfo(time_zone))
    return f"{on(there)} {there:%H:%M} {time_zone}"
