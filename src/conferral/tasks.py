"""Celery's wrappers around the use cases. A message is a nudge: the database knows what is due.

So losing one costs a sweep. Each task does one piece of work and nudges the next: long work shares the workers fairly
with short work.
"""

import logging
from typing import Any

from celery import Task, current_app, shared_task

from conferral import schedules
from conferral.issuance import run as runs
from conferral.issuance.deliver import deliver_batch
from conferral.issuance.generate import generate_batch
from conferral.issuance.sweep import sweep as look_around
from conferral.settings import current

logger = logging.getLogger(__name__)

GENERATE, DELIVER = "conferral.generate", "conferral.deliver"
VERSION = 1
"""Of what messages say. While a site is deployed, old and new code get messages of both."""
EXPIRES = 60
"""Seconds: whatever a nudge asked for, the next sweep asks for again."""


class Nudge(Task):  # type: ignore[misc]  # Celery has no types
    """A task whose messages say their version: one of another version is dropped, and the sweep makes it good."""

    ignore_result = True
    expires = EXPIRES
    queue: str | None = None

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Adds the version."""
        headers = {**(options.pop("headers", None) or {}), "conferral_version": VERSION}
        return super().apply_async(args, kwargs, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs it, or drops it. Messages from before there were versions have none."""
        version = (self.request.get("headers") or {}).get("conferral_version") or self.request.get("conferral_version")
        if version in (None, VERSION):
            return super().__call__(*args, **kwargs)
        logger.info("a message of version %s was dropped: this is %s; the next sweep makes it good", version, VERSION)
        return None


def _on(queue: str) -> dict[str, Any]:
    return {"base": Nudge, **({"queue": queue} if queue else {})}


def queues() -> set[str]:
    """The queues that our messages go to: those of the settings, else the Celery app's own, whichever app that is."""
    route = current_app.amqp.router.route
    found = (task.queue or route({}, task.name)["queue"] for task in (run_if_due, generate, deliver, sweep))
    return {str(getattr(queue, "name", queue)) for queue in found}


@shared_task(name=schedules.RUN_IF_DUE, **_on(current().queue))
def run_if_due(configuration_id: int) -> None:
    """Runs a configuration whose time has come; then its certificates are made."""
    if ended := runs.run_if_due(configuration_id):
        logger.info("issuing run %s of %s: %s issued", ended.pk, ended.configuration, ended.issued)
        generate.delay()


@shared_task(name=GENERATE, **_on(current().generate_queue))
def generate() -> None:
    """Makes a batch of artifacts; then their learners are written to."""
    if generate_batch():
        deliver.delay()
        generate.delay()


@shared_task(name=DELIVER, **_on(current().deliver_queue))
def deliver() -> None:
    """Sends a batch of messages."""
    if deliver_batch():
        deliver.delay()


@shared_task(name=schedules.SWEEP, **_on(current().queue))
def sweep() -> None:
    """Each minute: nudges all that is due."""
    waiting = look_around()
    for configuration_id in waiting.configurations:
        run_if_due.delay(configuration_id)
    if waiting.artifacts:
        generate.delay()
    if waiting.messages:
        deliver.delay()
