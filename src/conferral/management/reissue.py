"""`conferral reissue ID`: issues a credential again, with the same dates, in place of the old one."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.issuance import correct
from conferral.issuance.correct import CURRENT_DESIGN, SAME_DESIGN
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.snapshot import page_url
from conferral.management import find

HELP = "Issues a credential again in place of the old one: same dates; old links lead to the new one."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    find.id_argument(parser)
    parser.add_argument("--name", help="the corrected name; the old one's when left out")
    parser.add_argument(
        "--design",
        choices=[SAME_DESIGN, CURRENT_DESIGN],
        default=SAME_DESIGN,
        help="as it was made then, or as the configuration says now (default: same)",
    )
    parser.add_argument("--no-mail", action="store_true", help="do not write to the learner")


def handle(options: dict[str, Any], console: Console) -> None:
    """Reissues it, makes it, and sends it."""
    old = find.credential(options["id"])
    new = correct.reissue(old, name=options["name"], design=options["design"], notify=not options["no_mail"])
    generate(new.configuration)
    deliver()
    new.refresh_from_db()
    console.print(f"reissued: {page_url(new.verification_id)}  {escape(new.recipient_name)}")
    if other := correct.differs_from_account(new):
        console.print(
            f"[yellow]! the learner's account says {escape(repr(other))}; correct it there too, "
            f"or later credentials will show it[/]"
        )
    for artifact in new.artifacts.exclude(last_error=""):
        console.print(f"[yellow]! {escape(artifact.slot)}: {escape(artifact.last_error)}[/]")
