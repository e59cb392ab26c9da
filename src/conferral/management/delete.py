"""`conferral delete WHAT NAME`: removes what nothing uses."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import history, removal

HELP = "Deletes an asset, issuer, context, type or configuration that nothing uses."
ONE_NAME = {
    "asset": removal.delete_asset,
    "issuer": removal.delete_issuer,
    "context": removal.delete_context,
    "type": removal.delete_type,
}


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for kind in ONE_NAME:
        kinds.add_parser(kind, help=f"delete an {kind}").add_argument("name", help="its slug, key or name")
    configuration = kinds.add_parser("configuration", help="delete a configuration that has issued nothing")
    configuration.add_argument("name", metavar="context", help="key of the context")
    configuration.add_argument("type_name", metavar="type", help="name of the credential type")


def handle(options: dict[str, Any], console: Console) -> None:
    """Deletes it, or says who uses it."""
    if options["kind"] == "configuration":
        removal.delete_configuration(options["name"], options["type_name"], by=history.COMMAND_LINE)
    else:
        ONE_NAME[options["kind"]](options["name"], by=history.COMMAND_LINE)
    console.print(f"deleted: {options['kind']} {escape(options['name'])}")
