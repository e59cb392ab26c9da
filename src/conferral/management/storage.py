"""`conferral storage check`: whether the storage has what the database names, and nothing else."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral import storage
from conferral.issuance import inventory
from conferral.issuance.inventory import CONTENT, MISSING, ORPHAN, SIZE, Found
from conferral.models import CredentialArtifact, CredentialAsset

HELP = "Says which files are missing, damaged or superfluous in the storage, and how to mend it."
TOLD = 20
"""Troubles of one kind that a person is told one by one."""
WORDS = {
    MISSING: "missing",
    SIZE: "of another size",
    CONTENT: "of another content",
    ORPHAN: "that nobody names",
}
AGAIN = (
    "a certificate is made again by `conferral retry ID`, an asset is put back by uploading the same file again; "
    "or bring the files back from a backup"
)
FIXES = {
    MISSING: AGAIN,
    SIZE: f"remove the file from the storage; then {AGAIN}",
    CONTENT: f"remove the file from the storage; then {AGAIN}",
    ORPHAN: "`conferral storage check --remove-orphans` removes them; nothing leads to them",
}


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="compare the storage with the database", description=HELP)
    check.add_argument("--content", action="store_true", help="read every file and compare its SHA-256, too")
    check.add_argument("--remove-orphans", action="store_true", help="remove files of ours that nobody names")
    check.add_argument(
        "--older-than",
        type=_days,
        default=1.0,
        metavar="DAYS",
        help="age from which a file that nobody names is an orphan, and not work in progress (default: 1)",
    )
    check.add_argument("--json", action="store_true", help="print an object for machines")


def handle(options: dict[str, Any], console: Console) -> None:
    """Compares, and fails when something is wrong."""
    wrong = storage.troubles()
    wrong += dict.fromkeys(door for example in _examples() for door in storage.open_doors(example))
    found = inventory.take(
        content=options["content"],
        remove_orphans=options["remove_orphans"],
        older_than=options["older_than"] * inventory.DAY,
    )
    if options["json"]:
        console.file.write(json.dumps(_as_json(found, wrong), indent=2, ensure_ascii=False) + "\n")
    else:
        for line in _lines(found, wrong):
            console.print(line)
    if wrong or any(found.counts[kind] for kind in (MISSING, SIZE, CONTENT)) or found.counts[ORPHAN] > found.removed:
        sys.exit(1)


def _lines(found: Found, wrong: list[str]) -> Iterator[str]:
    yield f"{found.named:,} files are named, {found.objects:,} are there ({found.size:,} bytes)"
    if found.young:
        yield f"[dim]{found.young:,} nobody names yet: they were written lately, and are left alone[/]"
    for line in wrong:
        yield f"[red]✗ {escape(line)}[/]"
    for kind, count in found.counts.items():
        if not count:
            continue
        yield f"[red]✗ {count:,} {WORDS[kind]}[/]"
        for each in [trouble for trouble in found.troubles if trouble.kind == kind][:TOLD]:
            owner = f"{each.owner}  " if each.owner else ""
            yield f"    {escape(owner)}{escape(storage.location(each.name))}  [dim]{escape(each.said)}[/]"
        if count > TOLD:
            yield f"    … and {count - TOLD:,} more"
        if kind == ORPHAN and found.removed:
            yield f"    removed: {found.removed:,}"
        else:
            yield f"    → {FIXES[kind]}"
    if not wrong and not any(found.counts.values()):
        yield "[green]✓ nothing is missing, nothing is superfluous[/]"


def _as_json(found: Found, wrong: list[str]) -> dict[str, Any]:
    return {
        "named": found.named,
        "objects": found.objects,
        "bytes": found.size,
        "young": found.young,
        "removed": found.removed,
        "counts": found.counts,
        "bucket": wrong,
        "troubles": [trouble._asdict() for trouble in found.troubles],
    }


def _examples() -> Iterator[str]:
    """Files with which to try whether the bucket is private: a certificate and an asset, whose rules may differ."""
    stored = CredentialArtifact.objects.filter(state=CredentialArtifact.State.STORED)
    for files in (stored, CredentialAsset.objects.all()):
        names = files.exclude(storage_name="").order_by("-pk").values_list("storage_name", flat=True)
        yield from names[:1]


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1
    if not 0 <= days < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number of days")
    return days
