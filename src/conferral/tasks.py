"""Celery's wrappers around the use cases. A message is a nudge: the database knows what is due.

So losing one costs a sweep. Each task does one piece of work and nudges the next: long work shares the workers fairly
with short work.
"""

import logging

from celery import current_app, shared_task

from conferral import schedules
from conferral.issuance import run as runs
from conferral.issuance.deliver import deliver_batch
from conferral.issuance.generate import generate_batch
from conferral.issuance.sweep import sweep as look_around

logger = logging.getLogger(__name__)

GENERATE, DELIVER = "conferral.generate", "conferral.deliver"
EXPIRES = 60
"""Seconds: whatever a nudge asked for, the next sweep asks for again."""


def queues() -> set[str]:
    """The queues that our messages go to: the Celery app's own, whichever app that is."""
    route = current_app.amqp.router.route
    found = (route({}, task)["queue"] for task in (schedules.RUN_IF_DUE, GENERATE, DELIVER, schedules.SWEEP))
    return {str(getattr(queue, "name", queue)) for queue in found}


@shared_task(name=schedules.RUN_IF_DUE, ignore_result=True, expires=EXPIRES)
def run_if_due(configuration_id: int) -> None:
    """Runs a configuration whose time has come; then its certificates are made."""
    if ended := runs.run_if_due(configuration_id):
        logger.info("issuing run %s of %s: %s issued", ended.pk, ended.configuration, ended.issued)
        generate.delay()


@shared_task(name=GENERATE, ignore_result=True, expires=EXPIRES)
def generate() -> None:
    """Makes a batch of artifacts; then their learners are written to."""
    if generate_batch():
        deliver.delay()
        generate.delay()


@shared_task(name=DELIVER, ignore_result=True, expires=EXPIRES)
def deliver() -> None:
    """Sends a batch of messages."""
    if deliver_batch():
        deliver.delay()


@shared_task(name=schedules.SWEEP, ignore_result=True, expires=EXPIRES)
def sweep() -> None:
    """Each minute: nudges all that is due."""
    waiting = look_around()
    for configuration_id in waiting.configurations:
        run_if_due.delay(configuration_id)
    if waiting.artifacts:
        generate.delay()
    if waiting.messages:
        deliver.delay()
