"""Generation: artifacts that are due are claimed in batches, made, stored and recorded."""

import logging
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Case, JSONField, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.utils import timezone

from conferral import journal, storage
from conferral.contract import Artifact, ConferralError, OptionsError, PermanentError, Phrase, TransientError
from conferral.contract.text import storable
from conferral.issuance import deliver, lease, withdraw, work
from conferral.issuance.lease import Lease
from conferral.issuance.limit import TookTooLong, limited
from conferral.issuance.make import Station, fill_in, make, place_of, prepare, put_away
from conferral.issuance.persist import persistently
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Learner
from conferral.plugins import PluginError
from conferral.settings import current

logger = logging.getLogger(__name__)
GIVEN_UP = Phrase("given up after %(tries)s tries: %(why)s")
RAISED = Phrase("the generator raised %(error)s")
HELD_UP = Phrase("it waits, for making others took too long: %(why)s")

State = CredentialArtifact.State
RESULT_FIELDS = (
    "state",
    "filename",
    "media_type",
    "storage_name",
    "url",
    "receipt",
    "problems",
    "size",
    "sha256",
    "generator_version",
    "attempts",
    "next_try",
    "claim",
    "claimed_until",
    "last_error",
)
Prepare = Callable[[int, str], Station]
GROWTH = 256 << 20
"""Bytes that a process may grow in one batch: Celery replaces one that is too large, and looks between batches only."""
HANGING_TRIES = 3
"""So many times a design may hang with one learner: each holds up a worker."""


class Batch(NamedTuple):
    """What became of one: how many artifacts were worked on, and how many messages to learners wait since then."""

    artifacts: int = 0
    messages: int = 0


def generate(
    configuration: CredentialConfiguration | None = None, *, progressed: Callable[[int], None] | None = None
) -> int:
    """Makes every artifact that is due (of one configuration, if given), and returns how many it worked on.

    An artifact that cannot be made is failed or tried again later; the others go on.
    """
    waiting = waiting_artifacts(configuration)
    # A station is kept for the batches of this call, never across threads: prepared templates are not shared.
    station: Prepare = lru_cache(maxsize=8)(prepare)
    done = 0
    while (batch := _batch(waiting, station)) is not None:
        done += batch.artifacts
        if progressed:
            progressed(batch.artifacts)
    return done


def generate_batch() -> Batch | None:
    """Makes one batch of what is due; None when nothing was."""
    return _batch(waiting_artifacts(), prepare)


def due(configuration: CredentialConfiguration | None = None) -> int:
    """How many artifacts (of one configuration, if given) wait to be made now."""
    return int(waiting_artifacts(configuration).due(timezone.now()).count())


def waiting_artifacts(configuration: CredentialConfiguration | None = None) -> work.Waiting:
    """Those to be made (of one configuration, if given), now or later, by whoever."""
    of = {"credential__configuration": configuration} if configuration else {}
    return CredentialArtifact.objects.filter(state=State.PENDING, **of)


def _batch(waiting: work.Waiting, station: Prepare) -> Batch | None:
    """Claims and makes a batch; None when nothing was due."""
    token = lease.new_token()
    claimed = work.claim_alike(waiting, token, current().batch_size, alike=("edition_id", "slot"), clean_up=_clean_up)
    if claimed is None:
        return None
    if batch := persistently(lambda: list(claimed.select_related("credential"))):
        with Lease(partial(work.renew, CredentialArtifact.objects, token)):
            return _work(batch, token, station)
    return Batch()  # somebody else was faster


def _clean_up(row: CredentialArtifact) -> None:
    storage.discard_beginning(place_of(row.pk, row.claim))


