"""`conferral revoke ID --reason TEXT`: withdraws a credential."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import correct, history
from conferral.issuance.snapshot import page_url
from conferral.issuance.withdraw import withdraw
from conferral.management import find

HELP = "Withdraws a credential: its page says so at once, and no run issues it again."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    find.id_argument(parser)
    parser.add_argument("--reason", required=True, help="why; the holder and staff see it, the public does not")


def handle(options: dict[str, Any], console: Console) -> None:
    """Revokes it."""
    revoked = correct.revoke(find.credential(options["id"]), options["reason"], by=history.COMMAND_LINE)
    withdraw()
    console.print(f"revoked: {page_url(revoked.verification_id)}  {escape(revoked.recipient_name)}")
    for artifact in revoked.artifacts.filter(next_try__isnull=False).exclude(last_error=""):
        console.print(f"[yellow]! {escape(artifact.slot)}: {escape(artifact.last_error)}[/]")
