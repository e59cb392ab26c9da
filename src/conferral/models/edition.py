"""How a credential was made: frozen, and stored once for a million credentials."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.models.asset import CredentialAsset
from conferral.models.credential_type import CredentialType


class Edition(models.Model):
    """The merged and complete options, wording, issuer and asset versions; found again by the hash of its content.

    .. no_pii:
    """

    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True)
    type = models.ForeignKey(
        CredentialType, on_delete=models.PROTECT, related_name="editions", verbose_name=_("credential type")
    )
    content = models.JSONField()
    created = models.DateTimeField(pgettext_lazy("when", "made"), auto_now_add=True)

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")

    def __str__(self) -> str:
        return self.sha256[:12]


class EditionAsset(models.Model):
    """An asset version that an edition uses, which therefore cannot be deleted.

    .. no_pii:
    """

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="assets")
    asset = models.ForeignKey(
        CredentialAsset, on_delete=models.PROTECT, related_name="editions", verbose_name=_("asset")
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "asset"], name="conferral_editionasset_once")]

    def __str__(self) -> str:
        return f"{self.asset_id} in {self.edition_id}"
