"""Uploaded files that generators use: templates, fonts, pictures."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class CredentialAsset(models.Model):
    """One immutable version of a file; the slug names the current one.

    .. no_pii:
    """

    class Kind(models.TextChoices):
        """What the file is, said by the ending of its name and checked on upload."""

        PDF = "pdf", "PDF"
        FONT = "font", "Font"
        IMAGE = "image", "Image"

    slug = models.SlugField(max_length=100)
    version = models.PositiveIntegerField()
    current = models.BooleanField(null=True, default=True, help_text="True for the current version, else empty")
    description = models.CharField(max_length=255, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    filename = models.CharField(max_length=255)
    storage_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(help_text="Bytes")
    sha256 = models.CharField(max_length=64, db_index=True)
    uploaded = models.DateTimeField(auto_now_add=True)
    activates = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When this version becomes the current one by itself"
    )

    class Meta:
        verbose_name = _("asset")
        verbose_name_plural = _("assets")
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="conferral_asset_version"),
            models.UniqueConstraint(fields=["slug", "current"], name="conferral_asset_current"),
        ]

    def __str__(self) -> str:
        return f"{self.slug} (version {self.version})"
