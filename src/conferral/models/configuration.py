"""A credential type in one learning context, with its schedule."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask

from conferral.contract import KEY_LENGTH
from conferral.models.credential_type import CredentialType

NAME_LENGTH = 255


class CredentialConfiguration(models.Model):
    """What an instructor switches on. Overrides are sparse: mappings merge, everything else replaces, null removes.

    `step_options` are the processor's overrides by step of a pathway; `schedule` is `{crontab}`, `{every}` or `{at}`,
    empty for runs by hand alone. `next_run_at` is the truth of when it runs, its periodic task wakes somebody to look;
    `opening` and `guards` are the rules that tie it to the course's dates and hold a run that issues too much. What
    `opening` comes to with the course's dates is in `opens_at` and `closes_at`, what the source calls it in
    `context_name`; `closed` is since when it has closed by
    itself, which is not `enabled`: that is a person's alone.

    .. pii: Options of a rule may name learners, as those of `listed` do.
    .. pii_types: username, email_address
    .. pii_retirement: local_api
    """

    context_key = models.CharField(_("course, lesson or pathway"), max_length=KEY_LENGTH)
    context_name = models.CharField(_("name"), max_length=NAME_LENGTH, blank=True, editable=False)
    type = models.ForeignKey(
        CredentialType, on_delete=models.PROTECT, related_name="configurations", verbose_name=_("credential type")
    )
    enabled = models.BooleanField(_("enabled"), default=False)
    archived = models.DateTimeField(null=True, blank=True)
    processor_options = models.JSONField(_("options of the rule"), default=dict, blank=True)
    step_options = models.JSONField(_("options by step"), default=dict, blank=True)
    audience = models.JSONField(_("who may get one"), default=dict, blank=True)
    generators = models.JSONField(_("designs"), default=dict, blank=True)
    fields = models.JSONField(_("fields"), default=dict, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    schedule = models.JSONField(default=dict, blank=True)
    schedule_since = models.DateTimeField(
        null=True, blank=True, help_text="When the schedule was given: `every` counts"
    )
    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    periodic_task = models.OneToOneField(
        PeriodicTask, null=True, blank=True, on_delete=models.SET_NULL, related_name="conferral_configuration"
    )
    opening = models.JSONField(default=dict, blank=True)
    guards = models.JSONField(default=dict, blank=True)
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    closed = models.DateTimeField(null=True, blank=True)
    closed_why = models.CharField(max_length=255, blank=True)

    class Meta:
        permissions = [
            ("run_credentialconfiguration", "Can run a credential configuration, or try it out"),
            ("list_credentialconfiguration", "Can say who is always or never issued"),
        ]
        verbose_name = _("credential configuration")
        verbose_name_plural = _("credential configurations")
        constraints = [models.UniqueConstraint(fields=["context_key", "type"], name="conferral_configuration_once")]

    def __str__(self) -> str:
        return f"{self.context_key} · {self.type}"
