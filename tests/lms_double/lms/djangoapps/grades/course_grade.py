"""A learner's course grade from the points of the subsections, by the documented rules."""

from math import floor
from typing import Any, NamedTuple

from lms.djangoapps.grades.context import graded_subsections_for_course


class Total(NamedTuple):
    earned: float
    possible: float


class Score(NamedTuple):
    """A subsection as the grader reads it."""

    location: Any
    display_name: str
    format: str
    graded_total: Total
    percent_graded: float
    attempted_graded: bool


def scores_by_format(course_structure, points):
    """What the grader takes: of `points`, earned and possible by location; without them a subsection is 0 of 1."""
    sheet = {}
    for block in graded_subsections_for_course(course_structure):
        earned, possible = points.get(block.location, (0.0, 1.0))
        if possible > 0:
            # Half to even at the fourth decimal of the product: numpy's rounding.
            percent = round(earned / possible * 10_000) / 10_000
            score = Score(
                block.location,
                block.display_name,
                block.format,
                Total(earned, possible),
                percent,
                block.location in points,
            )
            sheet.setdefault(block.format, {})[block.location] = score
    return sheet


def rounded(percent):
    """As it is stored and shown: half away from zero, after a twentieth of a point in the learner's favour."""
    return floor(percent * 100 + 0.05 + 0.5) / 100


def letter(cutoffs, percent):
    """The highest that is reached, or nothing."""
    reached = [(cutoff, name) for name, cutoff in cutoffs.items() if percent >= cutoff]
    return max(reached)[1] if reached else ""


def stored(course, course_structure, points):
    """Percentage and letter of the row."""
    percent = rounded(course.grader.grade(scores_by_format(course_structure, points))["percent"])
    return percent, letter(course.grade_cutoffs, percent)
