"""`conferral lists CONTEXT show|allow|refuse|clear`: who is always or never issued."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import candidates, history, release
from conferral.issuance.candidates import Listed
from conferral.management.find import one_configuration

HELP = "Says who is always or never issued in a course, whatever the rule says; and who waits."
ACTIONS = {
    "allow": (release.allow, "always issue to these learners, once they take part"),
    "refuse": (release.bar, "never issue to these learners, and refuse what is held of theirs"),
    "clear": (release.take_back, "take back what was said of these learners: the rule decides again"),
}


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("context", help="key of a course, lesson or pathway")
    parser.add_argument("--type", dest="type_name", metavar="NAME", help="the credential type, where there are several")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "show both lists, and who has qualified and waits"
    actions.add_parser("show", help=text, description=text)
    for name, (_, text) in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("usernames", nargs="+", metavar="USERNAME")
        why = "why, for those who are asked later"
        action.add_argument("--reason", required=name != "clear", default="", help=why)


def handle(options: dict[str, Any], console: Console) -> None:
    """Lists, or says it of each."""
    configuration = one_configuration(options["context"], options["type_name"])
    if options["action"] == "show":
        for each in candidates.listed(configuration):
            why = f"{each.reason}, by {each.by_name}, {history.on(each.said)}"
            console.print(f"{each.get_verdict_display():<14}  {escape(each.learner.key)}  [dim]{escape(why)}[/]")
        for each in candidates.waiting(configuration):
            since = f"qualified on {history.on(each.qualified)}"
            console.print(f"{'waits':<14}  {escape(each.learner.key)}  [dim]{since}[/]")
        return
    said: Listed = ACTIONS[options["action"]][0](
        configuration, options["usernames"], by=history.COMMAND_LINE, reason=options["reason"]
    )
    console.print(f"{said.done} learners: {options['action']}")
    for key in said.unknown:
        console.print(f"[yellow]! {escape(key)} is not known; check the username[/]")
    if options["action"] == "refuse":
        for key in said.holding:
            console.print(f"[yellow]! {escape(key)} holds a credential already; `conferral revoke` withdraws it[/]")
