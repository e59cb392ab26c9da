"""`conferral cancel CONTEXT`: stops the run that goes on there, or with `--reissue` what is issued again."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console

from conferral.contract import ConferralError
from conferral.issuance import history, reissue
from conferral.issuance import run as runs
from conferral.management.find import one_configuration
from conferral.models import CredentialConfiguration, Run

HELP = "Stops the run that goes on, or is about to begin; nothing of it is issued."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("context", help="key of a course, lesson or pathway")
    parser.add_argument("--type", dest="type_name", metavar="NAME", help="the credential type, where there are several")
    parser.add_argument("--reissue", action="store_true", help="stop issuing again instead; what was reissued stays")
    parser.add_argument("--reason", default="", help="why, for those who are asked later")


def handle(options: dict[str, Any], console: Console) -> None:
    """Stops it."""
    configuration = one_configuration(options["context"], options["type_name"])
    if options["reissue"]:
        _stop_reissues(configuration, console)
        return
    going_on = configuration.runs.filter(status__in=(Run.Status.ASKED, Run.Status.RUNNING)).order_by("pk")
    if not going_on:
        raise ConferralError(f"configuration {configuration}: no run of it goes on; there is nothing to cancel")
    for run in going_on:
        runs.cancel(run, by=history.COMMAND_LINE, reason=options["reason"])
        console.print(f"run {run.pk}: cancelled")


def _stop_reissues(configuration: CredentialConfiguration, console: Console) -> None:
    going_on = configuration.reissues.filter(status__in=reissue.GOING_ON).order_by("pk")
    if not going_on:
        raise ConferralError(
            f"configuration {configuration}: nothing of it is issued again; there is nothing to cancel"
        )
    for one in going_on:
        reissue.cancel(one, by=history.COMMAND_LINE)
        console.print(f"reissue {one.pk}: cancelled after {one.reissued} of {one.total}")
