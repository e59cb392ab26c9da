"""`conferral reissue ID`, or `--all CONTEXT`: issues again, with the same dates, in place of what there is."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral.contract import ConferralError
from conferral.issuance import correct, history, reissue
from conferral.issuance.correct import CURRENT_DESIGN, SAME_DESIGN
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.snapshot import page_url
from conferral.issuance.withdraw import withdraw
from conferral.management import find

HELP = "Issues a credential again, or all of a course: same dates; old links lead to the new ones."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("id", nargs="?", help="verification id, for example K7QF-2M9X-4TBD-HW33")
    parser.add_argument("--all", metavar="CONTEXT", help="all credentials of this course, lesson or pathway")
    parser.add_argument("--type", dest="type_name", metavar="NAME", help="with --all: the credential type")
    parser.add_argument("--names", action="store_true", help="with --all: with the names that the learners have now")
    parser.add_argument("--dry-run", action="store_true", help="with --all: say how many, and issue nothing")
    parser.add_argument("--reason", default="", help="why, for those who are asked later; required with --all")
    parser.add_argument("--name", help="the corrected name; the old one's when left out")
    parser.add_argument(
        "--design",
        choices=[SAME_DESIGN, CURRENT_DESIGN],
        default=SAME_DESIGN,
        help="as it was made then, or as the configuration says now (default: same)",
    )
    parser.add_argument("--no-mail", action="store_true", help="do not write to the learner")


def handle(options: dict[str, Any], console: Console) -> None:
    """Reissues, makes and sends."""
    if bool(options["id"]) == bool(options["all"]):
        raise ConferralError("reissue: name a verification id, or --all and a course, lesson or pathway")
    if options["all"]:
        _reissue_all(options, console)
    else:
        _reissue_one(options, console)


def _reissue_all(options: dict[str, Any], console: Console) -> None:
    wish = reissue.Wish(
        find.one_configuration(options["all"], options["type_name"]),
        options["design"],
        names=options["names"],
        notify=not options["no_mail"],
    )
    numbers = reissue.count(wish)
    console.print(f"{numbers.to_reissue} of {numbers.chosen} to be issued again, {numbers.unchanged} as they are")
    for why, number in numbers.cannot.items():
        console.print(f"  {number} {escape(why)}")
    if options["dry_run"]:
        return
    done = reissue.carry_out(reissue.start(wish, by=history.COMMAND_LINE, reason=options["reason"]).pk)
    withdraw()
    generate(wish.configuration)
    deliver()
    console.print(f"{done.reissued} issued again, {done.failed} could not be")
    for problem, number in done.problems.items():
        console.print(f"[yellow]! {number} × {escape(problem)}[/]")
    if done.error:
        raise ConferralError(f"reissue: {done.error}")


def _reissue_one(options: dict[str, Any], console: Console) -> None:
    given = {"by": history.COMMAND_LINE, "reason": options["reason"], "notify": not options["no_mail"]}
    old = find.credential(options["id"])
    new = correct.reissue(old, name=options["name"], design=options["design"], **given)
    withdraw()
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
