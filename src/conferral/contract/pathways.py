"""The port of pathway sources: where pathways are kept, who is a member, which courses are the steps."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from typing import ClassVar

from conferral.contract.context import LearningContext
from conferral.contract.lms import LMS
from conferral.contract.progress import Progress


class PathwaySource(ABC):
    """Pathways that a gateway does not keep itself, each under keys of their own.

    Offered under the entry-point group of the gateway that it works beside, whose `http` it may use:
    `conferral.pathways.platform`, `conferral.pathways.rest`.
    """

    label: ClassVar[str]

    @abstractmethod
    def knows(self, key: str) -> bool:
        """Whether keys of that form are its own."""

    @abstractmethod
    def describe(self, key: str, lms: LMS) -> LearningContext | None:
        """The pathway of that key with its steps, or None. A ConferralError when what it needs is not installed."""

    def listed(self, lms: LMS) -> Sequence[LearningContext]:
        """All of its pathways with their steps, in a constant number of queries; none where it cannot list them."""
        return ()

    @abstractmethod
    def members(
        self, context: LearningContext, lms: LMS, learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """Those enrolled in the pathway, in pages, each once; only `learners` when given."""

    def taking_part(self, learner: str, lms: LMS, keys: Collection[str]) -> Sequence[str]:
        """Which of those pathways, all of them its own, the learner is enrolled in; none where it does not tell.

        Asked for a page that somebody waits for, of a few dozen keys at most: one query, or a call for each of them.
        """
        return ()
