"""Courses that were made of a section."""

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField


class SectionToCourseLink(models.Model):
    source_course_id = CourseKeyField(max_length=255, db_index=True)
    destination_course_id = CourseKeyField(max_length=255, db_index=True)
    source_section_id = UsageKeyField(max_length=255, db_index=True)
    destination_section_id = UsageKeyField(max_length=255, db_index=True)
