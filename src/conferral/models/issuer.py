"""Organisations that issue."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conferral.models.asset import CredentialAsset


class Issuer(models.Model):
    """Who issues: chosen by the context's organisation, else the one without an organisation, which is the site's.

    .. pii: Sender and reply-to addresses of an organisation, which may name a person.
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=255)
    organisation = models.CharField(max_length=255, blank=True, unique=True, help_text="Empty: the site's own issuer")
    url = models.URLField(blank=True)
    logo = models.CharField(max_length=100, blank=True, help_text=f"Slug of an image ({CredentialAsset.Kind.IMAGE})")
    colours = models.JSONField(default=dict, blank=True)
    linkedin_id = models.CharField(max_length=50, blank=True)
    sender = models.CharField(max_length=255, blank=True, help_text="From: Demo University <awards@demo.example>")
    reply_to = models.EmailField(blank=True)

    class Meta:
        verbose_name = _("issuer")
        verbose_name_plural = _("issuers")

    def __str__(self) -> str:
        return self.name
