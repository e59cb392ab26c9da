"""Generation: artifacts that are due are claimed in batches, made, stored and recorded."""

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, JSONField, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.utils import timezone

from conferral import storage
from conferral.contract import ConferralError, OptionsError, PermanentError, TransientError
from conferral.contract.text import storable
from conferral.issuance import deliver, lease, work
from conferral.issuance.lease import Lease
from conferral.issuance.make import Station, make, prepare
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration
from conferral.plugins import PluginError
from conferral.settings import current

logger = logging.getLogger(__name__)

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
    while (count := _batch(waiting, station)) is not None:
        done += count
        if progressed:
            progressed(count)
    return done


def generate_batch() -> bool:
    """Makes one batch of what is due; whether there may be more."""
    return _batch(waiting_artifacts(), prepare) is not None


def due(configuration: CredentialConfiguration | None = None) -> int:
    """How many artifacts (of one configuration, if given) wait to be made now."""
    return int(waiting_artifacts(configuration).due(timezone.now()).count())


def waiting_artifacts(configuration: CredentialConfiguration | None = None) -> work.Waiting:
    """Those to be made (of one configuration, if given), now or later, by whoever."""
    of = {"credential__configuration": configuration} if configuration else {}
    return CredentialArtifact.objects.filter(state=State.PENDING, **of)


def _batch(waiting: work.Waiting, station: Prepare) -> int | None:
    """Claims and makes a batch; how many there were, None when nothing was due."""
    token = lease.new_token()
    claimed = work.claim_alike(waiting, token, current().batch_size, _of_one_station)
    if claimed is None:
        return None
    if batch := list(claimed.select_related("credential")):
        with Lease(partial(work.renew, CredentialArtifact.objects, token)), storage.provisional() as files:
            _work(batch, token, station)
            files.keep()
    return len(batch)


def _of_one_station(first: CredentialArtifact, due: work.Waiting) -> work.Waiting:
    return due.filter(edition_id=first.edition_id, slot=first.slot)


def _work(batch: Sequence[CredentialArtifact], token: str, station: Prepare) -> None:
    """Makes the rows of a batch, which share one station, and records what became of each."""
    further: dict[int, list[CredentialArtifact]] = {}
    try:
        made_at = station(batch[0].edition_id, batch[0].slot)
    except (PermanentError, OptionsError) as error:
        for row in batch:
            _settle(row, error)
    except Exception as error:  # no learner's fault, and the same for all of them: it is mended, and they are made
        logger.exception("slot %s could not be prepared", batch[0].slot)
        for row in batch:
            _settle(row, error, passing=True)
    else:
        for row in batch:
            try:
                further[row.pk] = make(row, made_at, most_attempts=current().attempts)
            except Exception as error:  # a plugin's mistake is that artifact's failure, never the batch's
                _settle(row, error)
    for row in batch:
        row.claim, row.claimed_until = "", None
    _record(batch, token, further)


def _settle(row: CredentialArtifact, error: Exception, *, passing: bool = False) -> None:
    """Failed, with a reason that a person understands; or tried again later, as long as that makes sense.

    Networks, disks and storages come back, a missing plugin comes back with its package: those pass.
    """
    reason = str(error) if isinstance(error, ConferralError) else f"the generator raised {error!r}"
    if passing or isinstance(error, TransientError | PluginError | OSError | MemoryError):
        row.attempts += 1
        if work.put_off(row, error, reason):
            return
        reason = f"given up after {row.attempts} tries: {reason}"
    elif not isinstance(error, ConferralError):
        logger.error("artifact %s (%s) could not be made", row.pk, row.slot, exc_info=error)
    row.state, row.next_try, row.last_error = State.FAILED, None, storable(reason)


def _record(batch: Sequence[CredentialArtifact], token: str, further: dict[int, list[CredentialArtifact]]) -> None:
    """Writes the results of the rows that are still ours, and moves their credentials on."""
    with transaction.atomic():
        # The credentials first: of two workers that finish two slots of one, the second sees what the first wrote.
        locked = Credential.objects.select_for_update().filter(pk__in=[row.credential_id for row in batch])
        credentials = list(locked.order_by("pk").only("state", "notify", "supersedes"))
        siblings = CredentialArtifact.objects.select_for_update().filter(credential__in=credentials)
        there = list(siblings.order_by("pk").values_list("pk", "claim", "credential_id", "required", "state"))
        ours = {pk for pk, claim, *_ in there if claim == token}
        kept = [row for row in batch if row.pk in ours]
        _write(kept, token)
        CredentialArtifact.objects.bulk_create(row for pk in further if pk in ours for row in further[pk])
        others = [(credential, state) for pk, _, credential, required, state in there if required and pk not in ours]
        _move_on(credentials, [*others, *((row.credential_id, row.state) for row in kept if row.required)])
    for row in batch:
        if row.pk not in ours:  # the lease was lost and somebody else makes it: ours is superfluous
            for each in (row, *further.get(row.pk, ())):
                if each.storage_name:
                    storage.discard(each.storage_name)


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
    return RawSQL(  # noqa: S611 - our own words; every value is a parameter
        f"CAST(CASE {key} {cases_in_words} END AS {field.cast_db_type(connection)})",
        [part for pair in zip(ids, prepared, strict=True) for part in pair],
    )


def _move_on(credentials: Sequence[Credential], required: Sequence[tuple[int, str]]) -> None:
    """Pending credentials become available with their last required artifact, failed with the first that failed.

    `required` has the state of each required artifact, by credential. Those that became available are in the outbox.
    """
    failed = {credential for credential, state in required if state == State.FAILED}
    unfinished = {credential for credential, state in required if state != State.STORED}
    pending = [one for one in credentials if one.state == Credential.State.PENDING]
    available = [one for one in pending if one.pk not in unfinished]
    deliver.enqueue(available)
    for state, these in (
        (Credential.State.AVAILABLE, [one.pk for one in available]),
        (Credential.State.FAILED, [one.pk for one in pending if one.pk in failed]),
    ):
        if these:
            Credential.objects.filter(pk__in=these).update(state=state)
