"""The Celery app of the standalone service: `celery --app conferral.service worker`, `… beat`."""

import os
import sys
import threading
import time
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_process_init, worker_ready

SWEEP = "conferral.sweep"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conferral.service.settings")

app = Celery("conferral")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _refuse_a_public_storage(**about: Any) -> None:
    """As the other processes do; what Django's checks find, Celery does not mind."""
    from conferral import storage  # noqa: PLC0415 - they need settings, which are read by now
    from conferral.contract import ConferralError  # noqa: PLC0415

    try:
        storage.check()
    except ConferralError as error:
        sys.exit(f"conferral: {error}")


@worker_process_init.connect
def _end_with_parent(**about: Any) -> None:
    """A process of a worker's pool ends when the worker was killed: nobody would ever give it anything to do."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


@worker_ready.connect
def _look_around(sender: Any, **about: Any) -> None:
    """A worker that has just started takes up at once what an earlier one left."""
    app.send_task(SWEEP, expires=60, ignore_result=True)
