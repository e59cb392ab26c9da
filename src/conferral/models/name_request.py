"""Names that holders want to have corrected."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.models.credential import Credential


class NameRequest(models.Model):
    """A holder asks for another name on their credential; staff approve it, which reissues, or refuse it.

    `waiting` is true until somebody has decided, then NULL (never False): of one credential one request waits at most.

    .. pii: The name that the learner wants to be printed, and why.
    .. pii_types: name, other
    .. pii_retirement: local_api
    """

    class Outcome(models.TextChoices):
        """Nobody has decided yet; the credential was reissued with that name; it stays as it is."""

        WAITING = "waiting"
        APPROVED = "approved"
        REFUSED = "refused"

    credential = models.ForeignKey(
        Credential, on_delete=models.PROTECT, related_name="name_requests", verbose_name=_("credential")
    )
    name = models.CharField(_("name asked for"), max_length=255)
    explanation = models.TextField(_("explanation"), blank=True, help_text=_("The learner's own words"))
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.WAITING)
    waiting = models.BooleanField(null=True, default=True)
    reason = models.TextField(_("reason"), blank=True, help_text=_("Why it was refused: the learner is told"))
    asked = models.DateTimeField(pgettext_lazy("when", "asked"), default=timezone.now)
    decided = models.DateTimeField(pgettext_lazy("when", "decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("decided by"),
    )

    class Meta:
        verbose_name = _("request to correct a name")
        verbose_name_plural = _("requests to correct a name")
        constraints = [models.UniqueConstraint(fields=["credential", "waiting"], name="conferral_namerequest_waiting")]
        indexes = [models.Index(fields=["outcome", "id"], name="conferral_namerequest_outcome")]

    def __str__(self) -> str:
        return f"{self.credential}: {self.name}"
