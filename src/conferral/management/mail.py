"""`conferral mail TYPE`: the mail of a type as a learner would get it; nothing is sent."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral import plugins
from conferral.contract import ConferralError
from conferral.issuance.configure import find_type
from conferral.issuance.preview import letter
from conferral.mail import Letter
from conferral.management.find import any_context_key
from conferral.models import Delivery

HELP = "Shows the mail of a credential type as a learner would get it; sends nothing."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("type", metavar="TYPE", help="name of the credential type")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it there: .html, .txt or .eml")
    parser.add_argument("--context", metavar="KEY", help="as the course, lesson or pathway of that key has it")
    parser.add_argument("--name", metavar="TEXT", help="the learner's name")
    parser.add_argument("--language", default="", metavar="TAG", help="the learner's language, such as pt-BR")
    parser.add_argument(
        "--purpose",
        choices=Delivery.Purpose.values,
        default=Delivery.Purpose.ISSUED.value,
        help="which of the mails: of the first issue (default), of a correction, or of a name that stays",
    )


def handle(options: dict[str, Any], console: Console) -> None:
    """Writes it to the file, or shows its text."""
    target: Path | None = options["output"]
    if target and target.suffix.lower() not in WRITTEN:
        raise ConferralError(f"output: {target} does not end in one of {' '.join(WRITTEN)}")
    made = letter(
        find_type(options["type"]),
        plugins.gateway(),
        purpose=options["purpose"],
        context_key=any_context_key(options["context"]) if options["context"] else "",
        name=options["name"],
        language=options["language"],
    )
    if target is None:
        console.print(f"[bold]{escape(made.subject)}[/]\n")
        console.file.write(made.message().body + "\n")
        return
    try:
        target.write_bytes(WRITTEN[target.suffix.lower()](made))
    except OSError as error:
        raise ConferralError(f"output: {target} cannot be written: {error.strerror}") from None
    console.print(f"{escape(str(target))}  [dim]{escape(made.subject)}[/]")


def _html(made: Letter) -> bytes:
    return str(made.message().alternatives[0][0]).encode()


def _text(made: Letter) -> bytes:
    return str(made.message().body).encode()


def _whole(made: Letter) -> bytes:
    return made.message().message().as_bytes()


WRITTEN = {".html": _html, ".txt": _text, ".eml": _whole}
