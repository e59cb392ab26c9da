"""Best grades: the average of a learner's best grades by assignment type."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Any

from pydantic import Field

from conferral.contract import Decision, Fact, Need, Options, Processor, Progress, Share


class BestOfOptions(Options):
    """How many of the grades count, and what they have to come to."""

    count: int = Field(2, ge=1, le=50, description="How many assignment types count: the learner's best.")
    required_average: Share = Field(description="Share that their average has to reach; reaching it exactly is enough.")
    leave_out: list[str] = Field(default_factory=list, description="Assignment types that never count.")


class BestOf(Processor[BestOfOptions]):
    """Eligible when the best grades reach the average; who has fewer grades than count has zero for the rest."""

    label = "Best grades"
    needs = frozenset({Need.GRADES})
    Options = BestOfOptions

    def example(self, options: BestOfOptions) -> Sequence[Fact]:
        """Full marks."""
        return [Fact.share("best_average", Decimal(1), options.required_average)]

    def decide(self, progress: Progress, options: BestOfOptions, gathered: Any) -> Decision:
        """Compares the average; a learner without any grade has none."""
        grades = progress.grades.by_category if progress.grades else {}
        average = best_average(grades, options)
        return Decision.on(Fact.share("best_average", average, options.required_average))


def best_average(grades: Mapping[str, Decimal], options: BestOfOptions) -> Decimal | None:
    """The average of the best grades, cut and never rounded up; None without a grade that counts."""
    counting = [grade for category, grade in grades.items() if category not in options.leave_out]
    if not counting:
        return None
    with localcontext(rounding=ROUND_FLOOR):
        return sum(sorted(counting)[-options.count :], Decimal(0)) / options.count
