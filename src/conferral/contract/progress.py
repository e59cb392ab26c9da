"""What a gateway tells of learners: who they are, and how far they have come."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Need(StrEnum):
    """What a processor wants to know; a gateway fetches nothing else.

    GRADES: of the whole course and of each assignment type; TOTAL: of the whole course alone, which costs a source a
    hundredth. CERTIFICATE: the date of the platform's own certificate, which not every source tells. PEOPLE: the
    processor asks for `people` of every page.
    """

    COMPLETION = "completion"
    GRADES = "grades"
    TOTAL = "total"
    CERTIFICATE = "certificate"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Person:
    """A learner as the source knows them; `name` is empty when it has no real name (never the username).

    `account` is the primary key of the learner's Django user, where the source has its users in this very database.
    """

    key: str
    name: str = ""
    email: str = ""
    language: str = ""
    active: bool = True
    external_id: str = ""
    account: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What else decides whether a learner may get a credential of a context; a source tells what it knows.

    `certified` is whether the platform gives certificates to that enrolment mode. `retiring`: the account is about to
    be removed. `invalidated` and `allowed` are what staff said of the platform's own certificate.
    """

    learner: str
    mode: str = ""
    certified: bool = True
    active: bool = True
    staff: bool = False
    beta_tester: bool = False
    retiring: bool = False
    invalidated: bool = False
    allowed: bool = False


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How a learner takes part; an inactive enrolment or account never qualifies."""

    mode: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Grades:
    """Shares (0..1), exactly as the source stores them; `by_category` is keyed by assignment type.

    `passed` is since when the learner has been passing, for one who is passing now.
    """

    total: Decimal | None = None
    passing: bool | None = None
    passed: datetime | None = None
    by_category: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """One learner in one learning context; None for a figure that the source does not have.

    `external_id` is the person's, where the source tells it with each: so a username that was given to somebody else
    is noticed.
    """

    learner: str
    enrolment: Enrolment = Enrolment()
    completion: Decimal | None = None
    grades: Grades | None = None
    certificate: datetime | None = None
    external_id: str = ""

    def only(self, needs: frozenset[Need]) -> "Progress":
        """Without the figures that were not asked for."""
        return Progress(
            self.learner,
            self.enrolment,
            self.completion if Need.COMPLETION in needs else None,
            self._grades(needs),
            self.certificate if Need.CERTIFICATE in needs else None,
            self.external_id,
        )

    def _grades(self, needs: frozenset[Need]) -> Grades | None:
        if self.grades is None or Need.GRADES in needs:
            return self.grades
        return replace(self.grades, by_category={}) if Need.TOTAL in needs else None
