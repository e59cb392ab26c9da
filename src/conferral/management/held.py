"""`conferral held [CONTEXT]`: what waits for a person."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import history, release
from conferral.management.find import context_key
from conferral.models.verification import shown

HELP = "Lists what guards and review hold back, by run."
SHOWN = 20
"""Credentials of a run that are listed without `--all`."""


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("context", nargs="?", help="key of a course, lesson or pathway; all when left out")
    parser.add_argument("--all", action="store_true", help=f"list all that a run holds, not the first {SHOWN}")


def handle(options: dict[str, Any], console: Console) -> None:
    """Lists the runs with what they hold."""
    found = release.held_runs()
    if options["context"]:
        found = found.filter(configuration__context_key=context_key(options["context"]))
    for run in found:
        since = history.on(run.started)
        console.print(f"[bold]run {run.pk}[/]  {escape(str(run.configuration))}  {run.held} held since {since}")
        for remark in run.remarks.splitlines():
            console.print(f"    [yellow]! {escape(remark)}[/]")
        held = release.held_credentials(run.configuration).filter(run=run)
        for one in held if options["all"] else held[:SHOWN]:
            name = escape(one.recipient_name or "(no name)")
            console.print(f"    {shown(one.verification_id)}  {name}  [dim]{escape(one.learner.key)}[/]")
        if run.held > SHOWN and not options["all"]:
            console.print(f"    … and {run.held - SHOWN} more")
    if not found:
        console.print("Nothing is held.")
