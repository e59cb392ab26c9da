"""`conferral retry [ID …]`: tries again what has failed."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console

from conferral.issuance import correct, history
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.management import find

HELP = "Tries again what has failed: certificates that could not be made, mails that were given up."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="verification ids, whose lost files are made again too; all failed when left out",
    )


def handle(options: dict[str, Any], console: Console) -> None:
    """Tries, and says how much there was."""
    chosen = [find.credential(text) for text in options["ids"]]
    artifacts, messages = correct.retry(chosen or None, by=history.COMMAND_LINE)
    generate()
    deliver()
    console.print(f"tried again: {artifacts} artifacts, {messages} messages; `conferral credentials` lists them")
