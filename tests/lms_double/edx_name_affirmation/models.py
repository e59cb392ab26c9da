"""Names that were verified, and who wants them on certificates."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class VerifiedName(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, db_constraint=False, db_index=True, on_delete=models.CASCADE)
    verified_name = models.CharField(max_length=255, db_index=True)
    profile_name = models.CharField(max_length=255, null=True)
    status = models.CharField(max_length=32, default="pending")
    created = models.DateTimeField(default=timezone.now)


class VerifiedNameConfig(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_constraint=False,
        db_index=True,
        on_delete=models.CASCADE,
        related_name="verified_name_config",
    )
    use_verified_name_for_certs = models.BooleanField(default=False)
    change_date = models.DateTimeField(default=timezone.now)
