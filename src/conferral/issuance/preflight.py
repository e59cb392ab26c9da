"""Preflight: everybody's name through every design, before anything is issued; nothing is issued or kept."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from conferral.contract import LMS, ConferralError, GenerationRequest, Person
from conferral.contract.text import is_visible
from conferral.issuance.plan import Slot, resolve
from conferral.issuance.preview import Drafts, for_name, request_in
from conferral.models import CredentialConfiguration, Learner
from conferral.settings import current

NAMELESS = "has no name"
REMEMBERED = 2000
"""Names in a row that are not made twice: many a learner is called like another."""
_MISSING = re.compile(r"U\+([0-9A-F]{4,6}) \(([^()]+)\)")
"""A character as generators write it in their reasons: `U+13E3 (Cherokee)`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One learner who would not get one slot's file as it should be, and why."""

    slot: str
    username: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Smallest:
    """The size in points to which one text shrinks, and for whom."""

    size: float
    username: str
    name: str


@dataclass(slots=True)
class Tally:
    """One slot of one configuration, so far. `missing` counts learners by `U+13E3 (Cherokee)`."""

    slot: str
    learners: int = 0
    problems: int = 0
    smallest: dict[str, Smallest] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)

    def most_missed(self) -> list[tuple[str, int]]:
        """The missing characters, those of most learners first."""
        return sorted(self.missing.items(), key=lambda each: (-each[1], each[0]))


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of one name in one slot; its files are not kept."""

    reasons: tuple[str, ...]
    sizes: Mapping[str, float]


class Preflight:
    """One configuration, made ready: what everybody shares is read and prepared once."""

    def __init__(self, configuration: CredentialConfiguration, lms: LMS) -> None:
        """A ConferralError names what is missing or wrong in the configuration."""
        plan = resolve(configuration, lms)
        self.tallies = [Tally(slot.name) for slot in plan.slots]
        self._lms, self._context = lms, plan.context
        request = request_in(plan)
        self._tries = [_trying(slot, Drafts.of(slot, plan.assets), request) for slot in plan.slots]

    def pages(self) -> Iterator[tuple[int, list[Problem]]]:
        """How many learners were looked at, and their problems, a page at a time; `tallies` grows with them.

        Those whom a run would not look at (not active, retired) are left out. A page costs what the gateway takes to
        tell of its learners, and one query. A gateway that raises ends the stream.
        """
        for page in self._lms.progress(self._context, frozenset()):
            keys = [progress.learner for progress in page if progress.enrolment.active]
            retired = Learner.objects.retired_among(current().lms, keys)
            people = {person.key: person for person in self._lms.people(keys)} if keys else {}
            looked_at = [people.get(key) or Person(key) for key in keys if key not in retired]
            yield len(looked_at), [problem for person in looked_at for problem in self._look_at(person)]

    def _look_at(self, person: Person) -> Iterator[Problem]:
        for tally, tried in zip(self.tallies, self._tries, strict=True):
            outcome = tried(person.name) if is_visible(person.name) else _Tried((NAMELESS,), {})
            tally.learners += 1
            tally.problems += len(outcome.reasons)
            tally.missing.update({f"U+{code} ({script})" for code, script in _MISSING.findall(str(outcome.reasons))})
            for element, size in outcome.sizes.items():
                if element not in tally.smallest or size < tally.smallest[element].size:
                    tally.smallest[element] = Smallest(size, person.key, person.name)
            yield from (Problem(tally.slot, person.key, person.name, reason) for reason in outcome.reasons)


def character(named: str) -> str:
    """The character of `U+13E3 (Cherokee)`; nothing when it would not be seen by itself."""
    found = chr(int(named.removeprefix("U+").split(" ", 1)[0], 16))
    return found if unicodedata.category(found)[0] in "LNPS" else ""


def _trying(slot: Slot, drafts: Drafts, request: GenerationRequest) -> Callable[[str], _Tried]:
    @lru_cache(maxsize=REMEMBERED)
    def tried(name: str) -> _Tried:
        try:
            made = drafts.make(for_name(request, name))
        except ConferralError as error:
            return _Tried((str(error),), {})
        told = [artifact.receipt.get("sizes") for artifact in made]
        return _Tried(
            tuple(problem for artifact in made for problem in artifact.problems),
            {name: size for sizes in told if isinstance(sizes, Mapping) for name, size in _numbers(sizes)},
        )

    return tried


def _numbers(sizes: Mapping[Any, Any]) -> Sequence[tuple[str, float]]:
    """What a generator tells is its own affair: what is no size is left out."""
    return [
        (str(name), float(size))
        for name, size in sizes.items()
        if isinstance(size, int | float) and not isinstance(size, bool)
    ]
