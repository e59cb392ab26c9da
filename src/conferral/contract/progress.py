"""What a gateway tells of learners: who they are, and how far they have come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Need(StrEnum):
    """What a processor wants to know; a gateway fetches nothing else. PEOPLE: it asks for `people` of every page."""

    COMPLETION = "completion"
    GRADES = "grades"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Person:
    """A learner as the source knows them; `name` is empty when it has no real name (never the username)."""

    key: str
    name: str = ""
    email: str = ""
    language: str = ""
    active: bool = True
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How a learner takes part; an inactive enrolment or account never qualifies."""

    mode: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Grades:
    """Shares (0..1), exactly as the source stores them; `by_category` is keyed by assignment type."""

    total: Decimal | None = None
    passing: bool | None = None
    by_category: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """One learner in one learning context; None for a figure that the source does not have."""

    learner: str
    enrolment: Enrolment = Enrolment()
    completion: Decimal | None = None
    grades: Grades | None = None
