"""The Celery app of the standalone service: `celery --app conferral.service worker`, `… beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

SWEEP = "conferral.sweep"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conferral.service.settings")

app = Celery("conferral")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def _look_around(sender: Any, **about: Any) -> None:
    """A worker that has just started takes up at once what an earlier one left."""
    app.send_task(SWEEP, expires=60, ignore_result=True)
