"""A learner in a configuration, before a credential."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.models.configuration import CredentialConfiguration
from conferral.models.learner import Learner


class Candidate(models.Model):
    """Since when the learner qualifies, while a waiting period runs; and what a person said of them beforehand.

    A verdict stands until somebody takes it back: `always` issues whatever the rule says, `never` whatever it says.

    .. pii: Why staff said that a learner always or never gets a credential.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    class Verdict(models.TextChoices):
        """What a person said; nothing: the rule decides."""

        RULE = "", _("the rule decides")
        ALWAYS = "always", _("always issued")
        NEVER = "never", _("never issued")

    configuration = models.ForeignKey(
        CredentialConfiguration, on_delete=models.CASCADE, related_name="candidates", verbose_name=_("configuration")
    )
    learner = models.ForeignKey(
        Learner, on_delete=models.PROTECT, related_name="candidacies", verbose_name=_("learner")
    )
    qualified = models.DateTimeField(pgettext_lazy("when", "qualifies since"), null=True, blank=True)
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices, default=Verdict.RULE, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(_("by"), max_length=255, blank=True)
    said = models.DateTimeField(
        pgettext_lazy("when", "said"), null=True, blank=True, help_text=_("When the verdict was given")
    )

    class Meta:
        verbose_name = _("candidate")
        verbose_name_plural = _("candidates")
        constraints = [models.UniqueConstraint(fields=["configuration", "learner"], name="conferral_candidate_once")]
        indexes = [
            models.Index(fields=["configuration", "verdict", "id"], name="conferral_candidate_verdict"),
            models.Index(fields=["verdict", "id"], name="conferral_candidate_listed"),
        ]

    def __str__(self) -> str:
        return f"{self.learner_id} in {self.configuration_id}"
