"""Making one artifact: the generator prepared, its answer checked, the file put away."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePath
from typing import Any

from django.core.exceptions import ValidationError

from conferral import plugins, storage
from conferral.assets import AssetReader
from conferral.contract import Artifact, GenerationRequest, Generator, PermanentError
from conferral.contract.options import parse
from conferral.contract.text import check_storable, is_visible
from conferral.fingerprint import fingerprint
from conferral.issuance import lease
from conferral.issuance.limit import limited, within
from conferral.issuance.snapshot import request_for
from conferral.models import CredentialArtifact, Edition
from conferral.settings import current

State = CredentialArtifact.State


@dataclass(frozen=True, slots=True)
class Station:
    """A slot's generator, prepared with the options and assets of one edition; for one thread at a time."""

    edition: dict[str, Any]
    generator: Generator[Any]
    prepared: Any


def prepare(edition_id: int, slot: str) -> Station:
    """The station of one slot of one edition."""
    edition = Edition.objects.get(pk=edition_id)
    declared = edition.content["generators"][slot]
    generator = plugins.generator(declared["generator"])
    options = parse(generator.Options, declared["options"], f"generators.{slot}.options")
    versions = {one.asset.slug: one.asset for one in edition.assets.select_related("asset")}
    return Station(edition.content, generator, generator.prepare(options, AssetReader(versions)))


def place_of(artifact_id: int, claim: str) -> str:
    """What the names of the artifact's files begin with that the holder of that claim puts away.

    Whoever takes over finds by it what a killed one left. A claim has one folder: on local disks to make a folder for
    each file costs as much as to write the file. Nobody can guess a name from another one in the same folder.
    """
    secret = lease.secret_of(claim)
    folder = storage.spread("credentials", sha256(secret.encode()).hexdigest()[:32])
    return f"{folder}/{sha256(f'{secret}:{artifact_id}'.encode()).hexdigest()[:32]}"


def make(row: CredentialArtifact, station: Station, *, most_attempts: int) -> list[Artifact]:
    """Makes the row's artifact, and any further files that the generator makes of it; nothing is stored yet."""
    credential = row.credential
    if row.attempts >= most_attempts:
        raise PermanentError("given up: the worker stopped %(attempts)s times while making it", attempts=row.attempts)
    if credential.revoked or credential.current is None:
        raise PermanentError("it was revoked or replaced before it was made")
    if not is_visible(credential.recipient_name):
        raise PermanentError("the learner has no name; add it where the learner's account is kept")
    request = request_for(credential, station.edition, row.slot)
    with limited(current().plugin_seconds, f"making {row.slot}"):
        made = list(station.generator.generate(station.prepared, request))
    check(made, row.slot, station.generator.version)
    return made


def draft(generator: Generator[Any], prepared: Any, request: GenerationRequest) -> list[Artifact]:
    """What the generator makes for a person who waits for it; it may hang without holding up anybody else."""
    return within(
        current().plugin_seconds, f"making {request.slot}", lambda: list(generator.generate(prepared, request))
    )


def put_away(row: CredentialArtifact, made: Sequence[Artifact]) -> list[dict[str, Any]]:
    """Stores what was made for the row; what is to be recorded of each file. When it raises, nothing is stored.

    It asks nothing of the database: it may run in a thread of its own.
    """
    if row.storage_name:  # what an earlier try may have left; as long as it cannot be removed, no more is added
        storage.remove(row.storage_name)
    with storage.provisional() as files:
        place = place_of(row.pk, row.claim)
        results = [
            _stored(artifact, f"{place}-{row.slot}{f'-{number}' if number > 1 else ''}")
            for number, artifact in enumerate(made, 1)
        ]
        files.keep()
    return results


def fill_in(row: CredentialArtifact, results: Sequence[dict[str, Any]], version: str) -> list[CredentialArtifact]:
    """Writes into the row, unsaved, what was stored; returns the rows of the further files."""
    row.storage_name = ""
    further = [
        CredentialArtifact(credential=row.credential, edition_id=row.edition_id, slot=row.slot, required=row.required)
        for _ in results[1:]
    ]
    done = {"state": State.STORED, "next_try": None, "last_error": "", "generator_version": version}
    for each, result in zip((row, *further), results, strict=True):
        for name, value in (result | done).items():
            setattr(each, name, value)
    return further


def check(made: Sequence[Artifact], slot: str, version: str) -> None:
    """A PermanentError for what could not be recorded or told apart: asked before anything is put away."""
    if not made:
        raise PermanentError("the generator made nothing")
    for artifact in made:
        name = artifact.filename
        if PurePath(name).name != name or not re.fullmatch(rf"{re.escape(slot)}([.-].*)?", name):
            # The slots of a credential share one address, so their files are told apart by their names.
            raise PermanentError(
                "the generator named a file %(name)r; it has to be %(slot)s.…, or begin with %(slot)s-",
                name=name,
                slot=slot,
            )
        if (artifact.content is None) == (not artifact.url):
            raise PermanentError("the generator made %(name)r with neither or both of content and address", name=name)
        try:
            said = json.dumps([dict(artifact.receipt), list(artifact.problems)], allow_nan=False, ensure_ascii=False)
            check_storable(said.replace("\\u0000", "\0"))
        except (TypeError, ValueError) as error:
            raise PermanentError(
                "the generator's receipt or problems cannot be recorded: %(error)s", error=error
            ) from None
        if not re.fullmatch(r"[\w.+-]+/[\w.+-]+(; ?[\w.=+-]+)*", artifact.media_type, re.ASCII) and artifact.content:
            raise PermanentError(
                "the generator gave %(name)r a media type that is none: %(media_type)r",
                name=name,
                media_type=artifact.media_type,
            )
        recorded = {"filename": name, "media_type": artifact.media_type, "url": artifact.url}
        _check_lengths(recorded | {"generator_version": version})
    if len({artifact.filename for artifact in made}) < len(made):
        raise PermanentError("the generator gave two files one name")


def _stored(artifact: Artifact, stem: str) -> dict[str, Any]:
    """Puts the artifact away under that name and its own suffix; what its row says of it."""
    result: dict[str, Any] = {
        "filename": artifact.filename,
        "media_type": artifact.media_type,
        "url": artifact.url,
        "receipt": dict(artifact.receipt),
        "problems": list(artifact.problems),
    }
    if artifact.content is not None:
        name = f"{stem}{PurePath(artifact.filename).suffix}"
        result["storage_name"] = storage.put_at(name, artifact.content, media_type=artifact.media_type)
        result["size"], result["sha256"] = len(artifact.content), fingerprint(artifact.content)
    return result


def _check_lengths(recorded: Mapping[str, str]) -> None:
    for name, value in recorded.items():
        field: Any = CredentialArtifact._meta.get_field(name)  # noqa: SLF001 - Django documents this name
        try:
            field.clean(check_storable(value), None)
        except (ValidationError, ValueError) as error:
            said = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            raise PermanentError(
                "the generator made something that cannot be recorded: %(name)s: %(said)s", name=name, said=said
            ) from None
