"""`conferral daily`: what beat does once a day, for sites that have cron and no Celery."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console

from conferral.issuance.daily import daily

HELP = "Follows courses whose dates moved, and removes what is too old to keep: once a day, without Celery."


def arguments(parser: ArgumentParser) -> None:
    """None."""


def handle(options: dict[str, Any], console: Console) -> None:
    """Once through."""
    done = daily()
    console.print(f"{done.moved} configurations have other dates; {done.runs} runs and {done.mails} mails removed")
