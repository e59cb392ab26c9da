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

        ISSUED = "issued", "Day of issue"
        EARNED = "earned", "Day on which it was earned"
        END = "end", "End of the course"

    name = models.CharField(max_length=255, unique=True)
    kinds = models.JSONField(default=list, blank=True)
    processor = models.CharField(max_length=100)
    processor_options = models.JSONField(default=dict, blank=True)
    audience = models.JSONField(default=dict, blank=True)
    generators = models.JSONField(default=dict, blank=True)
    fields = models.JSONField(default=dict, blank=True)
    wording = models.JSONField(default=dict, blank=True)
    publish = models.JSONField(default=dict, blank=True)
    locale = models.CharField(max_length=35, blank=True)
    printed_date = models.CharField(max_length=10, choices=PrintedDate.choices, default=PrintedDate.ISSUED)
    validity = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("credential type")
        verbose_name_plural = _("credential types")

    def __str__(self) -> str:
        return self.name
