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


@dataclass(frozen=True, slots=True)
class Known:
    """A context as it is suggested: its key, and what people call it."""

    key: str
    name: str


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

    def contexts(self, text: str = "", *, taught_by: Any = None, most: int = 20) -> Sequence[Known]:
        """Contexts whose key or name has that text, at most so many; those alone that this user teaches, when given.

        What it says of `taught_by` is what `may` says. None unless overridden: then nothing is suggested, and Django's
        permissions alone say who may. A constant number of queries or calls.
        """
        return ()

    def standing(self, context: LearningContext, learners: Collection[str], audience: Audience) -> Sequence[Standing]:
        """What else decides about those learners there, as far as the audience asks; none for whom nothing is known.

        A constant number of queries, or a call for each hundred. Asked for those alone who qualify and have none yet.
        """
        return ()

    def key_of(self, user: Any) -> str:
        """The key of the learner who that Django user is, where the source has its users in this very database."""
        return ""

    def taking_part(self, learner: str) -> Sequence[str]:
        """Keys of what that learner takes part in, a few hundred at most; none where the source does not tell.

        Asked for a page that somebody waits for: a few queries, and no call for each context.
        """
        return ()

    def profile(self, learner: str) -> str:
        """The address of that learner's page in the source, where their account is told; empty where there is none."""
        return ""

    def reading(self) -> "AbstractContextManager[LMS]":
        """The source for one run: it may keep what it has read until the block ends. Itself unless overridden."""
        return nullcontext(self)

    def briefly(self) -> "LMS":
        """The source for a page that somebody waits for: it tries once, and gives up soon. Itself unless overridden."""
        return self

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
