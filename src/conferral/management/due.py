"""`conferral due`: everything whose time has come, in this process: for sites that have cron and no Celery."""

import sys
from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import run as runs
from conferral.issuance import standstill
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.sweep import sweep
from conferral.models import CredentialConfiguration

HELP = "Runs the configurations whose time has come, makes and sends what waits: for cron, without Celery."


def arguments(parser: ArgumentParser) -> None:
    """None."""


def handle(options: dict[str, Any], console: Console) -> None:
    """Once through; a run that fails is told of, and tried again at its next try."""
    ran = failed = 0
    if paused := standstill.standing():
        console.print(f"[yellow]! Conferral is {escape(str(paused))}: no runs, no mails[/]")
    for configuration_id in sweep().configurations:
        try:
            ran += runs.run_if_due(configuration_id) is not None
        except Exception as error:  # one configuration's trouble is recorded with its run, the others go on
            failed += 1
            name = CredentialConfiguration.objects.get(pk=configuration_id)
            console.print(f"[red]✗ {escape(str(name))}: {escape(str(error))}[/]")
    made = generate()
    sent = deliver()
    console.print(f"{ran} ran, {failed} failed, {made} artifacts worked on, {sent} messages dealt with")
    if failed:
        sys.exit(1)
