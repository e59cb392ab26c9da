"""`conferral credentials [CONTEXT]`: what was issued."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral import storage
from conferral.issuance.snapshot import page_url
from conferral.issuance.verdict import standing
from conferral.management.find import context_key
from conferral.models import Credential, CredentialArtifact, Delivery, Run
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
        state = standing(credential)
        colour = {"available": "green", "failed": "red", "revoked": "red", "replaced": "dim"}.get(state, "yellow")
        console.print(
            f"{shown(credential.verification_id)}  [{colour}]{state:<9}[/]  "
            f"{escape(credential.recipient_name or '(no name)')}  "
            f"[dim]{escape(credential.edition.type.name)} · {escape(credential.context_name)}[/]"
        )
        troubles = [(row.slot, row) for row in credential.artifacts.all() if row.last_error]
        troubles += [("mail", row) for row in credential.deliveries.all() if row.last_error]
        for what, row in troubles:
            console.print(f"    [yellow]! {escape(what)}: {escape(row.last_error)}{tries(row)}[/]")
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
        "revoked": _revoked(credential),
        "replaces": shown(credential.supersedes.verification_id) if credential.supersedes else None,
        "replaced_by": _successor(credential),
        "url": page_url(credential.verification_id),
        "artifacts": [_artifact(artifact, credential) for artifact in credential.artifacts.all()],
        "delivery": [_message(message) for message in credential.deliveries.all()],
    }


def tries(row: CredentialArtifact | Delivery | Run) -> str:
    """How often it was tried, and when it is tried again; empty for what was not tried or is done."""
    if isinstance(row, Delivery) and row.state == Delivery.State.SKIPPED:
        return ""
    times = f", tried {row.attempts} times" if row.attempts > 1 else ", tried once" if row.attempts else ""
    return times + (f", the next try {row.next_try:%Y-%m-%dT%H:%M:%SZ}" if row.next_try else "")


def _revoked(credential: Credential) -> str | None:
    return f"{credential.revoked.isoformat()}: {credential.revoked_reason}" if credential.revoked else None


def _successor(credential: Credential) -> str | None:
    successor = getattr(credential, "superseded_by", None)
    return shown(successor.verification_id) if successor else None


def _message(message: Delivery) -> dict[str, Any]:
    return {
        "channel": message.channel,
        "purpose": message.purpose,
        "sequence": message.sequence,
        "state": message.state,
        "sent": message.sent.isoformat() if message.sent else None,
        "attempts": message.attempts,
        "next_try": message.next_try.isoformat() if message.next_try else None,
        "error": message.last_error,
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
        "next_try": artifact.next_try.isoformat() if artifact.next_try else None,
        "error": artifact.last_error,
    }


def _pages(found: Any) -> Iterator[Credential]:
    last = 0
    related = found.select_related("learner", "edition__type", "supersedes", "superseded_by").order_by("pk")
    related = related.prefetch_related("artifacts", "deliveries")
    while page := list(related.filter(pk__gt=last)[:PAGE]):
        yield from page
        last = page[-1].pk
