"""The port of gateways: what the learning platform knows."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from typing import Any, ClassVar

from conferral.contract.context import LearningContext
from conferral.contract.progress import Need, Person, Progress


class LMS(ABC):
    """A source of contexts, learners and their progress. `http` is a client for plugins that need one, or None."""

    label: ClassVar[str]
    http: Any = None

    @abstractmethod
    def describe(self, key: str) -> LearningContext | None:
        """The learning context of that key, or None when the source does not know it."""

    @abstractmethod
    def progress(
        self, context: LearningContext, needs: frozenset[Need], learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """Everybody who takes part, in pages, each learner once; only `learners` when given (those it knows).

        One page costs a constant number of queries or calls. The core joins the steps of a pathway.
        """

    @abstractmethod
    def people(self, keys: Collection[str]) -> Sequence[Person]:
        """Those learners, as far as the source knows them, in any order."""

    @abstractmethod
    def may(self, user: Any, key: str) -> bool:
        """Whether this Django user teaches or runs that learning context."""
