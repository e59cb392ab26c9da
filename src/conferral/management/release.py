"""`conferral release WHAT…`: issues what a run holds."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console

from conferral.contract import ConferralError
from conferral.issuance import history
from conferral.issuance import release as releasing
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.models import Credential, Run
from conferral.models.verification import normalised

HELP = "Issues what a run holds, dated today: all of it, or some credentials."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    what_argument(parser)
    parser.add_argument("--no-mail", action="store_true", help="issue, and write to nobody about it")


def handle(options: dict[str, Any], console: Console) -> None:
    """Releases, makes and sends."""
    runs, credentials = found(options["what"])
    notify = False if options["no_mail"] else None
    done = sum(releasing.release(run, by=history.COMMAND_LINE, notify=notify) for run in runs)
    done += releasing.release_each(credentials, by=history.COMMAND_LINE, notify=notify)
    generate()
    deliver()
    console.print(f"{done} released")


def what_argument(parser: ArgumentParser) -> None:
    """The argument that names what is held."""
    parser.add_argument(
        "what", nargs="+", help="number of a run, or verification id of a credential, as `conferral held` lists them"
    )


def found(what: list[str]) -> tuple[list[Run], list[int]]:
    """The runs, and the keys of the credentials, that are named; a ConferralError for what is neither."""
    runs, credentials = [], []
    for text in what:
        run = Run.objects.filter(pk=text).first() if text.isascii() and text.isdigit() and len(text) < 16 else None  # noqa: PLR2004 - verification ids have 16
        verification_id = None if run else normalised(text)
        pk = (
            verification_id
            and Credential.objects.filter(verification_id=verification_id, state=Credential.State.HELD)
            .values_list("pk", flat=True)
            .first()
        )
        if run:
            runs.append(run)
        elif pk:
            credentials.append(pk)
        else:
            raise ConferralError(f"{text!r}: is no run and no held credential; `conferral held` lists them")
    return runs, credentials
