"""`conferral award CONTEXT USERNAME… --reason TEXT`: issues by hand."""

import sys
from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import award, history
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.snapshot import page_url
from conferral.management.find import one_configuration

HELP = "Issues to learners by hand, whatever the rule says; the evidence says who did."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("context", help="key of a course, lesson or pathway")
    parser.add_argument("usernames", nargs="+", metavar="USERNAME")
    parser.add_argument("--type", dest="type_name", metavar="NAME", help="the credential type, where there are several")
    parser.add_argument("--reason", required=True, help="why, for those who are asked later")
    parser.add_argument("--by", default=history.COMMAND_LINE, help="who awards it, as the evidence names them")
    parser.add_argument("--no-mail", action="store_true", help="issue, and write to nobody about it")


def handle(options: dict[str, Any], console: Console) -> None:
    """Awards, makes and sends."""
    configuration = one_configuration(options["context"], options["type_name"])
    given = award.Award(options["by"], options["reason"], notify=not options["no_mail"])
    done = award.award(configuration, options["usernames"], given)
    generate(configuration)
    deliver()
    for verification_id in done.issued:
        console.print(f"awarded: {page_url(verification_id)}")
    for key, why in done.problems.items():
        console.print(f"[red]✗ {escape(key)} {escape(why)}[/]")
    if done.problems:
        sys.exit(1)
