"""What a credential page says, to whoever asks with an id."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from conferral.models import Credential, CredentialArtifact
from conferral.models.verification import normalised

State = Credential.State
MOST_ALIKE = 10
"""Files of the same bytes that are looked at: each has its own number on it, so there is one."""
_DIGEST = re.compile("[0-9a-f]{64}")


class Verdict(StrEnum):
    """Mistyped and unknown ids have no credential; one that is being replaced shows nothing of the old one."""

    GENUINE = "genuine"
    CORRECTED = "corrected"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REMOVED = "removed"
    REPLACING = "replacing"
    MISTYPED = "mistyped"
    UNKNOWN = "unknown"


class FileVerdict(StrEnum):
    """The very bytes that were issued; those of what was replaced; those of another credential; any others."""

    ISSUED = "issued"
    REPLACED = "replaced"
    ELSEWHERE = "elsewhere"
    OTHER = "other"


SHOWN = frozenset({Verdict.GENUINE, Verdict.CORRECTED, Verdict.EXPIRED})
"""Those whose picture and files are shown."""
NOWHERE = frozenset({Verdict.MISTYPED, Verdict.UNKNOWN})
"""Those without a page."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on an id. `credential` is the one that holds today: the successor of one that was replaced."""

    verdict: Verdict
    credential: Credential | None = None
    replaced: bool = False


def look_up(text: str) -> Finding:
    """What there is to say about that id, however it was typed.

    What is held, failed or not made yet is as unknown to the public as what never was.
    """
    verification_id = normalised(text)
    if verification_id is None:
        return Finding(Verdict.MISTYPED)
    asked = _find(verification_id=verification_id)
    if asked is None:
        return Finding(Verdict.UNKNOWN)
    found = asked
    if asked.current is None:
        # However often it was reissued, one holds the learner's place: no chain to follow.
        place = {"configuration": asked.configuration_id, "learner": asked.learner_id, "current": True}
        found = _find(**place) or asked
    return Finding(verdict_on(found, replaced=found != asked), found, replaced=found != asked)


def verdict_on(credential: Credential, *, replaced: bool = False) -> Verdict:
    """The verdict on one that was not replaced itself.

    One that was over before it was made is never made: it has a page if somebody may have seen the one before it.
    """
    over = credential.revoked or credential.learner.retired
    if credential.state != State.AVAILABLE and not (over and _follows_one_seen(credential)):
        return Verdict.REPLACING if replaced and not over else Verdict.UNKNOWN
    if credential.revoked:
        return Verdict.REVOKED
    if _has_expired(credential):
        return Verdict.EXPIRED
    if credential.learner.retired:
        return Verdict.REMOVED
    # What nobody has ever seen was not corrected.
    return Verdict.CORRECTED if _follows_one_seen(credential) else Verdict.GENUINE


def standing(credential: Credential) -> str:
    """In one word, for who sees them all: what became of it later counts more than how it was made."""
    if credential.current is None:
        return "replaced"
    if credential.revoked:
        return Verdict.REVOKED
    if credential.state == State.FAILED and credential.learner.retired:
        return Verdict.REMOVED  # it was not made, and is not to be mended either
    expired = credential.state == State.AVAILABLE and _has_expired(credential)
    return Verdict.EXPIRED if expired else credential.state


def files_shown(credential: Credential, verdict: Verdict) -> list[CredentialArtifact]:
    """The stored files that whoever has the id may have."""
    if verdict not in SHOWN or credential.learner.retired:
        return []
    return [file for file in credential.artifacts.all() if file.state == CredentialArtifact.State.STORED]


def compare(sha256: str, credential: Credential) -> FileVerdict:
    """What a file of that digest is to the credential that holds."""
    place = (credential.configuration_id, credential.learner_id)
    known = [each.credential for each in _known(sha256)]
    if credential in known:
        return FileVerdict.ISSUED
    if any((one.configuration_id, one.learner_id) == place for one in known):
        return FileVerdict.REPLACED
    return FileVerdict.ELSEWHERE if known else FileVerdict.OTHER


def number_of(sha256: str) -> str | None:
    """The id of the credential of which that is a file, as it is stored; None for bytes that were never issued."""
    known = [each.credential for each in _known(sha256)]
    return known[0].verification_id if known else None


def is_digest(text: str) -> bool:
    """Whether it is a SHA-256 as it is stored: 64 figures of the hexadecimal system, in lower case."""
    return _DIGEST.fullmatch(text) is not None


def corrected_on(credential: Credential, verdict: Verdict) -> datetime | None:
    """When it took the place of one that somebody may have seen."""
    return credential.recorded if verdict is Verdict.CORRECTED else None


def _has_expired(credential: Credential) -> bool:
    return credential.expires is not None and credential.expires <= timezone.now()


def _follows_one_seen(credential: Credential) -> bool:
    """Whether it took a place in which there was one that somebody may have seen.

    That is mostly the one just before it. Where that one was never made, a query finds any in the same place.
    """
    before = credential.supersedes
    if before is None or before.state == State.AVAILABLE:
        return before is not None
    place = {"configuration": credential.configuration_id, "learner": credential.learner_id, "current": None}
    return before.supersedes_id is not None and Credential.objects.filter(**place, state=State.AVAILABLE).exists()


def _known(sha256: str) -> list[CredentialArtifact]:
    """Files of those bytes that somebody may have seen: those of what is ready now or was before."""
    seen = CredentialArtifact.objects.filter(sha256=sha256, credential__state=State.AVAILABLE)
    # Sorted here: to have the first by key, a database may read all rows by key instead of the few by digest.
    return sorted(seen.select_related("credential")[:MOST_ALIKE], key=lambda file: -file.pk)


def _find(**by: object) -> Credential | None:
    related = ("learner", "edition", "supersedes")
    return Credential.objects.exclude(state=State.HELD).filter(**by).select_related(*related).first()
