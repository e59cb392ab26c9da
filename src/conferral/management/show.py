"""`conferral show ID`: one credential with its evidence and edition."""

import json
from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral import storage
from conferral.contract import Fact
from conferral.issuance.verdict import standing
from conferral.management import find
from conferral.management.credentials import as_json, tries
from conferral.models import CredentialArtifact, Delivery

HELP = "Shows one credential with its evidence and its edition."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    find.id_argument(parser)
    parser.add_argument("--json", action="store_true", help="print an object for machines")


def handle(options: dict[str, Any], console: Console) -> None:
    """Shows it."""
    credential = find.credential(options["id"])
    shown = as_json(credential)
    edition = credential.edition
    if options["json"]:
        shown |= {"evidence": credential.evidence, "edition": {"sha256": edition.sha256, **edition.content}}
        console.file.write(json.dumps(shown, indent=2, ensure_ascii=False) + "\n")
        return
    console.print(f"[bold]{shown['verification_id']}[/]  {standing(credential)}")
    lines = {
        "name": shown["name"] or "(no name)",
        "learner": shown["username"],
        "type": shown["type"],
        "for": f"{credential.context_name} ({shown['context']})",
        "issuer": edition.content["issuer"]["name"],
        "issued": f"{credential.issued:%Y-%m-%d %H:%M} UTC",
        "expires": f"{credential.expires:%Y-%m-%d}" if credential.expires else "never",
        "page": shown["url"],
        "edition": edition.sha256,
    }
    for label, value in lines.items():
        console.print(f"  {label:<10} {escape(value)}")
    for fact in credential.evidence.get("facts", ()):
        console.print(f"  {'evidence':<10} {escape(str(Fact(**fact)))}")
    for label in ("revoked", "replaces", "replaced_by"):
        if shown[label]:
            console.print(f"  {label.replace('_', ' '):<10} [yellow]{escape(shown[label])}[/]")
    for message in credential.deliveries.order_by("pk"):
        sent = f"  {message.sent.isoformat()}" if message.sent else ""
        console.print(f"  {'mail':<10} {message.state}{sent}{tries(message)}")
        _trouble(message, console)
    for artifact in credential.artifacts.order_by("pk"):
        place = storage.location(artifact.storage_name) if artifact.storage_name else artifact.url
        console.print(f"  {artifact.slot:<10} {artifact.state}{tries(artifact)}  {escape(place)}".rstrip())
        if artifact.sha256:
            console.print(f"  {'':<10} {artifact.size:,} bytes, SHA-256 {artifact.sha256}")
        _trouble(artifact, console)


def _trouble(row: CredentialArtifact | Delivery, console: Console) -> None:
    if row.last_error:
        console.print(f"  {'':<10} [yellow]! {escape(row.last_error)}[/]")
