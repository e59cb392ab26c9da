"""Celery's wrappers around the use cases. A message is a nudge: the database knows what is due.

So losing one costs a sweep. Each task does one piece of work and nudges the next: long work shares the workers fairly
with short work.
"""

import logging
from math import ceil
from typing import Any

from celery import Task, current_app, shared_task

from conferral import journal, schedules
from conferral.issuance import run as runs
from conferral.issuance.daily import daily as once_a_day
from conferral.issuance.deliver import BATCH as MESSAGES
from conferral.issuance.deliver import deliver_batch
from conferral.issuance.dry_run import carry_out
from conferral.issuance.generate import due as due_artifacts
from conferral.issuance.generate import generate_batch
from conferral.issuance.reissue import carry_out_batch
from conferral.issuance.sweep import sweep as look_around
from conferral.issuance.versions import carry_out as activate_version
from conferral.issuance.withdraw import withdraw_batch
from conferral.settings import current

logger = logging.getLogger(__name__)

RUN_ASKED, DRY_RUN, REISSUE = "conferral.run_asked", "conferral.dry_run", "conferral.reissue"
GENERATE, DELIVER, WITHDRAW = "conferral.generate", "conferral.deliver", "conferral.withdraw"
ACTIVATE = "conferral.activate"
VERSION = 1
"""Of what messages say. While a site is deployed, old and new code get messages of both."""
EXPIRES, GOES_ON_WITHIN = 900, 60
"""Seconds. What a nudge asked for the next sweep asks for again; but where the queue is late, for it is shared with
others, it would be dropped each time: so it waits a while. What goes on from there gives way to others."""


class NudgeFailed(Exception):
    """What a task did has failed; the sweep asks for it again when it is still due."""


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
        if self.understands(version):
            return self._discreetly(*args, **kwargs)
        logger.info("a message of version %s was dropped: this is %s; the next sweep makes it good", version, VERSION)
        return None

    def understands(self, version: int | None) -> bool:
        """Whether what such a message says means here what it meant there."""
        return version in (None, VERSION)

    def _discreetly(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except Exception as error:
            journal.breakdown(logger, f"{self.name} failed", error, arguments=list(args))
            failed = type(error).__name__
        # Celery logs it with the error and its variables, which may be somebody's: not with those of the first one.
        raise NudgeFailed(f"{failed}; the log says where")


class Tick(Nudge):
    """What beat sends without arguments: there is nothing to misunderstand, and an old beat keeps new workers going."""

    def understands(self, version: int | None) -> bool:
        """Whoever sent it."""
        return True


CHAINS = 32
"""Batches that are begun at a time; whoever has more workers keeps them all busy within minutes."""


def _on(queue: str, base: type[Nudge] = Nudge) -> dict[str, Any]:
    return {"base": base, **({"queue": queue} if queue else {})}


def queues() -> set[str]:
    """The queues that our messages go to: those of the settings, else the Celery app's own, whichever app that is."""
    route = current_app.amqp.router.route
    found = (task.queue or route({}, task.name)["queue"] for task in (run_if_due, generate, deliver, sweep))
    return {str(getattr(queue, "name", queue)) for queue in found}


@shared_task(name=schedules.RUN_IF_DUE, **_on(current().queue))
def run_if_due(configuration_id: int) -> None:
    """Runs a configuration whose time has come; then its certificates are made."""
    if runs.run_if_due(configuration_id):
        _begin_chains(generate, due_artifacts(), current().batch_size)


@shared_task(name=RUN_ASKED, **_on(current().queue))
def run_asked(run_id: int) -> None:
    """Begins a run that a person asked for; then its certificates are made."""
    if runs.run_asked(run_id):
        _begin_chains(generate, due_artifacts(), current().batch_size)


@shared_task(name=DRY_RUN, **_on(current().queue))
def dry_run(dry_run_id: int) -> None:
    """Says what a run would do, as a person asked."""
    carry_out(dry_run_id)


@shared_task(name=REISSUE, **_on(current().queue))
def reissue(reissue_id: int) -> None:
    """Issues a batch again, as a person asked; then their files are made, and a further batch is issued."""
    if carry_out_batch(reissue_id):
        generate.delay()
        withdraw.delay()
        reissue.delay(reissue_id)


@shared_task(name=schedules.DAILY, **(_on(current().queue, Tick) | {"expires": 6 * 3600}))
def daily() -> None:
    """Once a day: follows dates that moved, and removes what is too old."""
    once_a_day()


@shared_task(name=GENERATE, **_on(current().generate_queue))
def generate() -> None:
    """Makes a batch of artifacts; then their learners are written to, and a further batch is made."""
    if batch := generate_batch():
        if batch.messages:
            _go_on(deliver)
        _go_on(generate)


@shared_task(name=DELIVER, **_on(current().deliver_queue))
def deliver() -> None:
    """Sends a batch of messages."""
    if deliver_batch():
        _go_on(deliver)


@shared_task(name=WITHDRAW, **_on(current().queue))
def withdraw() -> None:
    """Moves a batch of files of what was revoked or replaced."""
    if withdraw_batch():
        _go_on(withdraw)


@shared_task(name=ACTIVATE, **_on(current().queue))
def activate(asset_id: int) -> None:
    """Makes a version of an asset the current one, whose date has come."""
    activate_version(asset_id)


@shared_task(name=schedules.SWEEP, **_on(current().queue, Tick))
def sweep() -> None:
    """Each minute: nudges all that is due."""
    waiting = look_around()
    for configuration_id in waiting.configurations:
        run_if_due.delay(configuration_id)
    for run_id in waiting.asked:
        run_asked.delay(run_id)
    for dry_run_id in waiting.dry_runs:
        dry_run.delay(dry_run_id)
    for reissue_id in waiting.reissues:
        reissue.delay(reissue_id)
    _begin_chains(generate, waiting.artifacts, current().batch_size)
    _begin_chains(deliver, waiting.messages, MESSAGES)
    _begin_chains(withdraw, waiting.withdrawals, current().batch_size)
    for asset_id in waiting.versions:
        activate.delay(asset_id)


def _begin_chains(task: Nudge, pieces: int, batch: int) -> None:
    """A message for each batch, as far as there may be workers for them. Each goes on as long as something is due."""
    if pieces:
        task.delay()
    for _ in range(1, min(ceil(pieces / batch), CHAINS)):
        _go_on(task)


def _go_on(task: Nudge) -> None:
    """Another message, of which there may be many."""
    task.apply_async(expires=GOES_ON_WITHIN)
