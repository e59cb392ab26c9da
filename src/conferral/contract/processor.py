"""The port of processors: rules that say who is eligible."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from conferral.contract.context import Kind, LearningContext
from conferral.contract.decision import Decision, Fact
from conferral.contract.lms import LMS
from conferral.contract.options import Options
from conferral.contract.progress import Need, Progress

O = TypeVar("O", bound=Options)  # noqa: E741 - the O of Options


class Processor(ABC, Generic[O]):
    """A rule. The core pages through the learners and, in a pathway, asks `decide` for each step and combines.

    `needs` says what the gateway has to fetch at most, `needs_of` what it has to for some options. A rule that looks at
    the learner and not at progress sets `per_step = False`: it is asked once for a pathway. One whose `earned` stands,
    whatever date a course gives its credentials, sets `dated = True`.
    """

    label: ClassVar[str]
    version: ClassVar[str] = "1"
    kinds: ClassVar[frozenset[Kind]] = frozenset(Kind)
    needs: ClassVar[frozenset[Need]] = frozenset()
    per_step: ClassVar[bool] = True
    dated: ClassVar[bool] = False
    Options: type[O]

    def needs_of(self, options: O) -> frozenset[Need]:
        """What the gateway has to fetch for these options: all of `needs` unless overridden."""
        return self.needs

    def objections(self, context: LearningContext, options: O) -> Iterator[str]:
        """What the options ask for that the context does not have, a line each that names the option.

        They are refused when they are saved. A run says so and goes on: the course may have changed since.
        """
        return iter(())

    def gather(self, context: LearningContext, page: Sequence[Progress], options: O, lms: LMS) -> Any:
        """What `decide` needs beyond progress, fetched in bulk for one page; None unless overridden.

        It may ask the gateway a constant number of times. Raising fails the run.
        """
        return None

    def example(self, options: O) -> Sequence[Fact]:
        """The facts of an invented learner who qualifies, for previews and to check `{evidence.KEY}` in texts."""
        return ()

    @abstractmethod
    def decide(self, progress: Progress, options: O, gathered: Any) -> Decision:
        """The decision for one learner: pure, from its arguments alone. Raising fails this learner, not the run."""
