"""Withdrawal of files: what was revoked or replaced is moved to where no link leads that was given out before.

Our own address refuses from the moment of the revocation. Links of a bucket live some minutes longer than that: so the
object goes. The row says what is to be done: it is stored, and has a next try.
"""

import logging
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from conferral import storage
from conferral.contract.text import storable
from conferral.issuance import lease, work
from conferral.issuance.lease import Lease
from conferral.models import Credential, CredentialArtifact
from conferral.settings import current

logger = logging.getLogger(__name__)

State = CredentialArtifact.State


def enqueue(credential: Credential) -> None:
    """Its files are to be moved; within the transaction that revokes or replaces it."""
    enqueue_all([credential.pk])


def enqueue_all(credentials: Collection[int]) -> None:
    """The same for many, by their keys."""
    stored = CredentialArtifact.objects.filter(credential__in=credentials, state=State.STORED).exclude(storage_name="")
    stored.update(next_try=timezone.now(), attempts=0, last_error="", claim="", claimed_until=None)


def withdraw() -> int:
    """Moves every file that is to be moved and due, and returns how many it worked on.

    One that cannot be moved now is tried again, with growing pauses, until it can.
    """
    done = 0
    while (count := _batch()) is not None:
        done += count
    return done


def withdraw_batch() -> bool:
    """Moves a batch of them; whether there may be more."""
    return _batch() is not None


def due() -> int:
    """How many files wait to be moved now."""
    return int(waiting_files().due(timezone.now()).count())


def waiting_files() -> work.Waiting:
    """Those to be moved, now or later, by whoever."""
    return CredentialArtifact.objects.filter(state=State.STORED, next_try__isnull=False)


def _batch() -> int | None:
    token = lease.new_token()
    claimed = work.claim(waiting_files(), token, current().batch_size, state=State.STORED)
    if claimed is None:
        return None
    if batch := list(claimed):
        with Lease(partial(work.renew, CredentialArtifact.objects, token)):
            _work(batch, token)
    return len(batch)


def _work(batch: Sequence[CredentialArtifact], token: str) -> None:
    patience = work.Patience()
    rows = list(batch)
    while rows:
        some, rows = rows[: storage.at_once()], rows[storage.at_once() :]
        calls = [partial(storage.withdraw, row.storage_name, row.media_type) for row in some]
        with patience:
            outcomes = storage.side_by_side(calls)
        for row, outcome in zip(some, outcomes, strict=True):
            _record(row, token, outcome)
        trouble = next((each for each in outcomes if isinstance(each, storage.Unavailable)), None)
        if patience.lost_on(trouble):
            for row in rows:
                _record(row, token, trouble)
            return


def _record(row: CredentialArtifact, token: str, outcome: str | Exception | None) -> None:
    """Writes what became of one file, if it is still what the row names, and still ours to move."""
    done: dict[str, Any] = {"claim": "", "claimed_until": None}
    if isinstance(outcome, str):
        done |= {"storage_name": outcome, "next_try": None, "attempts": 0, "last_error": ""}
    elif isinstance(outcome, storage.Lost):  # there is nothing to move, and nothing that a link could lead to
        done |= {"next_try": None, "last_error": str(outcome)}
    else:
        error = outcome or RuntimeError()
        if not isinstance(error, storage.Unavailable):
            logger.error("the file %s could not be withdrawn", row.storage_name, exc_info=error)
        attempts = row.attempts + 1
        done |= {"attempts": attempts, "next_try": timezone.now() + work.pause(attempts, error)}
        done |= {"last_error": storable(f"withdrawn, but not moved yet: {error}")}
    with transaction.atomic():
        # Whoever retires the learner holds the credential while reading which files to remove.
        Credential.objects.select_for_update().get(pk=row.credential_id)
        ours = CredentialArtifact.objects.filter(pk=row.pk, storage_name=row.storage_name)
        written = ours.filter(claim=token).update(**done)
        forgotten = not written and not ours.exists()
    if forgotten and isinstance(outcome, str) and not CredentialArtifact.objects.filter(storage_name=outcome).exists():
        storage.discard(outcome)
