"""What a learner earned."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.contract import KEY_LENGTH
from conferral.models.configuration import CredentialConfiguration
from conferral.models.edition import Edition
from conferral.models.learner import Learner
from conferral.models.run import Run
from conferral.models.verification import LENGTH, new_id, shown


class Credential(models.Model):
    """A snapshot: later edits of the course, the learner's name or the type never change it.

    `current` is true from insert until superseded, then NULL (never False): held, failed, revoked and expired
    credentials keep the learner's place, so that nobody gets a second one.

    .. pii: The recipient's name and the facts that qualified them.
    .. pii_types: name, other
    .. pii_retirement: local_api
    """

    class State(models.TextChoices):
        """Not released yet; artifacts not made yet; all required ones stored; could not be made."""

        HELD = "held"
        PENDING = "pending"
        AVAILABLE = "available"
        FAILED = "failed"

    class NameForm(models.TextChoices):
        """How the page shows the recipient's name, as its holder chose; the files have it in full."""

        FULL = "full"
        INITIALS = "initials"

    verification_id = models.CharField(_("number"), max_length=LENGTH, unique=True, default=new_id)
    learner = models.ForeignKey(
        Learner, on_delete=models.PROTECT, related_name="credentials", verbose_name=_("learner")
    )
    configuration = models.ForeignKey(
        CredentialConfiguration, on_delete=models.PROTECT, related_name="credentials", verbose_name=_("configuration")
    )
    edition = models.ForeignKey(
        Edition, on_delete=models.PROTECT, related_name="credentials", verbose_name=_("edition")
    )
    run = models.ForeignKey(
        Run, null=True, on_delete=models.PROTECT, related_name="credentials", verbose_name=_("issuing run")
    )
    recipient_name = models.CharField(_("name on the credential"), max_length=255, blank=True, db_index=True)
    context_key = models.CharField(_("course, lesson or pathway"), max_length=KEY_LENGTH)
    context_name = models.CharField(max_length=255)
    context_organisation = models.CharField(max_length=255, blank=True)
    context_start = models.DateTimeField(null=True, blank=True)
    context_end = models.DateTimeField(null=True, blank=True)
    locale = models.CharField(max_length=35)
    evidence = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.HELD)
    earned = models.DateTimeField(pgettext_lazy("when", "earned"))
    issued = models.DateTimeField(pgettext_lazy("when", "issued"))
    expires = models.DateTimeField(pgettext_lazy("when", "expires"), null=True, blank=True)
    recorded = models.DateTimeField(
        pgettext_lazy("when", "recorded"),
        default=timezone.now,
        help_text=_("When it came to be here; a correction keeps the day of issue"),
    )
    revoked = models.DateTimeField(pgettext_lazy("when", "revoked"), null=True, blank=True)
    revoked_reason = models.TextField(_("why it was revoked"), blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("revoked by"),
    )
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    current = models.BooleanField(null=True, default=True)
    hidden = models.BooleanField(default=False, help_text="Its holder shows strangers the verdict alone")
    name_form = models.CharField(max_length=10, choices=NameForm.choices, default=NameForm.FULL)
    notify = models.BooleanField(default=True, help_text="Whether the learner is written to once it is available")

    class Meta:
        permissions = [
            ("award_credential", "Can award a credential by hand"),
            ("release_credential", "Can release or refuse held credentials"),
            ("rename_credential", "Can correct the name on a credential"),
            ("reissue_credential", "Can issue a credential again"),
            ("revoke_credential", "Can revoke a credential"),
            ("resend_credential", "Can send the mail about a credential again"),
            ("retry_credential", "Can try again what failed of a credential"),
        ]
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        constraints = [
            models.UniqueConstraint(fields=["configuration", "learner", "current"], name="conferral_credential_place")
        ]
        # What became of it, from what splits most: a list of the few in a state reads those alone.
        indexes = [
            models.Index(fields=["current", "revoked", "state", "expires"], name="conferral_credential_standing")
        ]

    def __str__(self) -> str:
        return shown(self.verification_id)
