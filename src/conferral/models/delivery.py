"""Messages to learners, and the work of sending them."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.models.credential import Credential
from conferral.models.queue import Work


class Delivery(Work):
    """One message about one credential: `sequence` counts those that a person asked to send again.

    .. pii: That a learner was written to, and what the mail server answered.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    class State(models.TextChoices):
        """Waiting; accepted by the transport; given up; not to be sent, for the reason in `last_error`."""

        PENDING = "pending"
        SENT = "sent"
        FAILED = "failed"
        SKIPPED = "skipped"

    class Purpose(models.TextChoices):
        """A first credential is there; the one that takes another's place is there; a name stays as it is."""

        ISSUED = "issued", _("the credential is ready")
        CORRECTED = "corrected", _("the corrected credential is ready")
        REFUSED = "refused", _("the name stays as it is")

    credential = models.ForeignKey(
        Credential, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("credential")
    )
    channel = models.CharField(_("channel"), max_length=20, default="email")
    purpose = models.CharField(_("what it is about"), max_length=20, choices=Purpose.choices)
    sequence = models.PositiveIntegerField(_("which time"), default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    sent = models.DateTimeField(pgettext_lazy("when", "sent"), null=True, blank=True, db_index=True)
    ended = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When it was sent, or known that it is not to be sent"
    )

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        constraints = [
            models.UniqueConstraint(
                fields=["credential", "channel", "purpose", "sequence"], name="conferral_delivery_once"
            )
        ]
        indexes = [
            models.Index(fields=["state", "purpose"], name="conferral_delivery_state"),
            models.Index(fields=["state", "next_try", "id"], name="conferral_delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.sequence} of {self.credential_id}"
