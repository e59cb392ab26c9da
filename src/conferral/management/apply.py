"""`conferral apply FILE.yaml`: declares assets, issuers, contexts, types and configurations."""

from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from rich.console import Console
from rich.markup import escape

from conferral import assets, storage
from conferral.contract import ConferralError
from conferral.issuance import configure, history
from conferral.issuance.configure import Change
from conferral.management.declaration import AssetDeclaration, ConfigurationDeclaration, Declared, read

CHECKED = ("type", "context", "asset")
HELP = "Declares assets, issuers, contexts, types and configurations; again changes nothing."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("file", type=Path, help="YAML file; the paths in it are relative to it")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")


def handle(options: dict[str, Any], console: Console) -> None:
    """Applies the file and shows what changed."""
    # Files and rows together: all of the file, or nothing of it.
    try:
        with storage.provisional() as files:
            with transaction.atomic():
                changes = apply(options["file"])
                transaction.set_rollback(options["dry_run"])
            if not options["dry_run"]:
                files.keep()
    except IntegrityError:
        raise ConferralError(f"{options['file']}: somebody else applied at the same time; apply it again") from None
    show(changes, console, dry_run=options["dry_run"])


def apply(path: Path) -> list[Change]:
    """Saves everything that the file declares, in the order in which one thing needs another."""
    declared = read(path)
    changes = []
    for section, save in (
        ("assets", partial(_save_asset, path)),
        ("issuers", _save(configure.save_issuer)),
        ("contexts", _save(configure.save_context)),
        ("types", _save(configure.save_type)),
        ("configurations", _save_configuration),
    ):
        for position, one in enumerate(getattr(declared, section)):
            try:
                changes.append(save(one))
            except ConferralError as error:
                raise ConferralError(f"{path}: {section}[{position}]: {error}") from error
    _check_users(path, changes)
    return changes


def show(changes: list[Change], console: Console, *, dry_run: bool) -> None:
    """The changes as a diff."""
    for change in changes:
        if change.action == "create":
            console.print(f"[green]+ {change.kind} {escape(change.name)}[/]")
        elif change.action == "change":
            console.print(f"[yellow]~ {change.kind} {escape(change.name)}[/]")
            for field, (before, after) in change.differences.items():
                console.print(f"    {field}: {escape(_shown(before))} → {escape(_shown(after))}")
        if change.action != "keep":
            for remark in change.remarks:
                console.print(f"    [yellow]! {escape(remark)}[/]")
    kept = sum(change.action == "keep" for change in changes)
    changed = len(changes) - kept
    verdict = "would change" if dry_run else "changed"
    console.print(f"{changed} {verdict}, {kept} as declared already")


def _save(save: Callable[..., Change]) -> Callable[[Declared], Change]:
    return lambda declared: save(**declared.values(), by=history.COMMAND_LINE)


def _save_asset(path: Path, declared: AssetDeclaration) -> Change:
    file = path.parent / declared.file
    assets.kind_of(declared.slug, declared.file)  # by its name, before a byte is read
    try:
        if not file.is_file():
            raise ConferralError(f"file: {declared.file} cannot be read: No such file")
        if file.stat().st_size > assets.MAX_BYTES:
            raise ConferralError(f"file: {declared.file} is too large; at most {assets.MAX_BYTES:,} bytes are accepted")
        content = file.read_bytes()
    except OSError as error:
        raise ConferralError(f"file: {declared.file} cannot be read: {error.strerror}") from None
    return configure.save_asset(declared.slug, file.name, content, declared.description, by=history.COMMAND_LINE)


def _save_configuration(declared: ConfigurationDeclaration) -> Change:
    values = declared.values("context", "type")
    return configure.save_configuration(declared.context, declared.type, by=history.COMMAND_LINE, **values)


def _check_users(path: Path, changes: list[Change]) -> None:
    """What changed has to suit the configurations that use it, those that this file does not mention too."""
    changed = {kind: {one.name for one in changes if one.kind == kind and one.action == "change"} for kind in CHECKED}
    if not any(changed.values()):
        return
    try:
        configure.check_users(types=changed["type"], contexts=changed["context"], slugs=changed["asset"])
    except ConferralError as error:
        raise ConferralError(f"{path}: what changes here breaks what uses it: {error}") from error


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:97]}…"  # noqa: PLR2004 - one line stays one line
