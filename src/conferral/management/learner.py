"""`conferral learner retire|export USERNAME`: what is kept of one person."""

import json
from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import people
from conferral.settings import current

HELP = "Hands out all that is kept of a learner, or removes it for good."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (
        ("export", "print all that is kept of the learner, as JSON"),
        ("retire", "remove name, address, username, progress and files for good"),
    ):
        actions.add_parser(name, help=text, description=text).add_argument("username")


def handle(options: dict[str, Any], console: Console) -> None:
    """Does it."""
    learner = people.find(current().lms, options["username"])
    if options["action"] == "export":
        console.file.write(json.dumps(people.export(learner), indent=2, ensure_ascii=False) + "\n")
        return
    count = people.retire(learner)
    console.print(
        f"retired: {escape(options['username'])}; the pages of {count} credentials say that details were removed"
    )
