"""When a row was made and last saved, as most tables of the LMS have it."""

from django.db import models
from django.utils import timezone


class Stamped(models.Model):
    created = models.DateTimeField(default=timezone.now, editable=False)
    modified = models.DateTimeField(auto_now=True, editable=False)

    class Meta:
        abstract = True
