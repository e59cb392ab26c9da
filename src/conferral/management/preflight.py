"""`conferral preflight [CONTEXT]`: every learner's name through every design, before anything is issued."""

import json
import logging
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral import journal, plugins
from conferral.contract import LMS, ConferralError
from conferral.contract.context import short_key
from conferral.issuance.preflight import Preflight, Problem, Tally, character
from conferral.management.bar import bar
from conferral.management.find import configurations
from conferral.models import CredentialConfiguration

logger = logging.getLogger(__name__)

HELP = "Tries every learner's name in every design, and lists whose certificate could not be made. Issues nothing."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("context", nargs="?", help="key of a course, lesson or pathway; all when left out")
    parser.add_argument("--type", dest="type_name", metavar="NAME", help="only this credential type")
    parser.add_argument("--json", action="store_true", help="print an object for machines")


@dataclass(slots=True)
class Report:
    """One configuration; `problems` are kept for machines alone, people see each as it is found."""

    configuration: CredentialConfiguration
    tallies: list[Tally] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    error: str = ""

    @property
    def is_well(self) -> bool:
        """Whether a run could make everybody's."""
        return not self.error and not any(tally.problems for tally in self.tallies)

    def as_json(self) -> Iterator[dict[str, Any]]:
        """An object for each slot; one without a slot when the configuration cannot run at all."""
        for tally in self.tallies or [Tally("")]:
            yield {
                "context": self.configuration.context_key,
                "type": self.configuration.type.name,
                "slot": tally.slot,
                "learners": tally.learners,
                "problems": [
                    {"username": each.username, "name": each.name, "reason": each.reason}
                    for each in self.problems
                    if each.slot == tally.slot
                ],
                "missing": [{"character": named, "learners": count} for named, count in tally.most_missed()],
                "smallest": {element: asdict(smallest) for element, smallest in tally.smallest.items()},
                "error": self.error,
            }


def handle(options: dict[str, Any], console: Console) -> None:
    """Tries everybody, and tells what would go wrong."""
    lms = plugins.gateway()
    quiet = options["json"]
    found = configurations(options["context"], options["type_name"])
    reports = [_look_at(configuration, lms, console, quiet=quiet) for configuration in found]
    if quiet:
        listed = [each for report in reports for each in report.as_json()]
        console.file.write(json.dumps({"configurations": listed}, indent=2, ensure_ascii=False) + "\n")
    if not all(report.is_well for report in reports):
        sys.exit(1)


def _look_at(configuration: CredentialConfiguration, lms: LMS, console: Console, *, quiet: bool) -> Report:
    report = Report(configuration)
    label = f"{short_key(configuration.context_key)} · {configuration.type}"
    if not quiet:
        console.print(f"[bold]{escape(label)}[/]")
    try:
        with bar(console, label, quiet=quiet) as progress:
            task = progress.add_task("trying names", total=None)
            preflight = Preflight(configuration, lms)
            report.tallies = preflight.tallies
            for learners, problems in preflight.pages():
                progress.advance(task, learners)
                if quiet:
                    report.problems += problems
                else:
                    _show_problems(problems, console, named=len(report.tallies) > 1)
    except ConferralError as error:
        report.error = str(error)
    except Exception as error:  # a gateway that breaks; the other configurations are looked at
        journal.breakdown(logger, f"the preflight of {label} failed", error)
        report.error = f"{type(error).__name__}: {error}"
    if not quiet:
        _show_summary(report, console)
    return report


def _show_problems(problems: list[Problem], console: Console, *, named: bool) -> None:
    for each in problems:
        where = f"{each.slot}: " if named else ""
        console.print(f"  [yellow]! {escape(each.username)}  {escape(each.name)}[/]  {escape(where + each.reason)}")


def _show_summary(report: Report, console: Console) -> None:
    if report.error:
        console.print(f"  [red]✗ {escape(report.error)}[/]")
    for tally in report.tallies:
        verdict = f"[yellow]{_counted(tally.problems, 'problem')}[/]" if tally.problems else "[green]no problem[/]"
        console.print(f"  {escape(tally.slot)}: {_counted(tally.learners, 'learner')} looked at, {verdict}")
        for named, count in tally.most_missed():
            console.print(f"    missing   {named} {escape(character(named))} in {_counted(count, 'name')}")
        for element, smallest in tally.smallest.items():
            console.print(
                f"    smallest  {escape(element)}: {smallest.size:.4g} pt  "
                f"[dim]{escape(smallest.username)}  {escape(smallest.name)}[/]"
            )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
