"""Who did what, when and why."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Act(models.Model):
    """What somebody did to an object; written once. `kind` is the model's name, `by_name` outlives the account.

    `details` are figures and values in plain JSON, never a learner's name.

    .. pii: Who of the staff did it, and who teaches a course; reasons may name learners.
    .. pii_types: username, other
    .. pii_retirement: local_api
    """

    kind = models.CharField(_("about"), max_length=40)
    object_id = models.BigIntegerField(_("its number"))
    verb = models.CharField(_("what was done"), max_length=40)
    at = models.DateTimeField(_("when"), default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(_("by"), max_length=255)
    reason = models.TextField(_("reason"), blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("act")
        verbose_name_plural = _("history")
        indexes = [models.Index(fields=["kind", "object_id", "id"], name="conferral_act_of")]

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.object_id}, by {self.by_name}"
