"""The port of gateways: what the learning platform knows."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

from conferral.contract.audience import Audience
from conferral.contract.context import LearningContext
from conferral.contract.progress import Need, Person, Progress, Standing


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried: `ok` or not, None for a remark; what was found, and how to mend it."""

    name: str
    ok: bool | None
    found: str
    fix: str = ""


class LMS(ABC):
    """A source of contexts, learners and their progress; `tells` what it can be asked for.

    `http` is a client for plugins that need one, or None.
    """

    label: ClassVar[str]
    tells: ClassVar[frozenset[Need]] = frozenset(Need) - {Need.CERTIFICATE}
    http: Any = None

    @abstractmethod
    def describe(self, key: str) -> LearningContext | None:
        """The learning context of that key, or None when the source does not know it."""

    @abstractmethod
    def progress(
        self, context: LearningContext, needs: frozenset[Need], learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """Everybody who takes part, in pages, each learner once; only `learners` when given (those it knows).

        One page costs a constant number of queries or calls. The core joins the steps of a pathway. What could not be
        read whole is an error: never a page of some.
        """

    @abstractmethod
    def people(self, keys: Collection[str]) -> Sequence[Person]:
        """Those learners, as far as the source knows them, in any order."""

    @abstractmethod
    def may(self, user: Any, key: str) -> bool:
        """Whether this Django user teaches or runs that learning context."""

    def standing(self, context: LearningContext, learners: Collection[str], audience: Audience) -> Sequence[Standing]:
        """What else decides about those learners there, as far as the audience asks; none for whom nothing is known.

        A constant number of queries, or a call for each hundred. Asked for those alone who qualify and have none yet.
        """
        return ()

    def reading(self) -> "AbstractContextManager[LMS]":
        """The source for one run: it may keep what it has read until the block ends. Itself unless overridden."""
        return nullcontext(self)

    def removes_accounts(self, token: str) -> bool:
        """Whether the LMS gave that token to somebody who may have all that is kept of a learner removed."""
        return False

    def check(self, key: str = "") -> Iterator[Check]:
        """What works, step by step, for an operator; with a context's key also what works there."""
        if key:
            context = self.describe(key)
            yield Check(
                "context",
                context is not None,
                f"{key} is {context.kind} {context.name!r}" if context else f"{key} is not known",
                "check the key, or declare the context first",
            )
