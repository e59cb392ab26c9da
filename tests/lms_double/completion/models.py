"""Which blocks a learner has completed."""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import LearningContextKeyField, UsageKeyField

from stamped import Stamped


class BlockCompletion(Stamped):
    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    context_key = LearningContextKeyField(max_length=255, db_column="course_key")
    block_key = UsageKeyField(max_length=255)
    block_type = models.CharField(max_length=64)
    completion = models.FloatField()

    class Meta:
        unique_together = [("context_key", "block_key", "user")]
        indexes = [
            models.Index(fields=["context_key", "block_type", "user"], name="double_completion_type"),
            models.Index(fields=["user", "context_key", "modified"], name="double_completion_latest"),
        ]
        get_latest_by = "modified"
