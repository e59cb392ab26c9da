"""One pass over one configuration."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.models.configuration import CredentialConfiguration


class Run(models.Model):
    """Its trigger, counts, progress and outcome. `active` is true while it runs and NULL after: one at a time.

    `claim` is the holder's token, which every write of the run names; a holder whose lease ran out has lost it.
    `already` counts those too whom an earlier run holds; `release`: a person said beforehand that nothing is held.
    `expected` is how many learners the run before looked at; `attempts` and `next_try` are of a series of failures.

    .. pii: Who of the staff began it; what was said when it was cancelled may name learners.
    .. pii_types: username, other
    .. pii_retirement: local_api
    """

    class Status(models.TextChoices):
        """How far it came: asked for, under way, ended; held until a person releases or refuses what it holds."""

        ASKED = "asked"
        RUNNING = "running"
        FINISHED = "finished"
        HELD = "held"
        REFUSED = "refused"
        CANCELLED = "cancelled"
        FAILED = "failed"
        LOST = "lost"

    class Trigger(models.TextChoices):
        """What began it: its time had come, or a person had made it come; a command; a person on a page."""

        SCHEDULE = "schedule"
        COMMAND = "command"
        PERSON = "person"

    configuration = models.ForeignKey(
        CredentialConfiguration, on_delete=models.PROTECT, related_name="runs", verbose_name=_("configuration")
    )
    trigger = models.CharField(max_length=20, choices=Trigger.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("begun by"),
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    active = models.BooleanField(null=True, default=True)
    notify = models.BooleanField(
        _("learners are written to"), default=True, help_text=_("Whether those issued to are written to")
    )
    release = models.BooleanField(default=False, help_text="Whether guards and review let it pass, as a person said")
    claim = models.CharField(max_length=120, unique=True)
    claimed_until = models.DateTimeField()
    started = models.DateTimeField(pgettext_lazy("when", "begun"))
    ended = models.DateTimeField(pgettext_lazy("when", "ended"), null=True, blank=True, db_index=True)
    attempts = models.PositiveIntegerField(default=1)
    next_try = models.DateTimeField(null=True, blank=True)
    expected = models.PositiveIntegerField(null=True, blank=True)
    evaluated = models.PositiveIntegerField(pgettext_lazy("how many", "looked at"), default=0)
    eligible = models.PositiveIntegerField(pgettext_lazy("how many", "qualified"), default=0)
    already = models.PositiveIntegerField(pgettext_lazy("how many", "had one already"), default=0)
    issued = models.PositiveIntegerField(pgettext_lazy("how many", "issued"), default=0)
    held = models.PositiveIntegerField(pgettext_lazy("how many", "held back"), default=0)
    waiting = models.PositiveIntegerField(pgettext_lazy("how many", "waiting"), default=0)
    refused = models.PositiveIntegerField(pgettext_lazy("how many", "refused"), default=0)
    failed = models.PositiveIntegerField(pgettext_lazy("how many", "failed"), default=0)
    error = models.TextField(_("what went wrong"), blank=True)
    remarks = models.TextField(
        _("remarks"), blank=True, help_text=_("What a person should look at, though the run went on")
    )

    class Meta:
        verbose_name = _("issuing run")
        verbose_name_plural = _("issuing runs")
        constraints = [models.UniqueConstraint(fields=["configuration", "active"], name="conferral_run_active")]
        indexes = [
            models.Index(fields=["configuration", "id"], name="conferral_run_latest"),
            models.Index(fields=["status"], name="conferral_run_status"),
            models.Index(fields=["trigger"], name="conferral_run_trigger"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.configuration_id}"
