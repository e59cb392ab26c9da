"""Uploaded files that generators use: templates, fonts, pictures."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class CredentialAsset(models.Model):
    """One immutable version of a file; the slug names the current one.

    .. no_pii:
    """

    class Kind(models.TextChoices):
        """What the file is, said by the ending of its name and checked on upload."""

        PDF = "pdf", "PDF"
        FONT = "font", _("Font")
        IMAGE = "image", _("Picture")

    slug = models.SlugField(_("short name"), max_length=100)
    version = models.PositiveIntegerField(_("version"))
    current = models.BooleanField(
        _("current"), null=True, default=True, help_text=_("Yes: the version that designs use")
    )
    description = models.CharField(_("description"), max_length=255, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    filename = models.CharField(_("file name"), max_length=255)
    storage_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(_("size"), help_text=_("Bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64, db_index=True)
    uploaded = models.DateTimeField(pgettext_lazy("when", "uploaded"), auto_now_add=True)
    activates = models.DateTimeField(
        pgettext_lazy("when", "becomes current"),
        null=True,
        blank=True,
        db_index=True,
        help_text=_("When this version becomes the current one by itself"),
    )

    class Meta:
        permissions = [
            ("activate_credentialasset", "Can make a version of an asset the current one"),
        ]
        verbose_name = _("asset")
        verbose_name_plural = _("assets")
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="conferral_asset_version"),
            models.UniqueConstraint(fields=["slug", "current"], name="conferral_asset_current"),
        ]

    def __str__(self) -> str:
        return f"{self.slug} (version {self.version})"
