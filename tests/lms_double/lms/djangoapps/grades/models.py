"""Stored grades: of the course, of subsections, and what staff put in their place."""

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField

from stamped import Stamped


class VisibleBlocks(models.Model):
    blocks_json = models.TextField()
    hashed = models.CharField(max_length=100, unique=True)
    course_id = CourseKeyField(max_length=255, db_index=True)


class PersistentCourseGrade(Stamped):
    id = models.BigAutoField(primary_key=True)
    user_id = models.IntegerField(db_index=True)
    course_id = CourseKeyField(max_length=255)
    course_edited_timestamp = models.DateTimeField(blank=True, null=True)
    course_version = models.CharField(blank=True, max_length=255)
    grading_policy_hash = models.CharField(max_length=255)
    percent_grade = models.FloatField()
    # Empty: not passing.
    letter_grade = models.CharField(max_length=255)
    # Set once, never cleared.
    passed_timestamp = models.DateTimeField(blank=True, null=True)

    class Meta:
        unique_together = [("course_id", "user_id")]
        indexes = [
            models.Index(fields=["passed_timestamp", "course_id"], name="double_grade_passed"),
            models.Index(fields=["modified", "course_id"], name="double_grade_modified"),
        ]


class PersistentSubsectionGrade(Stamped):
    id = models.BigAutoField(primary_key=True)
    user_id = models.IntegerField()
    course_id = CourseKeyField(max_length=255)
    usage_key = UsageKeyField(max_length=255)
    subtree_edited_timestamp = models.DateTimeField(blank=True, null=True)
    course_version = models.CharField(blank=True, max_length=255)
    earned_all = models.FloatField()
    possible_all = models.FloatField()
    earned_graded = models.FloatField()
    possible_graded = models.FloatField()
    first_attempted = models.DateTimeField(null=True, blank=True)
    visible_blocks = models.ForeignKey(
        VisibleBlocks, db_column="visible_blocks_hash", to_field="hashed", on_delete=models.CASCADE
    )

    class Meta:
        unique_together = [("course_id", "user_id", "usage_key")]
        indexes = [
            models.Index(fields=["modified", "course_id", "usage_key"], name="double_subsection_modified"),
            models.Index(fields=["first_attempted", "course_id", "user_id"], name="double_subsection_attempted"),
        ]


class PersistentSubsectionGradeOverride(models.Model):
    grade = models.OneToOneField(PersistentSubsectionGrade, related_name="override", on_delete=models.CASCADE)
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    modified = models.DateTimeField(auto_now=True, db_index=True)
    earned_all_override = models.FloatField(null=True, blank=True)
    possible_all_override = models.FloatField(null=True, blank=True)
    earned_graded_override = models.FloatField(null=True, blank=True)
    possible_graded_override = models.FloatField(null=True, blank=True)
    system = models.CharField(max_length=100, blank=True, null=True)
    override_reason = models.CharField(max_length=300, blank=True, null=True)
