"""`conferral due`: everything whose time has come, in this process: for sites that have cron and no Celery."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import reissue, standstill, versions
from conferral.issuance import run as runs
from conferral.issuance.deliver import deliver
from conferral.issuance.dry_run import carry_out
from conferral.issuance.generate import generate
from conferral.issuance.sweep import sweep
from conferral.issuance.withdraw import withdraw
from conferral.models import CredentialConfiguration, Run

Wanted = tuple[Callable[[int], object], int, Callable[[int], str]]
"""What begins a run, the key that it takes, and what tells the configuration's name by it."""
HELP = "Runs the configurations whose time has come, makes and sends what waits: for cron, without Celery."


def arguments(parser: ArgumentParser) -> None:
    """None."""


def handle(options: dict[str, Any], console: Console) -> None:
    """Once through; a run that fails is told of, and tried again at its next try."""
    ran = failed = 0
    if paused := standstill.standing():
        console.print(f"[yellow]! Conferral is {escape(str(paused))}: no runs, no mails[/]")
    waiting = sweep()
    for pk in waiting.versions:
        versions.carry_out(pk)
    wanted: list[Wanted] = [(runs.run_asked, pk, _of_run) for pk in waiting.asked]
    wanted += [(runs.run_if_due, pk, _of_configuration) for pk in waiting.configurations]
    for begin, pk, named in wanted:
        try:
            ran += begin(pk) is not None
        except Exception as error:  # one configuration's trouble is recorded with its run, the others go on
            failed += 1
            console.print(f"[red]✗ {escape(named(pk))}: {escape(str(error))}[/]")
    for pk in waiting.dry_runs:
        carry_out(pk)
    for pk in waiting.reissues:
        reissue.carry_out(pk)
    withdraw()
    made = generate()
    sent = deliver()
    console.print(f"{ran} ran, {failed} failed, {made} artifacts worked on, {sent} messages dealt with")
    if failed:
        sys.exit(1)


def _of_run(pk: int) -> str:
    return str(Run.objects.select_related("configuration__type").get(pk=pk).configuration)


def _of_configuration(pk: int) -> str:
    return str(CredentialConfiguration.objects.select_related("type").get(pk=pk))
