"""Work that waits in the database: the database is the queue, and whoever claims a row by conditional update has it."""

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class WorkQuerySet(models.QuerySet[Any]):
    """Rows of work, by whether they are due."""

    def due(self, now: datetime) -> Self:
        """Rows whose time has come and that nobody holds."""
        return self.filter(Q(claimed_until=None) | Q(claimed_until__lte=now), next_try__lte=now)


class Work(models.Model):
    """One piece of work. `next_try` is NULL when there is nothing (more) to do; `claim` is the holder's token.

    Each has an index of `state`, `next_try` and the key, by which a batch is found without sorting all that waits.
    """

    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_try = models.DateTimeField(_("next attempt"), null=True, blank=True)
    claim = models.CharField(max_length=120, blank=True, db_index=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(_("what went wrong"), blank=True)

    objects = WorkQuerySet.as_manager()

    class Meta:
        abstract = True
