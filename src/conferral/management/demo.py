"""`conferral demo`: the main job on the demo's course, lesson and pathway, from rosters to mails and pages."""

import argparse
import re
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.management import call_command
from rich.console import Console
from rich.markup import escape

from conferral import storage
from conferral.contract import ConferralError
from conferral.contract.context import short_key
from conferral.issuance.snapshot import page_url
from conferral.lms.roster import import_file
from conferral.management import apply, examples, report
from conferral.management.contact_sheet import contact_sheet
from conferral.management.declaration import read
from conferral.management.find import configurations
from conferral.management.run import real_run, send
from conferral.models import CredentialArtifact, Delivery

HELP = "Issues the demo's certificates: a course, a lesson and a pathway, sixty learners."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument(
        "--directory", type=Path, default=Path("demo"), help="where credentials.yaml and rosters/ are (default: demo)"
    )
    parser.add_argument(
        "--output", type=Path, help="where the certificates are copied to by name (default: demo in CONFERRAL_HOME)"
    )
    parser.add_argument("--since", type=float, help=argparse.SUPPRESS)  # when `make demo` began to set up


def handle(options: dict[str, Any], console: Console) -> None:
    """Migrates, applies, imports, runs, and shows what came of it."""
    begun = options["since"] or time.time()
    declarations = options["directory"] / "credentials.yaml"
    if not declarations.exists():
        raise ConferralError(f"{declarations}: is not there; run this in a checkout of Conferral, or give --directory")
    console.print("[bold]Conferral demo[/]: from rosters to certificates, mails and pages\n")
    call_command("migrate", verbosity=0)
    apply.handle({"file": declarations, "dry_run": False}, console)
    for context in read(declarations).contexts:
        roster = options["directory"] / "rosters" / f"{short_key(context.key)}.csv"
        result = import_file(context.key, roster)
        console.print(f"roster {roster.name}: {result.learners} learners", style="dim")
    console.print()
    reports = []
    for configuration in configurations(None, None):
        console.print(f"running {configuration.type} in {short_key(configuration.context_key)} …", style="dim")
        reports.append(real_run(configuration, console))
    send(reports, console)
    shown = examples.make()
    output = options["output"] or django_settings.HOME / "demo"
    count = _copy_by_name(output)
    sheet = output / "contact-sheet.png"
    contact_sheet(sorted(output.glob("*/*.pdf")), sheet)
    if not any(each.error for each in reports):
        console.print(f"\n[bold green]✓[/] Ready in {_duration(time.time() - begun)} · no services needed")
    report.show(reports, console)
    console.print(f"  {count} certificates: {_shown(output)}/   contact sheet: {_shown(sheet)}")
    mails = f"{Delivery.objects.filter(state=Delivery.State.SENT).count()} mails"
    console.print(f"  {mails}: {_shown(Path(getattr(django_settings, 'EMAIL_FILE_PATH', None) or 'sent'))}")
    for label, credential, remark in shown:
        console.print(f"  [bold]{label:<10}[/] {page_url(credential.verification_id)}  [dim]{escape(remark)}[/]")
    resaved = examples.save_copy(shown[0][1], output / "re-saved-copy.pdf")
    console.print(f"  [bold]{'Re-saved':<10}[/] {_shown(resaved)}  [dim]the genuine one through another program[/]")
    if any(each.error for each in reports):
        sys.exit(1)
    if not any(each.issued for each in reports):
        console.print(
            "  Nothing new was issued: everybody who qualifies has one already, and nobody gets a second one."
        )
    console.print(
        "  Next: [bold]make serve[/]              opens these pages, and runs the configurations at their times"
    )
    console.print("        [bold]conferral run[/]           issues nothing new: nobody gets a second one")
    console.print("        [bold]conferral run --dry-run[/] says who would get one, who not, and why")
    console.print("        [bold]conferral credentials[/]   lists what was issued")
    if Path(".venv/bin/conferral").exists():
        console.print("  (the command is .venv/bin/conferral)", style="dim")


def _copy_by_name(output: Path) -> int:
    """Copies of the stored certificates under names that people can read."""
    stored = CredentialArtifact.objects.filter(state=CredentialArtifact.State.STORED, credential__current=True)
    stored = stored.exclude(storage_name="")
    count = 0
    for artifact in stored.select_related("credential__learner", "edition__type").order_by("pk"):
        credential = artifact.credential
        folder = output / _plain(f"{short_key(credential.context_key)}-{artifact.edition.type.name}")
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"{_plain(credential.learner.key)}{Path(artifact.filename).suffix}"
        copy.write_bytes(storage.read(artifact.storage_name))
        count += 1
    return count


def _plain(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text).strip("-").lower()


def _shown(path: Path) -> str:
    try:
        return escape(str(path.relative_to(Path.cwd())))
    except ValueError:
        return escape(str(path))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest} s" if minutes else f"{rest} s"
