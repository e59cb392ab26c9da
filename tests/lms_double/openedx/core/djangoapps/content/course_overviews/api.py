"""Overviews by key."""

from openedx.core.djangoapps.content.course_overviews.models import CourseOverview


def get_course_overview_or_none(course_id):
    try:
        return CourseOverview.get_from_id(course_id)
    except CourseOverview.DoesNotExist:
        return None
