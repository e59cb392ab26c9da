"""The files of a credential, and the work of making them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conferral.models.credential import Credential
from conferral.models.edition import Edition
from conferral.models.queue import Work


class CredentialArtifact(Work):
    """One slot's file or remote credential, and the work of making it.

    It is inserted with its credential, without a file name; it is due from the moment the run is closed until it is
    stored or has failed.

    .. pii: The stored file shows the learner's name.
    .. pii_types: name
    .. pii_retirement: local_api
    """

    class State(models.TextChoices):
        """Still to be made; put away; could not be made."""

        PENDING = "pending"
        STORED = "stored"
        FAILED = "failed"

    credential = models.ForeignKey(
        Credential, on_delete=models.PROTECT, related_name="artifacts", verbose_name=_("credential")
    )
    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="artifacts", verbose_name=_("edition"))
    slot = models.CharField(_("design"), max_length=50)
    required = models.BooleanField(_("required"), default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    filename = models.CharField(_("file name"), max_length=150, blank=True)
    media_type = models.CharField(_("kind of file"), max_length=100, blank=True)
    storage_name = models.CharField(max_length=255, blank=True)
    url = models.URLField(_("address"), max_length=500, blank=True)
    receipt = models.JSONField(default=dict, blank=True)
    problems = models.JSONField(default=list, blank=True)
    size = models.PositiveBigIntegerField(_("size"), null=True, blank=True, help_text=_("Bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, db_index=True)
    generator_version = models.CharField(_("version of the program that made it"), max_length=50, blank=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [
            models.UniqueConstraint(fields=["credential", "slot", "filename"], name="conferral_artifact_file")
        ]
        indexes = [
            models.Index(fields=["state", "slot"], name="conferral_artifact_state"),
            models.Index(fields=["state", "next_try", "id"], name="conferral_artifact_due"),
        ]

    def __str__(self) -> str:
        return f"{self.credential_id} {self.slot} {self.filename}"
