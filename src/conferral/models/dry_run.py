"""What a run would do, kept for a while to be looked at."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.contract import KEY_LENGTH
from conferral.models.configuration import CredentialConfiguration


class DryRun(models.Model):
    """One evaluation of a configuration that issues nothing. `figures` are those that a run would come to.

    .. pii: Who of the staff asked for it.
    .. pii_types: username
    .. pii_retirement: retained
    """

    class Status(models.TextChoices):
        """How far it came."""

        ASKED = "asked"
        RUNNING = "running"
        FINISHED = "finished"
        CANCELLED = "cancelled"
        FAILED = "failed"

    configuration = models.ForeignKey(
        CredentialConfiguration, on_delete=models.CASCADE, related_name="dry_runs", verbose_name=_("configuration")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("asked for by"),
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ASKED, db_index=True)
    claim = models.CharField(max_length=120, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(pgettext_lazy("when", "begun"))
    ended = models.DateTimeField(null=True, blank=True)
    evaluated = models.PositiveIntegerField(pgettext_lazy("how many", "looked at"), default=0)
    expected = models.PositiveIntegerField(null=True, blank=True)
    figures = models.JSONField(default=dict, blank=True)
    remarks = models.TextField(blank=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("dry run")
        verbose_name_plural = _("dry runs")

    def __str__(self) -> str:
        return f"dry run {self.pk} of {self.configuration_id}"


class DryRunRow(models.Model):
    """What the run would make of one learner, and why. `mail` is why they could not be written to, if so.

    .. pii: Username and name of a learner, and the facts that decide; for a day.
    .. pii_types: name, username, other
    .. pii_retirement: local_api
    """

    dry_run = models.ForeignKey(DryRun, on_delete=models.CASCADE, related_name="rows")
    learner = models.CharField(max_length=KEY_LENGTH)
    name = models.CharField(max_length=255, blank=True)
    outcome = models.CharField(max_length=10)
    why = models.TextField(blank=True)
    facts = models.JSONField(default=list, blank=True)
    mail = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = _("learner in a dry run")
        verbose_name_plural = _("learners in dry runs")
        indexes = [
            models.Index(fields=["dry_run", "learner"], name="conferral_dryrun_learner"),
            models.Index(fields=["dry_run", "name"], name="conferral_dryrun_name"),
            models.Index(fields=["dry_run", "outcome", "learner"], name="conferral_dryrun_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.learner}: {self.outcome}"
