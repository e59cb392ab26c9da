"""Stored grades: of the course, of subsections, and what staff put in their place."""

from django.db import models
from django.utils import timezone
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField


class PersistentCourseGrade(models.Model):
    user_id = models.IntegerField()
    course_id = CourseKeyField(max_length=255)
    percent_grade = models.FloatField()
    letter_grade = models.CharField(max_length=255)
    passed_timestamp = models.DateTimeField(blank=True, null=True)
    modified = models.DateTimeField(default=timezone.now)

    class Meta:
        unique_together = [("course_id", "user_id")]


class PersistentSubsectionGrade(models.Model):
    user_id = models.IntegerField()
    course_id = CourseKeyField(max_length=255)
    usage_key = UsageKeyField(max_length=255)
    earned_all = models.FloatField()
    possible_all = models.FloatField()
    earned_graded = models.FloatField()
    possible_graded = models.FloatField()
    first_attempted = models.DateTimeField(null=True, blank=True)
    modified = models.DateTimeField(default=timezone.now)

    class Meta:
        unique_together = [("course_id", "user_id", "usage_key")]


class PersistentSubsectionGradeOverride(models.Model):
    grade = models.OneToOneField(PersistentSubsectionGrade, related_name="override", on_delete=models.CASCADE)
    earned_all_override = models.FloatField(null=True, blank=True)
    possible_all_override = models.FloatField(null=True, blank=True)
    earned_graded_override = models.FloatField(null=True, blank=True)
    possible_graded_override = models.FloatField(null=True, blank=True)
