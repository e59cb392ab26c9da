"""Withdrawal: files of what was revoked or replaced are moved to where no link leads that was given out before.

Our own address refuses from the moment of the revocation. Links of a bucket live some minutes longer than that: so the
object goes. And what a generator made elsewhere is withdrawn there, by the generator. The row says what is to be done:
it is stored, and has a next try.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from conferral import journal, plugins, storage
from conferral.contract import Artifact, ConferralError, Phrase, TransientError
from conferral.contract.options import parse
from conferral.contract.text import storable
from conferral.issuance import lease, work
from conferral.issuance.lease import Lease
from conferral.issuance.limit import limited
from conferral.models import Credential, CredentialArtifact
from conferral.settings import current

logger = logging.getLogger(__name__)

State = CredentialArtifact.State
HELD_UP = Phrase("others took too long")


def enqueue(credential: Credential) -> None:
    """All that was made of it is to be withdrawn; within the transaction that revokes or replaces it."""
    enqueue_all([credential.pk])


def enqueue_all(credentials: Collection[int]) -> None:
    """The same for many, by their keys."""
    if not credentials:
        return
    stored = CredentialArtifact.objects.filter(credential__in=credentials, state=State.STORED)
    found = [row.pk for row in stored.only("storage_name", "url", "receipt") if row.storage_name or _is_elsewhere(row)]
    CredentialArtifact.objects.filter(pk__in=found).update(**work.anew())


def remotely(rows: Iterable[CredentialArtifact]) -> None:
    """Has the generators withdraw what they made elsewhere; a ConferralError when one cannot. Files are ours alone."""
    for row in rows:
        if row.state == State.STORED and _is_elsewhere(row):
            declared = row.edition.content["generators"][row.slot]
            generator = plugins.generator(declared["generator"])
            options = parse(generator.Options, declared["options"], f"generators.{row.slot}.options")
            made = Artifact(row.filename, row.media_type, url=row.url, receipt=row.receipt)
            limit = limited(current().plugin_seconds, f"withdrawing {row.slot}")
            with plugins.blamed(plugins.GENERATORS, declared["generator"]), limit:
                generator.revoke(options, [made])


def _is_elsewhere(row: CredentialArtifact) -> bool:
    return bool(row.url or row.receipt)


def withdraw() -> int:
    """Withdraws all that is to be withdrawn and due, and returns how many rows it worked on.

    What cannot be withdrawn now is tried again, with growing pauses, until it can.
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
    if batch := list(claimed.select_related("credential", "edition")):
        with Lease(partial(work.renew, CredentialArtifact.objects, token)):
            _work(batch, token)
    return len(batch)


def _work(batch: Sequence[CredentialArtifact], token: str) -> None:
    patience, elsewhere = work.patience_with_storage(), _Elsewhere()
    rows = list(batch)
    while rows:
        some, rows = rows[: storage.at_once()], rows[storage.at_once() :]
        calls = [partial(_move, row) for row in some]
        with patience:
            outcomes = storage.side_by_side(calls)
        for row, outcome in zip(some, outcomes, strict=True):
            _record(row, token, outcome, elsewhere.trouble_with(row))
        trouble = next((each for each in outcomes if isinstance(each, storage.Unavailable)), None)
        if patience.lost_on(trouble):
            for row in rows:
                _record(row, token, trouble)
            return


def _move(row: CredentialArtifact) -> str:
    return storage.withdraw(row.storage_name, row.media_type) if row.storage_name else ""


class _Elsewhere:
    """Withdraws elsewhere, as long as a batch has patience with it: then it is not asked, and files are moved alone."""

    def __init__(self) -> None:
        self._patience, self._lost = work.patience_with_plugin(), False

    def trouble_with(self, row: CredentialArtifact) -> Exception | None:
        """Why what was made of the row is not withdrawn elsewhere yet."""
        if self._lost and _is_elsewhere(row):
            return TransientError(HELD_UP)
        try:
            with self._patience:
                remotely([row])
        except Exception as error:  # other people's code: it is tried again, as a file is
            self._lost = self._patience.lost_on(error)
            return error
        return None


def _record(
    row: CredentialArtifact, token: str, outcome: str | Exception | None, elsewhere: Exception | None = None
) -> None:
    """Writes what became of one row, if its file is still what it names, and still ours to move."""
    done: dict[str, Any] = {"claim": "", "claimed_until": None}
    if isinstance(outcome, str):
        done |= {"storage_name": outcome, "next_try": None, "attempts": 0, "last_error": ""}
    elif isinstance(outcome, storage.Lost):  # there is nothing to move, and nothing that a link could lead to
        done |= {"next_try": None, "last_error": str(outcome)}
    else:
        done |= _later(row, outcome or RuntimeError(), Phrase("withdrawn, but not moved yet"))
    if elsewhere:
        done |= _later(row, elsewhere, Phrase("withdrawn here, but not elsewhere yet"))
    with transaction.atomic():
        # Whoever retires the learner holds the credential while reading which files to remove.
        Credential.objects.select_for_update().get(pk=row.credential_id)
        ours = CredentialArtifact.objects.filter(pk=row.pk, storage_name=row.storage_name)
        written = ours.filter(claim=token).update(**done)
        forgotten = not written and not ours.exists()
    if (
        forgotten
        and isinstance(outcome, str)
        and outcome
        and not CredentialArtifact.objects.filter(storage_name=outcome).exists()
    ):
        storage.discard(outcome)


def _later(row: CredentialArtifact, error: Exception, what: str) -> dict[str, Any]:
    about = {"artifact": row.pk, "credential": row.credential_id, "run": row.credential.run_id}
    if not isinstance(error, ConferralError):
        journal.breakdown(logger, what, error, **about)
    attempts = row.attempts + 1
    journal.event(logger, what, level=logging.WARNING, **about, attempts=attempts, why=type(error).__name__)
    said = str(error) if isinstance(error, ConferralError) else repr(error)
    next_try = timezone.now() + work.pause(attempts, error)
    return {"attempts": attempts, "next_try": next_try, "last_error": storable(f"{what}: {said}")}