def _work(batch: Sequence[CredentialArtifact], token: str, station: Prepare) -> Batch:
    """Makes the rows of a batch, which share one station, and records what became of each."""
    with storage.provisional() as files:
        further, left = _make_all(batch, station)
        # From here on they are recorded, or found by their claim by whoever takes over the rows.
        files.keep()
    # From here on it may be done twice, see `persistently`; who records has nothing more to do.
    for row in batch:
        # By its claim is found what it has left: whoever has the row next removes all of that first.
        left_some = row.state == State.PENDING and row.storage_name
        row.claim, row.claimed_until = row.claim if left_some else "", None
    lost, messages = persistently(partial(_record, batch, token, further))
    for row in lost:
        made = [row, *further.get(row.pk, ())]
        _discard(made)
        _take_back(made)
    done = batch[: len(batch) - left]
    states = Counter(row.state for row in done)
    about: dict[str, Any] = {"slot": batch[0].slot, **{state.value: states[state] for state in State}}
    journal.event(logger, "certificates made", **about, **journal.concerned(row.credential for row in done))
    return Batch(len(done), messages)


def _make_all(batch: Sequence[CredentialArtifact], station: Prepare) -> tuple[dict[int, list[CredentialArtifact]], int]:
    """Fills in the rows; the rows of further files by key, and how many at the end were left as they are."""
    further: dict[int, list[CredentialArtifact]] = {}
    try:
        with limited(current().plugin_seconds, f"preparing {batch[0].slot}"):
            made_at = station(batch[0].edition_id, batch[0].slot)
    except (PermanentError, OptionsError) as error:
        for row in batch:
            _settle(row, error)
    except Exception as error:  # no learner's fault, and the same for all of them: it is mended, and they are made
        journal.failure(
            logger, "a design could not be prepared", error, slot=batch[0].slot, edition=batch[0].edition_id
        )
        for row in batch:
            _settle(row, error, passing=True)
    else:
        return further, _make_and_store(batch, made_at, further)
    return further, 0


def _discard(rows: Iterable[CredentialArtifact]) -> None:
    for row in rows:
        if row.storage_name:
            storage.discard(row.storage_name)


def _take_back(rows: Sequence[CredentialArtifact]) -> None:
    """What was made elsewhere meanwhile for somebody who is retired by now, and of which no row will tell.

    Somebody else who has the row makes the same there, and keeps it.
    """
    ended = CredentialArtifact.objects.filter(pk=rows[0].pk, state=State.FAILED, claim="")
    if rows[0].state != State.STORED or not any(row.url or row.receipt for row in rows) or not ended.exists():
        return
    try:
        withdraw.remotely(rows)
    except Exception as error:  # other people's code, and there is nobody left to try it again
        about = {"artifact": rows[0].pk, "credential": rows[0].credential_id}
        journal.breakdown(logger, "made elsewhere for somebody who is retired, and not withdrawn there", error, **about)


def _make_and_store(
    batch: Sequence[CredentialArtifact], station: Station, further: dict[int, list[CredentialArtifact]]
) -> int:
    """As many rows at a time as the storage takes at once. When it hangs, what is left of the batch waits, too.

    When the design hangs, so does whatever else is to be made by it: other designs have the worker. When the process
    has grown too much, what is left stays due, for another one; how many those are.
    """
    making, storing = _Making(station), _Storing(station, further)
    step, most = storage.at_once(), _largest() + GROWTH
    for first in range(0, len(batch), step):
        storing.store(making.make(batch[first : first + step]))
        left = batch[first + step :]
        if trouble := storing.given_up or making.held_up:
            for row in left:
                _settle(row, trouble)
            if making.held_up:
                _hold_back_others(batch, making.held_up)
            return 0
        if left and _largest() > most:
            about = {"slot": batch[0].slot, "left": len(left), "megabytes": _largest() >> 20}
            journal.event(logger, "a batch ends early, for the process has grown", level=logging.WARNING, **about)
            return len(left)
    return 0


class _Making:
    """Makes the rows of a batch, until the design has hung with several: `held_up` is why the others wait then."""

    def __init__(self, station: Station) -> None:
        self.held_up: TransientError | None = None
        self._station, self._patience = station, work.patience_with_plugin()

    def make(self, rows: Iterable[CredentialArtifact]) -> list[tuple[CredentialArtifact, list[Artifact]]]:
        """Those that could be made, with what was; the others are settled."""
        made = []
        for row in rows:
            if self.held_up:
                _settle(row, self.held_up)
                continue
            try:
                with self._patience:
                    made.append((row, make(row, self._station, most_attempts=current().attempts)))
            except Exception as error:  # a plugin's mistake is that artifact's failure, never the batch's
                _settle(row, error)
                if self._patience.lost_on(error):
                    self.held_up = TransientError(HELD_UP % {"why": _reason(error)})
        return made


