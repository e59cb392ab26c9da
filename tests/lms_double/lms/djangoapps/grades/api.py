"""A learner at a time, as the platform reads grades; and what fills its cache for many."""

from types import SimpleNamespace

from lms.djangoapps.grades.course_grade import scores_by_format
from lms.djangoapps.grades.models import PersistentCourseGrade, PersistentSubsectionGrade
from openedx.core.djangoapps.content.block_structure.api import get_course_in_cache


class CourseGradeFactory:
    def read(self, user, course=None, collected_block_structure=None, course_structure=None, course_key=None, **more):
        """From the stored row; who has none has zero."""
        key = course_key or course.id
        row = PersistentCourseGrade.objects.filter(user_id=user.pk, course_id=key).first()

        def graded_subsections_by_format():
            rows = PersistentSubsectionGrade.objects.filter(user_id=user.pk, course_id=key).select_related("override")
            structure = course_structure or collected_block_structure or get_course_in_cache(key)
            return scores_by_format(structure, {one.usage_key: points(one) for one in rows})

        return SimpleNamespace(
            user=user,
            percent=row.percent_grade if row else 0.0,
            letter_grade=(row.letter_grade if row else "") or None,
            passed=bool(row and row.letter_grade),
            graded_subsections_by_format=graded_subsections_by_format,
        )


def points(row):
    """Earned and possible, each as staff have it where they have put something in its place."""
    override = getattr(row, "override", None)
    earned = override and override.earned_graded_override
    possible = override and override.possible_graded_override
    return (row.earned_graded if earned is None else earned, row.possible_graded if possible is None else possible)


def prefetch_course_and_subsection_grades(course_key, users):
    """Nothing is cached here."""


def clear_prefetched_course_grades(course_key):
    """As above."""


def clear_prefetched_course_and_subsection_grades(course_key):
    """As above."""
