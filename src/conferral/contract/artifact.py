"""What a generator receives, and what it makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from conferral.contract.decision import Fact


@dataclass(frozen=True, slots=True)
class IssuerSnapshot:
    """The organisation that issues, as it was when the credential was issued."""

    name: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One credential as it was issued; later edits of course, name or type never change it. Instants are aware (UTC).

    `verification_id` is in its printed form (`K7QF-2M9X-4TBD-HW33`); `date` is the date that the type prints.
    """

    verification_id: str
    name: str
    type: str
    context_key: str
    context: str
    organisation: str
    issuer: IssuerSnapshot
    issued: datetime
    earned: datetime
    date: datetime
    start: datetime | None = None
    end: datetime | None = None
    expires: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One slot of one credential to make. A retry has the same `idempotency_key`, for remote services to recognise it.

    `slot` (`certificate`, `badge`) is unique in the credential; file names begin with it. `url_of` gives the stable
    public address of a file name. A `draft` is a sample or preview: nothing outside may be touched for it. With `boxes`
    a preview draws the box of each element; a generator without boxes ignores it.
    """

    snapshot: Snapshot
    slot: str
    page_url: str
    locale: str
    time_zone: str
    idempotency_key: str
    url_of: Callable[[str], str]
    draft: bool = False
    boxes: bool = False


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file (`content`) or one remote credential (`url`). The file name is the slot, or begins with `slot-`.

    `receipt` is what a remote service answered; `problems` are flags for a person that do not stop the credential.
    """

    filename: str
    media_type: str
    content: bytes | None = None
    url: str = ""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
