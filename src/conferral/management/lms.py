"""`conferral lms check [CONTEXT]`: what works of all that a run needs, step by step, with the fix."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from celery import current_app
from django.utils import timezone
from kombu.exceptions import OperationalError
from rich.console import Console
from rich.markup import escape

from conferral import plugins, schedules, tasks
from conferral.contract import Check, ConferralError
from conferral.management.status import STALE
from conferral.settings import current

HELP = "Says what works of the LMS, of beat and of the workers, and how to mend what does not."
MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]–[/]"}
ANSWER_SECONDS = 2.0


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="try each step", description=HELP)
    check.add_argument("context", nargs="?", default="", help="key of a course, lesson or pathway to try it with")
    check.add_argument("--json", action="store_true", help="print a list for machines")


def handle(options: dict[str, Any], console: Console) -> None:
    """Tries all of it, and fails when one of them does."""
    found = []
    for check in checks(options["context"]):
        found.append(check)
        if not options["json"]:
            console.print(f"{MARKS[check.ok]} [bold]{escape(check.name)}[/]  {escape(check.found)}")
            if check.ok is False and check.fix:
                console.print(f"    → {escape(check.fix)}")
    if options["json"]:
        fields = ("name", "ok", "found", "fix")
        listed = [{field: getattr(check, field) for field in fields} for check in found]
        console.file.write(json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
    if any(check.ok is False for check in found):
        sys.exit(1)


def checks(key: str) -> Iterator[Check]:
    """The gateway's own, then beat's and the workers'."""
    lms = plugins.gateway()
    yield Check("gateway", ok=True, found=f"{current().lms}: {lms.label}")
    try:
        yield from lms.check(key)
    except ConferralError as error:
        yield Check("gateway", ok=False, found=str(error))
    yield _beat()
    yield _workers()


def _beat() -> Check:
    tick = schedules.last_tick()
    if tick is None:
        return Check("beat", ok=False, found="has never ticked", fix=f"start beat with {schedules.SCHEDULER}")
    seconds = round((timezone.now() - tick).total_seconds())
    return Check("beat", ok=abs(seconds) < STALE, found=f"last ticked {seconds} s ago", fix="start beat again")


def _workers() -> Check:
    """Whether somebody takes messages from the queues that our tasks go to."""
    wanted = tasks.queues()
    try:
        answers = current_app.control.inspect(timeout=ANSWER_SECONDS).active_queues() or {}
    except (OperationalError, OSError) as error:
        return Check("workers", ok=False, found=f"the broker cannot be reached: {error}", fix="start the broker")
    served = {queue["name"] for queues in answers.values() for queue in queues}
    missing = sorted(wanted - served)
    if not missing:
        return Check("workers", ok=True, found=f"{len(answers)} listen to {', '.join(sorted(wanted))}")
    fix = f"start a worker with --queues {','.join(missing)}"
    return Check("workers", ok=False, found=f"nobody listens to {', '.join(missing)}", fix=fix)
