"""Preferences, and accounts that are to be removed."""

from django.conf import settings
from django.db import models

from stamped import Stamped


class UserPreference(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, db_index=True, related_name="preferences", on_delete=models.CASCADE
    )
    key = models.CharField(max_length=255, db_index=True)
    value = models.TextField()

    class Meta:
        unique_together = ("user", "key")

    @classmethod
    def get_value(cls, user, preference_key, default=None):
        found = cls.objects.filter(user=user, key=preference_key).first()
        return found.value if found else default


class RetirementState(models.Model):
    state_name = models.CharField(max_length=30, unique=True)
    state_execution_order = models.SmallIntegerField(unique=True)
    is_dead_end_state = models.BooleanField(default=False, db_index=True)
    required = models.BooleanField(default=False)

    class Meta:
        ordering = ("state_execution_order",)


class UserRetirementRequest(Stamped):
    """Made with the status; it alone stays for good."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    @classmethod
    def has_user_requested_retirement(cls, user):
        return cls.objects.filter(user=user).exists()


class UserRetirementStatus(Stamped):
    """How far it has come; deleted, or emptied of the person, some time after the last step."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    original_username = models.CharField(max_length=150, db_index=True)
    original_email = models.EmailField(db_index=True)
    original_name = models.CharField(max_length=255, blank=True, db_index=True)
    retired_username = models.CharField(max_length=150, db_index=True)
    retired_email = models.EmailField(db_index=True)
    current_state = models.ForeignKey(RetirementState, related_name="current_state", on_delete=models.CASCADE)
    last_state = models.ForeignKey(RetirementState, blank=True, related_name="last_state", on_delete=models.CASCADE)
    responses = models.TextField()
