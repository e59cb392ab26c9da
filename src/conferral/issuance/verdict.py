"""What a credential page says, to whoever asks with an id."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone

from conferral.models import Credential
from conferral.models.verification import normalised

State = Credential.State


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


SHOWN = frozenset({Verdict.GENUINE, Verdict.CORRECTED, Verdict.EXPIRED})
"""Those whose picture and files are shown."""


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
    while found.current is None and (successor := _find(supersedes=found)):
        found = successor
    return Finding(verdict_on(found, replaced=found != asked), found, replaced=found != asked)


def verdict_on(credential: Credential, *, replaced: bool = False) -> Verdict:
    """The verdict on one that was not replaced itself."""
    if credential.state != State.AVAILABLE:
        return Verdict.REPLACING if replaced else Verdict.UNKNOWN
    if credential.revoked:
        return Verdict.REVOKED
    if credential.learner.retired:
        return Verdict.REMOVED
    if credential.expires and credential.expires <= timezone.now():
        return Verdict.EXPIRED
    # What nobody has ever seen was not corrected.
    seen = credential.supersedes is not None and credential.supersedes.state == State.AVAILABLE
    return Verdict.CORRECTED if seen else Verdict.GENUINE


def _find(**by: object) -> Credential | None:
    related = ("learner", "edition", "supersedes")
    return Credential.objects.exclude(state=State.HELD).filter(**by).select_related(*related).first()
