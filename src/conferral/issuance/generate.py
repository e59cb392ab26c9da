"""Generation: artifacts that are due are claimed in batches, made, stored and recorded."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import PurePath
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from conferral import plugins, storage
from conferral.assets import AssetReader
from conferral.contract import Artifact, Generator, PermanentError, TransientError
from conferral.contract.options import parse
from conferral.issuance import lease
from conferral.issuance.lease import Lease
from conferral.issuance.snapshot import request_for
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Edition
from conferral.settings import current

logger = logging.getLogger(__name__)

State = CredentialArtifact.State
LONGEST_PAUSE = timedelta(hours=1)
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
    "next_try",
    "claim",
    "claimed_until",
    "last_error",
)


@dataclass(frozen=True, slots=True)
class Station:
    """A slot's generator, prepared with the options and assets of one edition."""

    generator: Generator[Any]
    prepared: Any


def generate(
    configuration: CredentialConfiguration | None = None, *, progressed: Callable[[int], None] | None = None
) -> int:
    """Makes every artifact that is due (of one configuration, if given), and returns how many it worked on.

    An artifact that cannot be made is failed or tried again later; the others go on.
    """
    scope = CredentialArtifact.objects.filter(state=State.PENDING)
    if configuration:
        scope = scope.filter(credential__configuration=configuration)
    _release_abandoned(scope)
    # A station is kept for the batches of this call, never across threads: prepared templates are not shared.
    station = lru_cache(maxsize=8)(_prepare)
    done = 0
    while True:
        token = lease.new_token()
        batch = _claim(scope, token)
        if batch is None:
            return done
        with Lease(partial(_renew, token)):
            _work(batch, token, station)
        done += len(batch)
        if progressed:
            progressed(len(batch))


def due(configuration: CredentialConfiguration) -> int:
    """How many artifacts of a configuration wait to be made now."""
    return (
        CredentialArtifact.objects.filter(state=State.PENDING, credential__configuration=configuration)
        .due(timezone.now())
        .count()
    )


def _release_abandoned(scope: QuerySet[CredentialArtifact]) -> None:
    """Claims whose process is gone are due again at once."""
    claims = scope.filter(claimed_until__gt=timezone.now()).order_by().values_list("claim", flat=True).distinct()
    for claim in list(claims):
        if lease.holder_is_gone(claim):
            CredentialArtifact.objects.filter(claim=claim).update(claimed_until=None)


def _claim(scope: Any, token: str) -> list[CredentialArtifact] | None:
    """A batch of one edition's slot, claimed; empty when others were faster, None when nothing is due."""
    now = timezone.now()
    waiting = scope.due(now)
    first = waiting.order_by("next_try", "pk").values_list("edition_id", "slot").first()
    if first is None:
        return None
    alike = waiting.filter(edition_id=first[0], slot=first[1]).order_by("pk")
    ids = list(alike.values_list("pk", flat=True)[: current().batch_size])
    claimed = CredentialArtifact.objects.filter(pk__in=ids, state=State.PENDING).due(now)
    claimed.update(claim=token, claimed_until=lease.until(), attempts=F("attempts") + 1)
    mine = CredentialArtifact.objects.filter(claim=token).select_related("credential")
    return list(mine.order_by("pk"))


def _renew(token: str) -> int:
    return CredentialArtifact.objects.filter(claim=token).update(claimed_until=lease.until())


def _prepare(edition_id: int, slot: str) -> tuple[dict[str, Any], Station]:
    edition = Edition.objects.get(pk=edition_id)
    declared = edition.content["generators"][slot]
    generator = plugins.generator(declared["generator"])
    options = parse(generator.Options, declared["options"], f"generators.{slot}.options")
    versions = {one.asset.slug: one.asset for one in edition.assets.select_related("asset")}
    return edition.content, Station(generator, generator.prepare(options, AssetReader(versions)))


def _work(
    batch: Sequence[CredentialArtifact],
    token: str,
    station: Callable[[int, str], tuple[dict[str, Any], Station]],
) -> None:
    extra: dict[int, list[CredentialArtifact]] = {}
    for row in batch:
        try:
            edition, made_by = station(row.edition_id, row.slot)
            extra[row.pk] = _make(row, edition, made_by)
        except TransientError as error:
            _try_again(row, error)
        except Exception as error:
            _fail(row, error)
        row.claim, row.claimed_until = "", None
    _record(batch, token, extra)


