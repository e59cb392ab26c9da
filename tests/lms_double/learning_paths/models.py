"""Pathways, their steps, their members."""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField

from learning_paths.keys import LearningPathKeyField


class LearningPath(models.Model):
    key = LearningPathKeyField(max_length=255, unique=True, db_index=True)
    display_name = models.CharField(max_length=255)
    sequential = models.BooleanField(default=False)
    invite_only = models.BooleanField(default=True)
    enrolled_users = models.ManyToManyField(settings.AUTH_USER_MODEL, through="LearningPathEnrollment")


class LearningPathStep(models.Model):
    course_key = CourseKeyField(max_length=255)
    learning_path = models.ForeignKey(LearningPath, related_name="steps", on_delete=models.CASCADE)
    order = models.PositiveIntegerField(blank=True, null=True)

    class Meta:
        unique_together = ("learning_path", "course_key")


class LearningPathEnrollment(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, db_constraint=False, on_delete=models.CASCADE)
    learning_path = models.ForeignKey(LearningPath, on_delete=models.CASCADE)
    is_active = models.BooleanField(default=True)

    class Meta:
        unique_together = ("user", "learning_path")
