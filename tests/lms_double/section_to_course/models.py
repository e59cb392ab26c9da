"""Courses that were made of a section."""

from django.db import models
from django.utils import timezone
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField

from stamped import Stamped


class SectionToCourseLink(Stamped):
    source_course_id = CourseKeyField(max_length=255, db_index=True)
    destination_course_id = CourseKeyField(max_length=255, db_index=True)
    source_section_id = UsageKeyField(max_length=255, db_index=True)
    destination_section_id = UsageKeyField(max_length=255, db_index=True)
    last_refresh = models.DateTimeField(null=True, blank=True, default=timezone.now)

    class Meta:
        unique_together = ("source_course_id", "destination_course_id", "source_section_id")
