"""`conferral refuse WHAT… --reason TEXT`: deletes what a run holds."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console

from conferral.issuance import history
from conferral.issuance import release as releasing
from conferral.management.release import found, what_argument

HELP = (
    "Deletes what a run holds, which nobody has seen: all of it, or some credentials, whose learners are then barred."
)


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    what_argument(parser)
    parser.add_argument("--reason", required=True, help="why, for those who are asked later")


def handle(options: dict[str, Any], console: Console) -> None:
    """Refuses."""
    runs, credentials = found(options["what"])
    given = {"by": history.COMMAND_LINE, "reason": options["reason"]}
    done = sum(releasing.refuse(run, **given) for run in runs)
    done += releasing.refuse_each(credentials, **given)
    console.print(f"{done} refused")
    if credentials:
        console.print("Their learners are not issued to until `conferral lists … clear` takes that back.")