class _Storing:
    """Puts away what was made, side by side; `given_up` is the trouble of a storage that has failed for too long."""

    def __init__(self, station: Station, further: dict[int, list[CredentialArtifact]]) -> None:
        self.given_up: storage.Unavailable | None = None
        self._version, self._further, self._patience = station.generator.version, further, work.patience_with_storage()

    def store(self, made: Sequence[tuple[CredentialArtifact, list[Artifact]]]) -> None:
        """Fills in the rows, and adds those of further files."""
        with self._patience:
            stored = storage.side_by_side([partial(put_away, row, artifacts) for row, artifacts in made])
        for (row, _), outcome in zip(made, stored, strict=True):
            if isinstance(outcome, Exception):
                if isinstance(outcome, storage.Unavailable) and outcome.left:
                    row.storage_name = outcome.left  # and so the next try finds it
                _settle(row, outcome)
            else:
                self._further[row.pk] = fill_in(row, outcome, self._version)
        trouble = next((each for each in stored if isinstance(each, storage.Unavailable)), None)
        if self._patience.lost_on(trouble):
            self.given_up = trouble


def _hold_back_others(batch: Sequence[CredentialArtifact], held_up: TransientError) -> None:
    """What is to be made by the same design waits as long as the batch does."""
    first, until = batch[0], max((row.next_try for row in batch if row.next_try), default=None)
    if until:
        alike = CredentialArtifact.objects.filter(state=State.PENDING, edition=first.edition_id, slot=first.slot)
        work.hold_back(alike, until, str(held_up))


