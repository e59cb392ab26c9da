"""The emergency stop, which whoever runs the site pulls and releases."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conferral.contract import Phrase

PAUSED = Phrase("paused since %(since)s UTC")
PAUSED_BECAUSE = Phrase("paused since %(since)s UTC (%(why)s)")


class Standstill(models.Model):
    """While there is a row, no run begins or issues, and no mail goes out; there is one at most (`only` is True).

    .. no_pii:
    """

    only = models.BooleanField(default=True, unique=True, editable=False)
    since = models.DateTimeField(_("since"))
    reason = models.CharField(_("reason"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("emergency stop")
        verbose_name_plural = _("emergency stop")

    def __str__(self) -> str:
        told = {"since": f"{self.since:%Y-%m-%d %H:%M}", "why": self.reason}
        return (PAUSED_BECAUSE if self.reason else PAUSED) % told
