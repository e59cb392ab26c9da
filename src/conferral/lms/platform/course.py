"""One course as all of its learners share it: read once for a run."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from opaque_keys.edx.keys import CourseKey

from lms.djangoapps.grades.context import graded_subsections_for_course
from openedx.core.djangoapps.content.block_structure.api import get_block_structure_manager
from xmodule.modulestore.django import modulestore

KEPT = 4096
"""Score sheets whose grades are remembered: in a large course many learners have the same one."""
COMPLETABLE = "completable"
CONTAINERS = frozenset({"course", "chapter", "sequential", "vertical"})

Points = tuple[float, float]
"""Earned and possible."""


class Total(NamedTuple):
    """What the platform's grader reads of a subsection's score."""

    earned: float
    possible: float


class Score(NamedTuple):
    """A subsection as the platform's grader reads it."""

    graded_total: Total
    percent_graded: float
    display_name: str


class Course:
    """Its blocks and its grader. Both are the platform's own; what is in them is the same for everybody."""

    def __init__(self, key: CourseKey) -> None:
        self.key = key
        self._average = lru_cache(KEPT)(self._averages)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The assignment types of the grading policy, in its order."""
        policy = self._block.grading_policy if self._block else {}
        return tuple(str(each["type"]) for each in (policy or {}).get("GRADER", ()))

    @cached_property
    def graded(self) -> dict[str, Any]:
        """The graded subsections in course order, by location: those visible to staff only are left out."""
        return {str(block.location): block for block in graded_subsections_for_course(self._structure)}

    @cached_property
    def completable(self) -> list[Any]:
        """The keys of the blocks that count towards completion, visible to learners."""
        return list(self._completable())

    def averages(self, rows: Mapping[str, Points]) -> dict[str, Decimal]:
        """A learner's share of each assignment type, from the rows of their subsections by location.

        As the platform grades: no row is nothing attempted, and a subsection without possible points is left out.
        """
        return self._average(tuple(rows.get(location) for location in self.graded))

    def _averages(self, row_of: tuple[Points | None, ...]) -> dict[str, Decimal]:
        sheet: dict[str, dict[Any, Score]] = {}
        for block, row in zip(self.graded.values(), row_of, strict=True):
            earned, possible = row or (0.0, 1.0)
            if possible > 0:
                # Four decimals, half to even, of the product: what the platform's rounding computes.
                percent = round(earned / possible * 10_000) / 10_000
                score = Score(Total(earned, possible), percent, getattr(block, "display_name", None) or "")
                sheet.setdefault(getattr(block, "format", None) or "", {})[block.location] = score
        graded = self._block.grader.grade(sheet)
        found = {each["category"]: each["percent"] for each in graded["section_breakdown"] if each.get("prominent")}
        weights = {str(each["type"]): each.get("weight", 0) for each in self._block.grading_policy["GRADER"]}
        for category, each in graded["grade_breakdown"].items():
            # A policy may hide the average from learners; its weighted share is there.
            if category not in found and weights.get(category):
                found[category] = each["percent"] / weights[category]
        return {category: share_of(percent) for category, percent in found.items()}

    def _completable(self) -> Iterator[Any]:
        structure = self._structure
        for key in structure.topological_traversal():
            if _for_staff_only(structure[key]):
                continue
            mode = structure.get_xblock_field(key, "completion_mode")
            leaf = key.block_type not in CONTAINERS and not structure.get_children(key)
            if mode == COMPLETABLE if mode else leaf:
                yield key

    @cached_property
    def _block(self) -> Any:
        return modulestore().get_course(self.key)

    @cached_property
    def _structure(self) -> Any:
        return get_block_structure_manager(self.key).get_collected()


def _for_staff_only(block: Any) -> bool:
    """As the platform has merged it from the block and all that it is in."""
    visibility = block.transformer_data.get("visibility")
    return bool(visibility and visibility.fields.get("merged_visible_to_staff_only"))


def share_of(value: float | None) -> Decimal:
    """The share as the platform stores it, to its last digit; extra credit beyond the whole is the whole."""
    return min(Decimal(str(0 if value is None else value)), Decimal(1))
