"""`conferral due`: everything whose time has come, in this process: for sites that have cron and no Celery."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console

from conferral.issuance import run as runs
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.sweep import sweep

HELP = "Runs the configurations whose time has come, makes and sends what waits: for cron, without Celery."


def arguments(parser: ArgumentParser) -> None:
    """None."""


def handle(options: dict[str, Any], console: Console) -> None:
    """Once through; a run that fails is told of, and tried again at its next try."""
    ran = failed = 0
    for configuration_id in sweep().configurations:
        try:
            ran += runs.run_if_due(configuration_id) is not None
        except Exception as error:  # one configuration's trouble is recorded with its run, the others go on
            failed += 1
            console.print(f"[red]✗ configuration {configuration_id}: {error}[/]", markup=True)
    made = generate()
    sent = deliver()
    console.print(f"{ran} ran, {failed} failed, {made} artifacts worked on, {sent} messages dealt with")
