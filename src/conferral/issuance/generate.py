"""Generation: artifacts that are due are claimed in batches, made, stored and recorded."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from conferral import storage
from conferral.contract import ConferralError, OptionsError, PermanentError, TransientError
from conferral.contract.text import storable
from conferral.issuance import lease
from conferral.issuance.lease import Lease
from conferral.issuance.make import Station, make, prepare
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration
from conferral.plugins import PluginError
from conferral.settings import current

logger = logging.getLogger(__name__)

State = CredentialArtifact.State
LONGEST_PAUSE = 3600
"""Seconds."""
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
    scope = _waiting(configuration)
    _release_abandoned(scope)
    # A station is kept for the batches of this call, never across threads: prepared templates are not shared.
    station: Prepare = lru_cache(maxsize=8)(prepare)
    done = 0
    while True:
        token = lease.new_token()
        batch = _claim(scope, token)
        if batch is None:
            return done
        if batch:
            with Lease(partial(_renew, token)), storage.provisional() as files:
                _work(batch, token, station)
                files.keep()
        done += len(batch)
        if progressed:
            progressed(len(batch))


def due(configuration: CredentialConfiguration | None = None) -> int:
    """How many artifacts (of one configuration, if given) wait to be made now."""
    return int(_waiting(configuration).due(timezone.now()).count())


def _waiting(configuration: CredentialConfiguration | None) -> Any:
    of = {"credential__configuration": configuration} if configuration else {}
    return CredentialArtifact.objects.filter(state=State.PENDING, **of)


def _release_abandoned(scope: QuerySet[CredentialArtifact]) -> None:
    """Claims whose process is gone are due again at once."""
    claims = scope.filter(claimed_until__gt=timezone.now()).order_by().values_list("claim", flat=True).distinct()
    for claim in list(claims):
        if lease.holder_is_gone(claim):
            CredentialArtifact.objects.filter(claim=claim).update(claimed_until=None)


def _claim(scope: Any, token: str) -> list[CredentialArtifact] | None:
    """A batch of one edition's slot, claimed; empty when others were faster, None when nothing is due.

    A row that still names an earlier holder was under way when its worker stopped. It is claimed alone, and the stop
    counts as an attempt: so work that stops its worker each time takes no neighbour with it, and comes to an end.
    """
    now = timezone.now()
    waiting = scope.due(now)
    first = waiting.order_by("next_try", "pk").first()
    if first is None:
        return None
    taken: dict[str, Any] = {"claim": token, "claimed_until": lease.until()}
    if first.claim:
        ids = [first.pk]
        taken["attempts"] = F("attempts") + 1
    else:
        alike = waiting.filter(edition_id=first.edition_id, slot=first.slot, claim="").order_by("pk")
        ids = list(alike.values_list("pk", flat=True)[: current().batch_size])
    CredentialArtifact.objects.filter(pk__in=ids, state=State.PENDING).due(now).update(**taken)
    mine = CredentialArtifact.objects.filter(claim=token).select_related("credential")
    return list(mine.order_by("pk"))


def _renew(token: str) -> int:
    return CredentialArtifact.objects.filter(claim=token).update(claimed_until=lease.until())


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
        if row.attempts < current().attempts:
            row.next_try = timezone.now() + _pause(row.attempts, error)
            row.last_error = storable(reason)
            return
        reason = f"given up after {row.attempts} tries: {reason}"
    elif not isinstance(error, ConferralError):
        logger.error("artifact %s (%s) could not be made", row.pk, row.slot, exc_info=error)
    row.state, row.next_try, row.last_error = State.FAILED, None, storable(reason)


def _pause(attempts: int, error: Exception) -> timedelta:
    """What the source asked for, else twice as long each time; an hour at most."""
    asked = error.delay if isinstance(error, TransientError) else None
    if asked is None or not asked >= 0:  # NaN is not
        asked = current().retry_seconds * 2 ** min(attempts - 1, 12)
    return timedelta(seconds=min(asked, LONGEST_PAUSE))


def _record(batch: Sequence[CredentialArtifact], token: str, further: dict[int, list[CredentialArtifact]]) -> None:
    """Writes the results of the rows that are still ours, and moves their credentials on."""
    with transaction.atomic():
        # The credentials first: of two workers that finish two slots of one, the second sees what the first wrote.
        credentials = Credential.objects.select_for_update().filter(pk__in=[row.credential_id for row in batch])
        list(credentials.order_by("pk").values_list("pk"))
        locked = CredentialArtifact.objects.select_for_update().filter(claim=token)
        ours = set(locked.values_list("pk", flat=True))
        kept = [row for row in batch if row.pk in ours]
        _write(kept, token)
        CredentialArtifact.objects.bulk_create(row for pk in further if pk in ours for row in further[pk])
        _move_on([row.credential_id for row in kept])
    for row in batch:
        if row.pk not in ours:  # the lease was lost and somebody else makes it: ours is superfluous
            for each in (row, *further.get(row.pk, ())):
                if each.storage_name:
                    storage.discard(each.storage_name)


def _write(rows: Sequence[CredentialArtifact], token: str) -> None:
    """Writes the rows' results in two statements: what differs by row, and what all of them share, as most do."""
    columns = {field: [getattr(row, field) for row in rows] for field in RESULT_FIELDS}
    shared = {field: each[0] for field, each in columns.items() if each and each.count(each[0]) == len(each)}
    held = CredentialArtifact.objects.filter(claim=token)
    if differing := [field for field in RESULT_FIELDS if field not in shared]:
        held.bulk_update(rows, differing)
    held.update(**shared)


def _move_on(credentials: Sequence[int]) -> None:
    """Pending credentials become available with their last required artifact, failed with the first that failed."""
    pending = Credential.objects.filter(pk__in=credentials, state=Credential.State.PENDING)
    required = CredentialArtifact.objects.filter(credential_id__in=credentials, required=True)
    failed = required.filter(state=State.FAILED).values("credential_id")
    pending.filter(pk__in=failed).update(state=Credential.State.FAILED)
    unfinished = required.exclude(state=State.STORED).values("credential_id")
    pending.exclude(pk__in=unfinished).update(state=Credential.State.AVAILABLE)
