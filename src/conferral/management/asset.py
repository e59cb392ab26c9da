"""`conferral asset show|activate SLUG`: what uses an asset, and which of its versions is current."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.contract import ConferralError
from conferral.issuance import history, versions
from conferral.models import CredentialAsset

HELP = "Says what uses an asset, and makes another version the current one, now or on a date."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "show its versions, who uses it, and how many credentials keep each version"
    actions.add_parser("show", help=text, description=text).add_argument("slug")
    text = "make a version the current one; what was issued keeps its own"
    action = actions.add_parser("activate", help=text, description=text)
    action.add_argument("slug")
    action.add_argument("version", type=int)
    action.add_argument("--on", help="when, like 2027-01-10T09:00:00Z; at once when left out")


def handle(options: dict[str, Any], console: Console) -> None:
    """Shows it, or activates a version."""
    slug = options["slug"]
    if options["action"] == "activate":
        on = _instant(options["on"]) if options["on"] else None
        done = versions.activate(slug, options["version"], by=history.COMMAND_LINE, on=on)
        when = "is the current one" if done else f"becomes the current one on {options['on']}"
        console.print(f"{escape(slug)}: version {options['version']} {escape(when)}")
        for other in CredentialAsset.objects.filter(slug=slug).exclude(activates=None) if done else ():
            console.print(f"version {other.version} still begins on {other.activates:%F %H:%M} UTC")
        return
    there = list(CredentialAsset.objects.filter(slug=slug).order_by("version"))
    if not there:
        raise ConferralError(f"asset {slug!r}: there is none")
    found = versions.usage(slug)
    console.print(f"used by: {escape(', '.join(found.users.named())) or 'nothing'}")
    for one in there:
        kept = found.kept.get(one.version, versions.Kept())
        state = "current" if one.current else f"from {one.activates:%F %H:%M} UTC" if one.activates else ""
        console.print(
            f"version {one.version}  {state:<8}  {kept.issued} issued and {kept.pending} pending keep it"
            f"  [dim]{escape(one.filename)}[/]"
        )


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConferralError(f"--on: {text!r} is not accepted; write an instant like 2027-01-10T09:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
