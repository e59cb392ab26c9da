"""Pathways, their steps, their members."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField

from learning_paths.keys import LearningPathKeyField
from stamped import Stamped


class LearningPath(Stamped):
    key = LearningPathKeyField(max_length=255, unique=True, db_index=True)
    uuid = models.UUIDField(blank=True, default=uuid4, editable=False, unique=True)
    display_name = models.CharField(max_length=255)
    subtitle = models.TextField(blank=True)
    description = models.TextField(blank=True)
    level = models.CharField(max_length=255, blank=True)
    duration = models.CharField(max_length=255, blank=True)
    time_commitment = models.CharField(max_length=255, blank=True)
    sequential = models.BooleanField(default=False)
    invite_only = models.BooleanField(default=True)
    enrolled_users = models.ManyToManyField(settings.AUTH_USER_MODEL, through="LearningPathEnrollment")


class LearningPathStep(Stamped):
    course_key = CourseKeyField(max_length=255)
    learning_path = models.ForeignKey(LearningPath, related_name="steps", on_delete=models.CASCADE)
    order = models.PositiveIntegerField(blank=True, null=True)
    weight = models.FloatField(default=1.0)

    class Meta:
        unique_together = ("learning_path", "course_key")


class LearningPathEnrollment(Stamped):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    learning_path = models.ForeignKey(LearningPath, on_delete=models.CASCADE)
    is_active = models.BooleanField(default=True)

    class Meta:
        unique_together = ("user", "learning_path")


class LearningPathGradingCriteria(models.Model):
    learning_path = models.OneToOneField(LearningPath, related_name="grading_criteria", on_delete=models.CASCADE)
    required_completion = models.FloatField(default=0.80)
    required_grade = models.FloatField(default=0.75)
