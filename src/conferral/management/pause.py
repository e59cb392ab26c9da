"""`conferral pause`: the emergency stop."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import standstill

HELP = "Stops every run and every mail, at once, until `conferral resume`."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("--reason", default="", help="told to everybody who asks why nothing moves")


def handle(options: dict[str, Any], console: Console) -> None:
    """Pulls it."""
    console.print(f"Conferral is {escape(str(standstill.pause(options['reason'][:255])))}; `conferral resume` goes on")