def _largest() -> int:
    """How many bytes of memory this process has had at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _settle(row: CredentialArtifact, error: Exception, *, passing: bool = False) -> None:
    """Failed, with a reason that a person understands; or tried again later, as long as that makes sense.

    Networks, disks and storages come back, a missing plugin comes back with its package: those pass.
    """
    reason = _reason(error)
    if passing or isinstance(error, TransientError | PluginError | OSError | MemoryError):
        row.attempts += 1
        hangs = isinstance(error, TookTooLong) and row.attempts >= HANGING_TRIES
        if not hangs and work.put_off(row, error, reason):
            _tell(row, "a certificate waits", error)
            return
        reason = GIVEN_UP % {"tries": row.attempts, "why": reason}
    elif not isinstance(error, ConferralError):
        learner = Learner.objects.get(pk=row.credential.learner_id)
        with journal.hiding(row.credential.recipient_name, learner.name, learner.key, learner.email):
            about = {"artifact": row.pk, "credential": row.credential_id, "run": row.credential.run_id}
            journal.failure(logger, "it could not be made", error, **about)
    row.state, row.next_try, row.last_error = State.FAILED, None, storable(reason)
    _tell(row, "a certificate has failed", error)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ConferralError) else RAISED % {"error": repr(error)}


def _tell(row: CredentialArtifact, what: str, error: Exception) -> None:
    """Why is on the row: it may have a name in it."""
    ids = {"artifact": row.pk, "credential": row.credential_id, "run": row.credential.run_id}
    about = {"slot": row.slot, "attempts": row.attempts, "why": type(error).__name__}
    journal.event(logger, what, level=logging.WARNING, **ids, **about)


@transaction.atomic
def _record(
    batch: Sequence[CredentialArtifact], token: str, further: dict[int, list[CredentialArtifact]]
) -> tuple[list[CredentialArtifact], int]:
    """Writes the results of the rows that are still ours, and moves their credentials on.

    Returns the other rows, and how many messages wait since. The others were lost with the lease: somebody else makes
    them, and what we made is superfluous.
    """
    # The credentials first: of two workers that finish two slots of one, the second sees what the first wrote.
    locked = Credential.objects.select_for_update().filter(pk__in=[row.credential_id for row in batch])
    credentials = list(locked.order_by("pk").only("state", "notify", "supersedes", "revoked", "current"))
    siblings = CredentialArtifact.objects.select_for_update().filter(credential__in=credentials)
    asked = ("pk", "claim", "storage_name", "credential_id", "required", "state")
    there = list(siblings.order_by("pk").values_list(*asked))
    ours = {pk for pk, claim, *_ in there if claim == token}
    kept = [row for row in batch if row.pk in ours]
    _write(kept, token)
    for row in (row for pk in further if pk in ours for row in further[pk]):
        row.pk = None  # of a try that was broken off
    CredentialArtifact.objects.bulk_create(row for pk in further if pk in ours for row in further[pk])
    # Revoked or replaced while it was made: then nobody else withdraws it.
    withdraw.enqueue_all([one.pk for one in credentials if one.revoked or one.current is None])
    others = [(credential, state) for pk, _, _, credential, required, state in there if required and pk not in ours]
    messages = _move_on(credentials, [*others, *((row.credential_id, row.state) for row in kept if row.required)])
    # A name that is recorded is ours too: by a try that was committed, of which only the answer was lost.
    recorded = {name for _, _, name, *_ in there if name}
    return [row for row in batch if row.pk not in ours and row.storage_name not in recorded], messages


def _write(rows: Sequence[CredentialArtifact], token: str) -> None:
    """Writes the rows' results in one statement: what all of them share as it is, what differs by row."""
    columns = {name: [getattr(row, name) for row in rows] for name in RESULT_FIELDS}
    ids = [row.pk for row in rows]
    written: dict[str, Any] = {}
    for name, values in columns.items():
        if all(value == values[0] for value in values):
            written |= {name: values[0]} if values else {}
            continue
        field: Any = CredentialArtifact._meta.get_field(name)  # noqa: SLF001 - Django documents this name
        written[name] = _by_row(field, ids, values)
    if written:
        CredentialArtifact.objects.filter(pk__in=ids, claim=token).update(**written)


def _by_row(field: Any, ids: Sequence[int], values: Sequence[Any]) -> Any:
    """The expression that gives each row its own value.

    A value alone does not tell every database of which type it is. Databases differ in how JSON is cast, which Django
    knows; for all other types it takes ten times as long to put the same words together.
    """
    if isinstance(field, JSONField):
        cases = [When(pk=pk, then=Value(value, field)) for pk, value in zip(ids, values, strict=True)]
        return Cast(Case(*cases, output_field=field), field)
    key = connection.ops.quote_name("id")
    prepared = [field.get_db_prep_save(value, connection) for value in values]
    cases_in_words = " ".join(["WHEN %s THEN %s"] * len(ids))
    return RawSQL(  # noqa: S611 - our own words; every value is a parameter  # nosec B611
        f"CAST(CASE {key} {cases_in_words} END AS {field.cast_db_type(connection)})",
        [part for pair in zip(ids, prepared, strict=True) for part in pair],
    )


def _move_on(credentials: Sequence[Credential], required: Sequence[tuple[int, str]]) -> int:
    """Pending credentials become available with their last required artifact, failed with the first that failed.

    `required` has the state of each required artifact, by credential. Those that became available are in the outbox;
    how many of them wait there to be sent.
    """
    failed = {credential for credential, state in required if state == State.FAILED}
    unfinished = {credential for credential, state in required if state != State.STORED}
    pending = [one for one in credentials if one.state == Credential.State.PENDING]
    available = [one for one in pending if one.pk not in unfinished]
    messages = deliver.enqueue(available)
    for state, these in (
        (Credential.State.AVAILABLE, [one.pk for one in available]),
        (Credential.State.FAILED, [one.pk for one in pending if one.pk in failed]),
    ):
        if these:
            Credential.objects.filter(pk__in=these).update(state=state)
    return messages
