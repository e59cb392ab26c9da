"""Names that were verified, and who wants them on certificates."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from stamped import Stamped


class VerifiedName(Stamped):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, db_index=True, on_delete=models.CASCADE)
    verified_name = models.CharField(max_length=255, db_index=True)
    profile_name = models.CharField(max_length=255, null=True)
    status = models.CharField(max_length=32, default="pending")

    class Meta:
        db_table = "nameaffirmation_verifiedname"


class VerifiedNameConfig(models.Model):
    """A row each time that a learner says so; the latest counts."""

    change_date = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, editable=False, null=True, on_delete=models.PROTECT, related_name="+"
    )
    enabled = models.BooleanField(default=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, db_index=True, on_delete=models.CASCADE, related_name="verified_name_config"
    )
    use_verified_name_for_certs = models.BooleanField(default=False)

    class Meta:
        db_table = "nameaffirmation_verifiednameconfig"
        ordering = ("-change_date",)
