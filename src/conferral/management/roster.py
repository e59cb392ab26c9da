"""`conferral roster import CONTEXT FILE`: makes a spreadsheet the roster of a context."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rich.console import Console

from conferral.lms.roster import import_file
from conferral.management.find import context_key

HELP = "Imports learners and their progress from CSV or JSON: the whole file or nothing."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    actions = parser.add_subparsers(dest="action", metavar="import", required=True)
    importing = actions.add_parser("import", help=HELP, description=HELP)
    importing.add_argument("context", help="key of the course, lesson or pathway")
    importing.add_argument(
        "file", type=Path, help="columns: username,email,name,language,active,completion,grade:TYPE…,grade:total"
    )


def handle(options: dict[str, Any], console: Console) -> None:
    """Imports and says what changed."""
    key = context_key(options["context"])
    result = import_file(key, options["file"])
    retired = f", {result.retired} retired: left out" if result.retired else ""
    console.print(
        f"{key}: {result.learners} learners"
        f" ({result.added} new, {result.changed} changed, {result.removed} gone{retired})"
    )
