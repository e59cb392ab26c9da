"""Issuing many again, in the background."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conferral.models.configuration import CredentialConfiguration
from conferral.models.edition import Edition


class Reissue(models.Model):
    """Credentials of one configuration that are issued again: all, or a selection by their keys.

    `edition` is the design that they get, frozen when it was asked for; without one each keeps its own. `cursor` is the
    key that the last batch ended with, `until` the largest there was: what a batch makes is never made again.

    .. pii: Who of the staff asked for it, and why.
    .. pii_types: username, other
    .. pii_retirement: retained
    """

    class Status(models.TextChoices):
        """How far it came."""

        ASKED = "asked"
        RUNNING = "running"
        FINISHED = "finished"
        CANCELLED = "cancelled"
        FAILED = "failed"

    configuration = models.ForeignKey(CredentialConfiguration, on_delete=models.PROTECT, related_name="reissues")
    edition = models.ForeignKey(Edition, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    names = models.BooleanField(default=False, help_text="Whether they take the names that the learners have by now")
    notify = models.BooleanField(default=True, help_text="Whether the learners are written to")
    selection = models.JSONField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=255)
    reason = models.TextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ASKED, db_index=True)
    claim = models.CharField(max_length=120, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    asked = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)
    until = models.BigIntegerField(default=0)
    cursor = models.BigIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    reissued = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("reissue")
        verbose_name_plural = _("reissues")

    def __str__(self) -> str:
        return f"reissue {self.pk} of {self.configuration_id}"
