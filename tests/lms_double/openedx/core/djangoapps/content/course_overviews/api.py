"""Overviews by key."""

from openedx.core.djangoapps.content.course_overviews.models import CourseOverview


def get_course_overview_or_none(course_id):
    return CourseOverview.objects.filter(pk=course_id).first()
