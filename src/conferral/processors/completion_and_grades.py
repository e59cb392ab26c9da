"""Content completed and grades: both thresholds have to be reached."""

from collections.abc import Iterator, Sequence
from typing import Any

from conferral.contract import LMS, Decision, Fact, LearningContext, Need, Processor, Progress
from conferral.processors.completion import Completion, CompletionOptions
from conferral.processors.grades import Grades, GradesOptions


class CompletionAndGradesOptions(GradesOptions, CompletionOptions):
    """How much has to be completed, and which grades have to be reached."""


class CompletionAndGrades(Processor[CompletionAndGradesOptions]):
    """Eligible when both the content completed and the grades reach their thresholds."""

    label = "Content completed and grades"
    needs = Completion.needs | Grades.needs
    Options = CompletionAndGradesOptions
    _completion = Completion()
    _grades = Grades()

    def needs_of(self, options: CompletionAndGradesOptions) -> frozenset[Need]:
        """What both need."""
        return self._completion.needs | self._grades.needs_of(options)

    def objections(self, context: LearningContext, options: CompletionAndGradesOptions) -> Iterator[str]:
        """Those of the grades."""
        return self._grades.objections(context, options)

    def gather(
        self, context: LearningContext, page: Sequence[Progress], options: CompletionAndGradesOptions, lms: LMS
    ) -> Any:
        """What the grades need."""
        return self._grades.gather(context, page, options, lms)

    def example(self, options: CompletionAndGradesOptions) -> Sequence[Fact]:
        """Both rules' examples."""
        return [*self._completion.example(options), *self._grades.example(options)]

    def decide(self, progress: Progress, options: CompletionAndGradesOptions, gathered: Any) -> Decision:
        """Both rules' facts; all have to be met."""
        completion = self._completion.decide(progress, options, None)
        grades = self._grades.decide(progress, options, gathered)
        return Decision.on(*completion.facts, *grades.facts)
