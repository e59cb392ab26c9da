"""Issuing many again, in the background."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.models.configuration import CredentialConfiguration
from conferral.models.edition import Edition


class Reissue(models.Model):
    """Credentials of one configuration that are issued again: all, or a selection by their keys.

    `edition` is the design that they get, frozen when it was asked for; without one each keeps its own. `cursor` is the
    key that the last batch ended with, `until` the largest there was: what a batch makes is never made again.

    .. pii: Who of the staff asked for it, and why; reasons may name learners.
    .. pii_types: username, other
    .. pii_retirement: local_api
    """

    class Status(models.TextChoices):
        """How far it came."""

        ASKED = "asked"
        RUNNING = "running"
        FINISHED = "finished"
        CANCELLED = "cancelled"
        FAILED = "failed"

    configuration = models.ForeignKey(
        CredentialConfiguration, on_delete=models.PROTECT, related_name="reissues", verbose_name=_("configuration")
    )
    edition = models.ForeignKey(
        Edition, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("edition")
    )
    names = models.BooleanField(
        _("with present names"), default=False, help_text=_("Whether they take the names that the learners have by now")
    )
    notify = models.BooleanField(
        _("learners are written to"), default=True, help_text=_("Whether the learners are written to")
    )
    selection = models.JSONField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(_("by"), max_length=255)
    reason = models.TextField(_("reason"))
    status = models.CharField(_("state"), max_length=10, choices=Status.choices, default=Status.ASKED, db_index=True)
    claim = models.CharField(max_length=120, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    asked = models.DateTimeField(pgettext_lazy("when", "asked for"))
    ended = models.DateTimeField(pgettext_lazy("when", "ended"), null=True, blank=True)
    until = models.BigIntegerField(default=0)
    cursor = models.BigIntegerField(default=0)
    total = models.PositiveIntegerField(pgettext_lazy("how many", "in all"), default=0)
    reissued = models.PositiveIntegerField(pgettext_lazy("how many", "issued again"), default=0)
    failed = models.PositiveIntegerField(pgettext_lazy("how many", "failed"), default=0)
    problems = models.JSONField(default=dict, blank=True)
    error = models.TextField(_("what went wrong"), blank=True)

    class Meta:
        verbose_name = _("reissue")
        verbose_name_plural = _("reissues")

    def __str__(self) -> str:
        return f"reissue {self.pk} of {self.configuration_id}"
