"""The emergency stop: while it is pulled, no run begins or issues, and no mail goes out."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from conferral.contract import ConferralError
from conferral.issuance import history
from conferral.models import Standstill


class Paused(ConferralError):
    """Everything stands still until somebody resumes."""


def pause(reason: str = "", by: Any = None) -> Standstill:
    """Pulls the stop, and returns it; one that was pulled before stays as it is."""
    try:
        with transaction.atomic():
            stop = Standstill.objects.create(since=timezone.now(), reason=reason)
            history.record("paused", stop, by=by, reason=reason)
            return stop
    except IntegrityError:
        return Standstill.objects.get()


def resume(by: Any = None) -> bool:
    """Releases it; False when nothing stood still. What has become due meanwhile is done by the next sweep."""
    with transaction.atomic():
        stop = Standstill.objects.select_for_update().first()
        if stop is not None:
            history.record("resumed", stop, by=by)
            stop.delete()
    return stop is not None


def standing() -> Standstill | None:
    """The stop, while it is pulled."""
    return Standstill.objects.first()


def check() -> None:
    """Raises Paused while it is pulled."""
    if found := standing():
        raise Paused("Conferral is %(found)s; `conferral resume` goes on", found=found)
