"""`conferral pause`: the emergency stop."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import history, standstill

HELP = "Stops every run and every mail, at once, until `conferral resume`."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("--reason", default="", help="told to everybody who asks why nothing moves")


def handle(options: dict[str, Any], console: Console) -> None:
    """Pulls it."""
    stop = standstill.pause(options["reason"][:255], by=history.COMMAND_LINE)
    console.print(f"Conferral is {escape(str(stop))}; `conferral resume` goes on")
