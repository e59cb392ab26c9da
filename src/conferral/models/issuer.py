"""Organisations that issue."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Issuer(models.Model):
    """Who issues: chosen by the context's organisation, else the one without an organisation, which is the site's.

    .. pii: Sender and reply-to addresses of an organisation, which may name a person.
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    slug = models.SlugField(_("short name"), max_length=100, unique=True)
    name = models.CharField(_("name"), max_length=255)
    organisation = models.CharField(
        _("organisation"), max_length=255, blank=True, unique=True, help_text=_("Empty: the site's own issuer")
    )
    url = models.URLField(_("Web address"), blank=True)
    logo = models.CharField(
        _("logo"), max_length=100, blank=True, help_text=_("Short name of a picture among the assets")
    )
    colours = models.JSONField(_("colours"), default=dict, blank=True)
    linkedin_id = models.CharField(_("LinkedIn id"), max_length=50, blank=True)
    sender = models.CharField(
        _("sender"), max_length=255, blank=True, help_text=_("From: Demo University <awards@demo.example>")
    )
    reply_to = models.EmailField(_("Reply to"), blank=True)

    class Meta:
        verbose_name = _("issuer")
        verbose_name_plural = _("issuers")

    def __str__(self) -> str:
        return self.name
