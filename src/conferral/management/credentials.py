"""`conferral credentials [CONTEXT]`: what was issued."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral import storage
from conferral.issuance.snapshot import page_url
from conferral.management.find import context_key
from conferral.models import Credential, CredentialArtifact
from conferral.models.verification import shown

HELP = "Lists what was issued."
PAGE = 1000


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("context", nargs="?", help="key of a course, lesson or pathway; all when left out")
    parser.add_argument("--json", action="store_true", help="print a list for machines")


def handle(options: dict[str, Any], console: Console) -> None:
    """Lists them, oldest first."""
    found = Credential.objects.exclude(state=Credential.State.HELD)
    if options["context"]:
        found = found.filter(context_key=context_key(options["context"]))
    if options["json"]:
        listed = [as_json(credential) for credential in _pages(found)]
        console.file.write(json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
        return
    count = 0
    for credential in _pages(found):
        count += 1
        colour = {"available": "green", "failed": "red"}.get(credential.state, "yellow")
        console.print(
            f"{shown(credential.verification_id)}  [{colour}]{credential.state:<9}[/]  "
            f"{escape(credential.recipient_name or '(no name)')}  "
            f"[dim]{escape(credential.edition.type.name)} · {escape(credential.context_name)}[/]"
        )
        for artifact in credential.artifacts.all():
            if artifact.last_error:
                console.print(f"    [yellow]! {escape(artifact.slot)}: {escape(artifact.last_error)}[/]")
    console.print(f"{count} credentials" if count else "No credentials yet; `conferral run` issues them.")


def as_json(credential: Credential) -> dict[str, Any]:
    """One credential for machines."""
    return {
        "verification_id": shown(credential.verification_id),
        "username": credential.learner.key,
        "name": credential.recipient_name,
        "context": credential.context_key,
        "type": credential.edition.type.name,
        "state": credential.state,
        "issued": credential.issued.isoformat(),
        "expires": credential.expires.isoformat() if credential.expires else None,
        "url": page_url(credential.verification_id),
        "artifacts": [_artifact(artifact, credential) for artifact in credential.artifacts.all()],
    }


def _artifact(artifact: CredentialArtifact, credential: Credential) -> dict[str, Any]:
    return {
        "slot": artifact.slot,
        "generator": credential.edition.content["generators"][artifact.slot]["generator"],
        "state": artifact.state,
        "media_type": artifact.media_type,
        "filename": artifact.filename,
        "path_or_url": artifact.url or (storage.location(artifact.storage_name) if artifact.storage_name else ""),
        "size": artifact.size,
        "sha256": artifact.sha256,
        "attempts": artifact.attempts,
        "error": artifact.last_error,
    }


def _pages(found: Any) -> Iterator[Credential]:
    last = 0
    related = found.select_related("learner", "edition__type").prefetch_related("artifacts").order_by("pk")
    while page := list(related.filter(pk__gt=last)[:PAGE]):
        yield from page
        last = page[-1].pk
