"""Kinds of credential: how learners qualify, and what they get."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class CredentialType(models.Model):
    """A processor with its options, generators by slot, and the wording; applied to contexts by configurations.

    `generators` is `{slot: {generator, required, options}}`; `validity` is `{years, months, days}`, empty for ever;
    `kinds` limits the contexts that it may be applied to, empty for all that its processor knows; `audience` says who
    of those that qualify gets one; `publish` what its pages tell strangers.

    .. pii: Options of a rule may name learners, as those of `listed` do.
    .. pii_types: username, email_address
    .. pii_retirement: local_api
    """

    class PrintedDate(models.TextChoices):
        """Which date a credential prints as its own."""

        ISSUED = "issued", _("Day of issue")
        EARNED = "earned", _("Day on which it was earned")
        END = "end", _("End of the course")

    name = models.CharField(_("name"), max_length=255, unique=True)
    kinds = models.JSONField(_("for"), default=list, blank=True)
    processor = models.CharField(_("rule"), max_length=100)
    processor_options = models.JSONField(_("options of the rule"), default=dict, blank=True)
    audience = models.JSONField(_("who may get one"), default=dict, blank=True)
    generators = models.JSONField(_("designs"), default=dict, blank=True)
    fields = models.JSONField(_("fields"), default=dict, blank=True)
    wording = models.JSONField(default=dict, blank=True)
    publish = models.JSONField(_("what its pages tell"), default=dict, blank=True)
    locale = models.CharField(_("language"), max_length=35, blank=True)
    printed_date = models.CharField(
        _("printed date"), max_length=10, choices=PrintedDate.choices, default=PrintedDate.ISSUED
    )
    validity = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("credential type")
        verbose_name_plural = _("credential types")

    def __str__(self) -> str:
        return self.name