def _make(row: CredentialArtifact, edition: dict[str, Any], station: Station) -> list[CredentialArtifact]:
    """Makes and stores the row's artifact; returns the rows of any further files that the generator made."""
    credential = row.credential
    if row.attempts > current().attempts:
        raise PermanentError(f"given up: the worker stopped {row.attempts - 1} times while making it")
    if not credential.recipient_name:
        raise PermanentError("the learner has no name; add it where the learner's account is kept")
    made = station.generator.generate(station.prepared, request_for(credential, edition, row.slot))
    if not made:
        raise PermanentError("the generator made nothing")
    with storage.provisional() as files:
        results = [_stored(artifact, row.slot) for artifact in made]
        files.keep()
    further = [
        CredentialArtifact(credential=credential, edition_id=row.edition_id, slot=row.slot, required=row.required)
        for _ in made[1:]
    ]
    for each, result in zip((row, *further), results, strict=True):
        for name, value in result.items():
            setattr(each, name, value)
        each.generator_version = station.generator.version
        each.state, each.next_try, each.last_error = State.STORED, None, ""
    return further


def _stored(artifact: Artifact, slot: str) -> dict[str, Any]:
    """Puts the artifact away; what its row says of it."""
    _check(artifact, slot)
    result: dict[str, Any] = {
        "filename": artifact.filename,
        "media_type": artifact.media_type,
        "url": artifact.url,
        "receipt": dict(artifact.receipt),
        "problems": list(artifact.problems),
    }
    if artifact.content is not None:
        result["storage_name"] = storage.put(
            artifact.content,
            folder="credentials",
            suffix=PurePath(artifact.filename).suffix,
            media_type=artifact.media_type,
        )
        result["size"], result["sha256"] = len(artifact.content), storage.digest(artifact.content)
    return result


def _check(artifact: Artifact, slot: str) -> None:
    """Refuses what the row could not hold, before anything is put away."""
    name = artifact.filename
    if PurePath(name).name != name or not re.fullmatch(rf"{re.escape(slot)}([.-].*)?", name):
        # The slots of a credential share one address, so their files are told apart by their names.
        raise PermanentError(f"the generator named a file {name!r}; it has to be {slot}.…, or begin with {slot}-")
    for attribute in ("filename", "media_type", "url"):
        field: Any = CredentialArtifact._meta.get_field(attribute)  # noqa: SLF001 - Django documents this name
        try:
            field.clean(getattr(artifact, attribute), None)
        except ValidationError as error:
            said = " ".join(error.messages)
            raise PermanentError(f"the generator made something that cannot be recorded: {attribute}: {said}") from None


def _try_again(row: CredentialArtifact, error: TransientError) -> None:
    if row.attempts >= current().attempts:
        _fail(row, PermanentError(f"given up after {row.attempts} tries: {error}"))
        return
    pause = timedelta(seconds=error.delay or current().retry_seconds * 2 ** (row.attempts - 1))
    row.next_try = timezone.now() + min(pause, LONGEST_PAUSE)
    row.last_error = str(error)


def _fail(row: CredentialArtifact, error: Exception) -> None:
    row.state, row.next_try = State.FAILED, None
    row.last_error = str(error)
    if not isinstance(error, PermanentError):
        logger.error("artifact %s (%s) could not be made", row.pk, row.slot, exc_info=error)
        row.last_error = f"the generator raised {error!r}"


def _record(batch: Sequence[CredentialArtifact], token: str, extra: dict[int, list[CredentialArtifact]]) -> None:
    """Writes the results of the rows that are still ours, and moves their credentials on."""
    with transaction.atomic():
        ours = set(CredentialArtifact.objects.filter(claim=token).values_list("pk", flat=True))
        kept = [row for row in batch if row.pk in ours]
        _write(kept, token)
        further = [row for pk, rows in extra.items() if pk in ours for row in rows]
        CredentialArtifact.objects.bulk_create(further)
        _move_on([row.credential_id for row in kept])
    for row in batch:
        if row.pk not in ours:  # the lease was lost and somebody else makes it: ours is superfluous
            for each in (row, *extra.get(row.pk, ())):
                if each.storage_name:
                    storage.remove(each.storage_name)


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
