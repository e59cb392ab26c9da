"""Completion added up over blocks."""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField

from stamped import Stamped


class Aggregator(Stamped):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_key = CourseKeyField(max_length=255)
    # "course", "chapter", "sequential", "vertical": the kind of block that is added up.
    aggregation_name = models.CharField(max_length=255)
    block_key = UsageKeyField(max_length=255)
    earned = models.FloatField()
    possible = models.FloatField()
    percent = models.FloatField()
    last_modified = models.DateTimeField()

    class Meta:
        unique_together = [("course_key", "block_key", "user", "aggregation_name")]
        indexes = [
            models.Index(fields=["user", "aggregation_name", "course_key"], name="double_aggregator_user"),
            models.Index(
                fields=["course_key", "aggregation_name", "block_key", "percent"], name="double_aggregator_percent"
            ),
        ]
