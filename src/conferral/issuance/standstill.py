"""The emergency stop: while it is pulled, no run begins or issues, and no mail goes out."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from conferral.contract import ConferralError
from conferral.models import Standstill


class Paused(ConferralError):
    """Everything stands still until somebody resumes."""


def pause(reason: str = "") -> Standstill:
    """Pulls the stop, and returns it; one that was pulled before stays as it is."""
    try:
        with transaction.atomic():
            return Standstill.objects.create(since=timezone.now(), reason=reason)
    except IntegrityError:
        return Standstill.objects.get()


def resume() -> bool:
    """Releases it; False when nothing stood still. What has become due meanwhile is done by the next sweep."""
    return bool(Standstill.objects.all().delete()[0])


def standing() -> Standstill | None:
    """The stop, while it is pulled."""
    return Standstill.objects.first()


def check() -> None:
    """Raises Paused while it is pulled."""
    if found := standing():
        raise Paused("Conferral is %(found)s; `conferral resume` goes on", found=found)
