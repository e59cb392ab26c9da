"""`conferral preview TYPE -o FILE`: a sample of a design, as a picture or as the file itself."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral import pictures, plugins
from conferral.contract import Artifact, ConferralError
from conferral.issuance.configure import find_type
from conferral.issuance.preview import preview
from conferral.management.find import any_context_key

HELP = "Shows a design: makes one sample of it, issues nothing, and writes a picture or the PDF."
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""Pictures, by the ending of the file's name."""


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("type", metavar="TYPE", help="name of the credential type")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="its ending decides: .png .jpg .webp or .pdf"
    )
    parser.add_argument("--context", metavar="KEY", help="as the course, lesson or pathway of that key has it")
    parser.add_argument("--name", metavar="TEXT", help="the learner's name")
    parser.add_argument("--locale", default="", metavar="TAG", help="language of dates and numbers, such as pt-BR")
    parser.add_argument("--slot", default="", metavar="SLOT", help="which of the type's files; the first when left out")
    parser.add_argument("--page", type=int, default=1, metavar="N", help="which page the picture shows (default: 1)")
    parser.add_argument(
        "--dpi", type=int, default=pictures.DPI, metavar="N", help=f"pixels in an inch (default: {pictures.DPI})"
    )
    parser.add_argument("--boxes", action="store_true", help="draw the box of each text too")


def handle(options: dict[str, Any], console: Console) -> None:
    """Makes it and writes it."""
    target: Path = options["output"]
    ending = target.suffix.lower()
    if ending not in (".pdf", *FORMATS):
        raise ConferralError(f"output: {target} does not end in one of {' '.join(FORMATS)} .pdf")
    if not pictures.LEAST_DPI <= options["dpi"] <= pictures.MOST_DPI:
        raise ConferralError(
            f"dpi: {options['dpi']} is not accepted; write {pictures.LEAST_DPI} to {pictures.MOST_DPI}"
        )
    made = preview(
        find_type(options["type"]),
        plugins.gateway(),
        context_key=any_context_key(options["context"]) if options["context"] else "",
        slot=options["slot"],
        name=options["name"],
        locale=options["locale"],
        boxes=options["boxes"],
    )
    content = _pdf(made) if ending == ".pdf" else _picture(made, FORMATS[ending], options["page"], options["dpi"])
    try:
        target.write_bytes(content)
    except OSError as error:
        raise ConferralError(f"output: {target} cannot be written: {error.strerror}") from None
    console.print(f"{escape(str(target))}  [dim]{len(content):,} bytes[/]")
    for artifact in made:
        for problem in artifact.problems:
            console.print(f"  [yellow]! {escape(problem)}[/]")


def _pdf(made: Sequence[Artifact]) -> bytes:
    return _found(made, (pictures.PDF,), "is no PDF").content or b""


def _picture(made: Sequence[Artifact], name: str, page: int, dpi: int) -> bytes:
    artifact = _found(made, (pictures.PDF, *pictures.IMAGES), "cannot be shown as a picture")
    content = artifact.content or b""
    try:
        if artifact.media_type == pictures.PDF:
            return pictures.encoded(pictures.draw(content, page=page, dpi=dpi), name)
        if page != 1:
            raise ConferralError(f"page: {page}: a picture has one page")
        return pictures.encoded(pictures.read(content, artifact.media_type), name)
    except pictures.PictureError as error:
        raise ConferralError(f"{artifact.filename}: {error}") from None


def _found(made: Sequence[Artifact], media_types: Sequence[str], why_not: str) -> Artifact:
    """The first file of one of those kinds; a slot may make several."""
    for artifact in made:
        if artifact.media_type in media_types and artifact.content is not None:
            return artifact
    there = ", ".join(f"{one.filename} ({one.media_type}{', elsewhere' if one.url else ''})" for one in made)
    raise ConferralError(f"output: what the slot makes {why_not}: {there}")
