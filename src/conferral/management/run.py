"""`conferral run [CONTEXT] [--type NAME]`: one run for each matching configuration, in this process."""

import json
import logging
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral import journal
from conferral.contract import ConferralError
from conferral.issuance import deliver, standstill, versions
from conferral.issuance import generate as generation
from conferral.issuance import run as runs
from conferral.issuance.dry_run import Rows, csv_of
from conferral.issuance.run import AlreadyRunning
from conferral.issuance.sweep import sweep
from conferral.management import report
from conferral.management.bar import bar
from conferral.management.find import configurations
from conferral.management.report import RunReport
from conferral.models import CredentialConfiguration, Run

logger = logging.getLogger(__name__)

HELP = "Evaluates learners and issues to those newly eligible: nobody gets a second one."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("context", nargs="?", help="key of a course, lesson or pathway; all when left out")
    parser.add_argument("--type", dest="type_name", metavar="NAME", help="only this credential type")
    parser.add_argument("--dry-run", action="store_true", help="say who would get one, and issue nothing")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="with --dry-run: write it as a table for spreadsheets")
    parser.add_argument("--no-mail", action="store_true", help="issue, and write to nobody about it")
    parser.add_argument("--release", action="store_true", help="issue at once what review would hold for a person")
    parser.add_argument("--json", action="store_true", help="print a list for machines")


def handle(options: dict[str, Any], console: Console) -> None:
    """Runs, and shows a table."""
    quiet = options["json"]
    if not options["dry_run"]:
        standstill.check()
        # What a killed process left is completed first, in configurations that are switched off by now too.
        waiting = sweep()
        for pk in waiting.versions:
            versions.carry_out(pk)
        with bar(console, "from earlier runs", quiet=quiet) as progress:
            making = progress.add_task("making", total=waiting.artifacts)
            generation.generate(progressed=lambda count: progress.advance(making, count))
    found = configurations(options["context"], options["type_name"])
    if options["csv"]:
        if not options["dry_run"]:
            raise ConferralError("--csv: is for --dry-run")
        console.print(f"{write_csv(found, options['csv'])} learners written to {escape(str(options['csv']))}")
        return
    if options["dry_run"]:
        reports = [dry_run(configuration) for configuration in found]
    else:
        given = {"notify": not options["no_mail"], "release": options["release"]}
        reports = [real_run(configuration, console, quiet=quiet, **given) for configuration in found]
        send(reports, console, quiet=quiet)
    if options["json"]:
        console.file.write(json.dumps([each.as_json() for each in reports], indent=2, ensure_ascii=False) + "\n")
    else:
        report.show(reports, console)
    if any(each.error for each in reports):
        sys.exit(1)


def send(reports: list[RunReport], console: Console, *, quiet: bool = False) -> None:
    """Sends what waits to be sent, and completes the reports with it."""
    with bar(console, "mail", quiet=quiet) as progress:
        sending = progress.add_task("sending", total=deliver.due())
        deliver.deliver(progressed=lambda count: progress.advance(sending, count))
    for each in reports:
        each.take_deliveries()


def real_run(
    configuration: CredentialConfiguration,
    console: Console,
    *,
    notify: bool = True,
    release: bool = False,
    quiet: bool = False,
) -> RunReport:
    """Runs one configuration and makes what is due in it; an error becomes part of the report."""
    made = RunReport.of(configuration)
    with _reporting(made), bar(console, f"{made.short} · {made.type}", quiet=quiet) as progress:
        task = progress.add_task("evaluating", total=None)
        ended = runs.run(
            configuration,
            trigger=Run.Trigger.COMMAND,
            notify=notify,
            release=release,
            progressed=lambda count: progress.advance(task, count),
        )
        progress.update(task, total=ended.evaluated)
        making = progress.add_task("making", total=generation.due(configuration))
        generation.generate(configuration, progressed=lambda count: progress.advance(making, count))
        made.take(ended)
    return made


def dry_run(configuration: CredentialConfiguration, *, trigger: str = Run.Trigger.COMMAND) -> RunReport:
    """What a run would do, learner by learner."""
    made = RunReport.of(configuration)
    made.learners = []
    rows = Rows(configuration, trigger)
    with _reporting(made):
        for page in rows.pages():
            made.learners += [
                {
                    "username": row.learner,
                    "outcome": row.outcome.value,
                    "reason": row.why,
                    "facts": row.facts,
                }
                for row in page
            ]
        made.status = "dry run"
        for name, count in rows.forecast.figures.items():
            setattr(made, name, count)
        made.problems = list(rows.forecast.remarks)
    return made


def write_csv(found: list[CredentialConfiguration], path: Path) -> int:
    """What a run would do, as a table for spreadsheets, however many learners there are; how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for configuration in found:
            for page in Rows(configuration, Run.Trigger.COMMAND).pages():
                lines = list(csv_of(page))
                file.writelines(lines if count == 0 else lines[1:])
                count += len(page)
    return count


@contextmanager
def _reporting(made: RunReport) -> Iterator[None]:
    """Errors become part of the report, so that the other configurations go on."""
    begun = time.monotonic()
    try:
        yield
    except AlreadyRunning as error:
        made.status, made.error = "running", str(error)
    except ConferralError as error:
        made.status, made.error = "failed", str(error)
    except Exception as error:  # a gateway that breaks, a plugin's mistake
        # Its words are for whoever gave the command, and for no log.
        journal.breakdown(logger, f"the run of {made.type} in {made.context} failed", error)
        made.status, made.error = "failed", f"{type(error).__name__}: {error}"
    made.seconds = round(time.monotonic() - begun, 2)
