"""Working through rows that wait in the database: claimed in batches, tried again with growing pauses."""

import logging
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Self

from django.db.models import F, IntegerField
from django.db.models.functions import Least
from django.utils import timezone

from conferral import journal
from conferral.contract import TransientError
from conferral.contract.text import storable
from conferral.issuance import lease
from conferral.issuance.persist import persistently
from conferral.models.queue import Work
from conferral.settings import current

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 3600
"""Seconds."""
PATIENCE = 30
"""Seconds that a batch spends on a storage that fails; then what is left of it waits."""
AWAY = timedelta(seconds=60)
"""At least so long what killed workers left waits for a storage that cannot be asked."""
Waiting = Any
"""A queryset of rows that wait; django-stubs does not know the methods of a custom one."""


def release_abandoned(waiting: Waiting) -> None:
    """Claims whose process is gone are due again at once."""
    claims = waiting.filter(claimed_until__gt=timezone.now()).order_by().values_list("claim", flat=True).distinct()
    for claim in list(claims):
        if lease.holder_is_gone(claim):
            waiting.filter(claim=claim).update(claimed_until=None)


class Patience:
    """What a failing storage or plugin may cost one batch: counts the time in which something failed.

    One that hangs would hold a worker for as long as the batch is; a refusal that comes at once costs nothing.
    """

    def __init__(self, seconds: float, most: float = math.inf) -> None:
        """Each block costs `most` seconds at most, however late the process was told that its time is over."""
        self._seconds, self._most = seconds, most
        self._lost = self._last = 0.0
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return self

    def __exit__(self, *about: object) -> None:
        self._last = min(time.monotonic() - self._began, self._most)

    def lost_on(self, trouble: Exception | None) -> bool:
        """Whether the rest of the batch had better wait, now that the last block ended with that trouble or none."""
        self._lost += self._last if trouble else 0
        return self._lost > self._seconds


def patience_with_storage() -> Patience:
    """A hiccup costs the batch nothing; a storage that hangs ends it."""
    return Patience(PATIENCE)


def patience_with_plugin() -> Patience:
    """One learner may hang a design, and the others go on; with the second it is the design."""
    seconds = current().plugin_seconds
    return Patience(1.5 * seconds, most=seconds)


def claim(waiting: Waiting, token: str, at_most: int, *, state: str = "pending") -> Waiting:
    """Claims what has been due longest, which the token then names: perhaps nothing; None when nothing is due."""
    due = waiting.due(timezone.now()).order_by("next_try", "pk")
    ids = persistently(lambda: list(due.values_list("pk", flat=True)[:at_most]))
    return _take(waiting, ids, token, state=state) if ids else None


def claim_alike(
    waiting: Waiting, token: str, at_most: int, *, alike: tuple[str, ...], clean_up: Callable[[Any], None]
) -> Waiting:
    """As `claim`, a batch of one kind: of what is due, those that are as the first row is in the fields of `alike`.

    A row that still names an earlier holder was under way when its worker stopped. It is claimed alone, and the stop
    counts as an attempt: so work that stops its worker each time takes no neighbour with it, and comes to an end.
    `clean_up` removes what the holder left, by the claim that the row has then.
    """
    due = waiting.due(timezone.now()).order_by("next_try", "pk")
    rows = persistently(lambda: list(due.only("claim", *alike)[:at_most]))
    if not rows:
        return None
    first = rows[0]
    if first.claim:
        return _take_over(waiting, first, token, clean_up)
    wanted = {"claim": ""} | {name: getattr(first, name) for name in alike}
    ids = [row.pk for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]
    if len(ids) < len(rows) == at_most:  # there may be more of them behind the others
        ids = persistently(lambda: list(due.filter(**wanted).values_list("pk", flat=True)[:at_most]))
    return _take(waiting, ids, token)


def _take_over(waiting: Waiting, first: Any, token: str, clean_up: Callable[[Any], None]) -> Waiting:
    """Takes the row from its holder, cleans up after it, and only then begins: three steps, in this order.

    The holder may be slow, not gone. From the first step on it can record nothing, so what is removed afterwards is
    nothing that a row names. In between the claim keeps the holder's secret, by which the files are found: whoever
    stops there leaves the cleaning up to the next one; so does whoever the storage lets down, and nobody begins before
    it is done. No transaction is open while a storage is asked.
    """
    heir = lease.heir_of(first.claim)
    taken = _take(waiting, [first.pk], heir, claim=first.claim, attempts=F("attempts") + 1).first()
    if taken is not None:
        ours = waiting.model.objects.filter(pk=taken.pk, claim=heir)
        try:
            clean_up(taken)
        except TransientError as error:
            now = timezone.now()
            later = {"next_try": now + max(pause(1, error), AWAY), "last_error": storable(str(error))}
            # It was not tried: that the storage is away is no reason to give it up. Nor is it asked for each of them.
            persistently(lambda: ours.update(claimed_until=None, attempts=taken.attempts - 1, **later))
            persistently(lambda: waiting.due(now).exclude(claim="").update(**later))
            journal.event(
                logger, "what killed workers left cannot be removed yet", level=logging.WARNING, why=str(error)
            )
            return waiting.model.objects.none()
        persistently(lambda: ours.update(claim=token, claimed_until=lease.until()))
    return waiting.model.objects.filter(claim=token)


def _take(
    waiting: Waiting, ids: list[int], token: str, *, state: str = "pending", claim: str | None = None, **more: Any
) -> Waiting:
    # Asked again while writing, of the rows alone: a join would be asked before the lock. Who was faster has the row.
    still_due = waiting.model.objects.filter(pk__in=ids, state=state).due(timezone.now())
    if claim is not None:
        still_due = still_due.filter(claim=claim)
    persistently(lambda: still_due.update(claim=token, claimed_until=lease.until(), **more))
    return waiting.model.objects.filter(claim=token).order_by("pk")


def renew(waiting: Waiting, token: str) -> int:
    """Renews the lease of what the token has claimed and not given back."""
    return int(waiting.filter(claim=token).update(claimed_until=lease.until()))


def put_off(row: Work, error: Exception, reason: str) -> bool:
    """Tries the row again later, unsaved, after an attempt that is counted; False when there were enough of them."""
    if row.attempts >= current().attempts:
        return False
    row.next_try = timezone.now() + pause(row.attempts, error)
    row.last_error = storable(reason)
    return True


def hold_back(waiting: Waiting, until: datetime, reason: str) -> int:
    """What is due and nobody's waits until then. It counts as a try, so that pauses grow; but it ends none.

    So what hangs for everybody holds a worker now and then, and not for as long as there are rows.
    """
    counted = Least(F("attempts") + 1, current().attempts - 1, output_field=IntegerField())
    said = {"next_try": until, "last_error": storable(reason), "attempts": counted}
    return int(persistently(lambda: waiting.due(timezone.now()).filter(claim="").update(**said)))


def anew() -> dict[str, Any]:
    """What a row has that is due now and was never tried."""
    return {"attempts": 0, "next_try": timezone.now(), "last_error": "", "claim": "", "claimed_until": None}


def pause(attempts: int, error: Exception | None = None) -> timedelta:
    """What the source asked for, else twice as long each time; an hour at most."""
    asked = error.delay if isinstance(error, TransientError) else None
    if asked is None or not asked >= 0:  # NaN is not
        asked = current().retry_seconds * 2 ** min(attempts - 1, 12)
    return timedelta(seconds=min(asked, LONGEST_PAUSE))
