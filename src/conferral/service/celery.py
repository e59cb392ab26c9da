"""The Celery app of the standalone service: `celery --app conferral.service worker`, `… beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conferral.service.settings")

app = Celery("conferral")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
