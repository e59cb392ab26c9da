"""Grades: by assignment type and in total."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from conferral.contract import LMS, Decision, Fact, Kind, LearningContext, Need, Options, Processor, Progress
from conferral.contract import Grades as LearnerGrades
from conferral.contract.decision import exact
from conferral.contract.errors import NotAccepted
from conferral.contract.options import share

TOTAL = "total"
PASS: Literal["pass"] = "pass"  # noqa: S105 - a grade, not a password


def _threshold(value: object) -> Decimal | str:
    if value == PASS:
        return PASS
    try:
        return share(value)
    except ValueError:
        raise NotAccepted(
            "write a share from 0 to 1 (0 %% to 100 %%), or %(word)r for the course's own pass mark", word=PASS
        ) from None


def _check(thresholds: dict[str, Decimal | str]) -> dict[str, Decimal | str]:
    for category, required in thresholds.items():
        if required == PASS and category != TOTAL:
            raise NotAccepted(
                "%(word)r is for %(total)r alone; give %(category)r a share from 0 to 1",
                word=PASS,
                total=TOTAL,
                category=category,
            )
    return thresholds


Threshold = Annotated[
    Decimal | str,
    PlainValidator(_threshold),
    WithJsonSchema({"anyOf": [{"type": "number", "format": "share", "minimum": 0, "maximum": 1}, {"const": PASS}]}),
]


class GradesOptions(Options):
    """Which grades have to be reached."""

    required_grades: Annotated[dict[str, Threshold], AfterValidator(_check)] = Field(
        min_length=1,
        description="By assignment type, the share that has to be reached; `total` is the grade of the whole course: "
        "a share, or `pass` for the course's own pass mark.",
    )


class Grades(Processor[GradesOptions]):
    """Eligible when every grade that is asked for reaches its threshold."""

    label = "Grades"
    needs = frozenset({Need.GRADES})
    Options = GradesOptions

    def needs_of(self, options: GradesOptions) -> frozenset[Need]:
        """The total alone when nothing else is asked for: assignment types cost a source far more."""
        return frozenset({Need.TOTAL}) if options.required_grades.keys() == {TOTAL} else self.needs

    def objections(self, context: LearningContext, options: GradesOptions) -> Iterator[str]:
        """Assignment types that the course does not have."""
        if context.categories is None or context.kind is Kind.PATHWAY:
            return
        for category in options.required_grades:
            if category not in (TOTAL, *context.categories):
                known = ", ".join(repr(one) for one in context.categories)
                yield (
                    f"required_grades: {category!r} is no assignment type of {context.key}; "
                    + (f"it has {known}, and {TOTAL!r}" if known else f"it has no grading policy: {TOTAL!r} alone")
                )

    def gather(self, context: LearningContext, page: Sequence[Progress], options: GradesOptions, lms: LMS) -> Any:
        """The course's pass mark, for `pass`."""
        return context.pass_mark

    def example(self, options: GradesOptions) -> Sequence[Fact]:
        """Full marks."""
        full = LearnerGrades(Decimal(1), passing=True, by_category=dict.fromkeys(options.required_grades, Decimal(1)))
        return list(_facts(full, options.required_grades, None))

    def decide(self, progress: Progress, options: GradesOptions, gathered: Any) -> Decision:
        """Compares each grade, exactly as the source stores it; one that it does not tell reaches no threshold."""
        grades = progress.grades or LearnerGrades()
        facts = tuple(_facts(grades, options.required_grades, gathered))
        # A source tells since when the course's own mark is reached, and of no other threshold.
        is_known = options.required_grades == {TOTAL: PASS} and all(fact.met for fact in facts)
        return Decision.on(*facts, earned=grades.passed if is_known else None)


def _facts(grades: LearnerGrades, required: dict[str, Decimal | str], pass_mark: Decimal | None) -> Iterator[Fact]:
    for category, threshold in required.items():
        actual = grades.total if category == TOTAL else grades.by_category.get(category)
        if isinstance(threshold, Decimal):
            yield Fact.share(category, actual, threshold)
        elif grades.passing is not None:
            # The source's own verdict: it knows rounding and letter grades that a figure does not tell.
            verdict = "passing" if grades.passing else "not passing"
            shown = verdict if actual is None else exact(actual)
            mark = PASS if pass_mark is None else exact(pass_mark)
            yield Fact(category, shown, mark, met=grades.passing)
        elif pass_mark is not None:
            yield Fact.share(category, actual, pass_mark)
        else:
            yield Fact(category, None, "a pass mark, which the course does not have", met=False)
