"""`conferral apply FILE.yaml`: declares assets, issuers, contexts, types and configurations."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.db import transaction
from rich.console import Console
from rich.markup import escape

from conferral import storage
from conferral.contract import ConferralError
from conferral.issuance import configure
from conferral.issuance.configure import Change
from conferral.management.declaration import Declaration, read

HELP = "Declares assets, issuers, contexts, types and configurations; again changes nothing."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("file", type=Path, help="YAML file; the paths in it are relative to it")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")


def handle(options: dict[str, Any], console: Console) -> None:
    """Applies the file and shows what changed."""
    # Files and rows together: all of the file, or nothing of it.
    with storage.provisional() as files:
        with transaction.atomic():
            changes = list(apply(options["file"]))
            transaction.set_rollback(options["dry_run"])
        if not options["dry_run"]:
            files.keep()
    show(changes, console, dry_run=options["dry_run"])


def apply(path: Path) -> Iterator[Change]:
    """Saves everything that the file declares, in the order in which one thing needs another."""
    declared = read(path)
    yield from _named(path, "assets", declared.assets, lambda one: _save_asset(path, one))
    yield from _named(path, "issuers", declared.issuers, lambda one: configure.save_issuer(**one.values()))
    yield from _named(path, "contexts", declared.contexts, lambda one: configure.save_context(**one.values()))
    yield from _named(path, "types", declared.types, lambda one: configure.save_type(**one.values()))
    yield from _named(path, "configurations", declared.configurations, _save_configuration)
    _check_others(path, declared)


def show(changes: list[Change], console: Console, *, dry_run: bool) -> None:
    """The changes as a diff."""
    for change in changes:
        if change.action == "create":
            console.print(f"[green]+ {change.kind} {escape(change.name)}[/]")
        elif change.action == "change":
            console.print(f"[yellow]~ {change.kind} {escape(change.name)}[/]")
            for field, (before, after) in change.differences.items():
                console.print(f"    {field}: {escape(_shown(before))} → {escape(_shown(after))}")
    kept = sum(change.action == "keep" for change in changes)
    changed = len(changes) - kept
    verdict = "would change" if dry_run else "changed"
    console.print(f"{changed} {verdict}, {kept} as declared already")


def _named(path: Path, section: str, declared: list[Any], save: Callable[[Any], Change]) -> Iterator[Change]:
    for position, one in enumerate(declared):
        try:
            yield save(one)
        except ConferralError as error:
            raise ConferralError(f"{path}: {section}[{position}]: {error}") from error


def _save_asset(path: Path, declared: Any) -> Change:
    file = path.parent / declared.file
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConferralError(f"file: {declared.file} cannot be read: {error.strerror}") from None
    return configure.save_asset(declared.slug, file.name, content, declared.description)


def _save_configuration(declared: Any) -> Change:
    return configure.save_configuration(declared.context, declared.type, **declared.values("context", "type"))


def _check_others(path: Path, declared: Declaration) -> None:
    """A changed type has to suit the configurations that this file does not mention, too."""
    for one in declared.types:
        try:
            configure.check_configurations(one.name)
        except ConferralError as error:
            raise ConferralError(f"{path}: types: {one.name!r}: {error}") from error


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:97]}…"  # noqa: PLR2004 - one line stays one line
