"""`conferral resume`: ends a pause."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console

from conferral.issuance import history, standstill

HELP = "Ends a pause: what has become due meanwhile runs within a minute."


def arguments(parser: ArgumentParser) -> None:
    """None."""


def handle(options: dict[str, Any], console: Console) -> None:
    """Releases it."""
    console.print("Conferral goes on" if standstill.resume(by=history.COMMAND_LINE) else "Conferral was not paused")
