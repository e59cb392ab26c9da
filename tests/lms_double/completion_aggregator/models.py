"""Completion added up over blocks."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField


class Aggregator(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, db_constraint=False, on_delete=models.CASCADE)
    course_key = CourseKeyField(max_length=255)
    aggregation_name = models.CharField(max_length=255)
    block_key = UsageKeyField(max_length=255)
    earned = models.FloatField()
    possible = models.FloatField(null=True)
    percent = models.FloatField()
    last_modified = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["user", "aggregation_name", "course_key"], name="double_aggregator")]
