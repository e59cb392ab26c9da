"""`conferral resend ID`: writes to the learner once more."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.contract import ConferralError
from conferral.issuance import deliver, history, standstill
from conferral.management import find
from conferral.models import Delivery

HELP = "Writes to the learner about a credential once more."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    find.id_argument(parser)


def handle(options: dict[str, Any], console: Console) -> None:
    """Sends it, and says what became of it."""
    delivery = deliver.resend(find.credential(options["id"]), by=history.COMMAND_LINE)
    deliver.deliver()
    delivery.refresh_from_db()
    if delivery.state in (Delivery.State.FAILED, Delivery.State.SKIPPED):
        raise ConferralError(f"the message was not sent: {delivery.last_error}")
    console.print(f"{delivery.state}: message {delivery.sequence}{escape(_why(delivery))}")


def _why(delivery: Delivery) -> str:
    reason = delivery.last_error or (delivery.state == Delivery.State.PENDING and standstill.standing())
    return f" ({reason})" if reason else ""
