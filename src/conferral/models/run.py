"""One pass over one configuration."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conferral.models.configuration import CredentialConfiguration


class Run(models.Model):
    """Its trigger, counts, progress and outcome. `active` is true while it runs and NULL after: one at a time.

    `claim` is the holder's token, which every write of the run names; a holder whose lease ran out has lost it.

    .. no_pii:
    """

    class Status(models.TextChoices):
        """How far it came."""

        RUNNING = "running"
        FINISHED = "finished"
        HELD = "held"
        FAILED = "failed"
        LOST = "lost"

    class Trigger(models.TextChoices):
        """What began it: its time had come, or a person had made it come; or a command."""

        SCHEDULE = "schedule"
        COMMAND = "command"

    configuration = models.ForeignKey(CredentialConfiguration, on_delete=models.PROTECT, related_name="runs")
    trigger = models.CharField(max_length=20, choices=Trigger.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    active = models.BooleanField(null=True, default=True)
    notify = models.BooleanField(default=True, help_text="Whether those issued to are written to")
    claim = models.CharField(max_length=120, unique=True)
    claimed_until = models.DateTimeField()
    started = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)
    evaluated = models.PositiveIntegerField(default=0)
    eligible = models.PositiveIntegerField(default=0)
    already = models.PositiveIntegerField(default=0)
    issued = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    remarks = models.TextField(blank=True, help_text="What a person should look at, though the run went on")

    class Meta:
        verbose_name = _("issuing run")
        verbose_name_plural = _("issuing runs")
        constraints = [models.UniqueConstraint(fields=["configuration", "active"], name="conferral_run_active")]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.configuration_id}"
