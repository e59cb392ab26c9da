"""The service's settings, with messages that are acknowledged after the work; and it says which come again."""

import logging
from typing import Any

from celery.signals import task_prerun

from conferral.service.settings import *  # noqa: F403

CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True


@task_prerun.connect
def say(task: Any, **about: Any) -> None:
    """As the broker marks them."""
    if task.request.delivery_info.get("redelivered"):
        logging.getLogger("conferral").warning("delivered again: %s", task.name)
