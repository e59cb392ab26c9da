"""Pictures of stored certificates, for pages, and the cards that other sites show beside a link."""

import io
import json
import logging
from collections.abc import Callable
from functools import cache as once
from hashlib import sha256
from importlib import resources
from typing import TypeVar

import typst
from django.core.cache import cache
from PIL import Image, ImageOps

from conferral import pictures, storage
from conferral.colours import is_colour
from conferral.contract import Snapshot
from conferral.contract.placeholders import babel_locale
from conferral.models import CredentialArtifact
from conferral.pictures import PictureError

T = TypeVar("T")
logger = logging.getLogger(__name__)

WIDTH, SMALL = 1400, 640
"""Pixels: sharp on a screen of twice the usual density, alone on a page, and on a card or a phone."""
WIDTHS = (SMALL, WIDTH)
USUAL = (297, 210)
"""The shape of a certificate while nobody has seen one of its design: A4, across."""
REMEMBERED = 24 * 3600
"""Seconds for which the shape of a design's pictures is known."""
KEPT = 600
"""Seconds: no longer, because a learner may be retired."""
MEDIA_TYPES = (pictures.PDF, "image/png", "image/jpeg")
CARD = (1200, 630)
"""Pixels: what the sites that show such cards ask for."""
FRAME = (560, 430)
"""Pixels of the card for the picture of the certificate, and how far it stands from the edge."""
MARGIN = 64
INK = "#1b2a4e"


def can_show(artifact: CredentialArtifact) -> bool:
    """Whether there is a picture of it."""
    return artifact.media_type in MEDIA_TYPES and bool(artifact.storage_name)


def picture_of(artifact: CredentialArtifact, width: int = WIDTH) -> tuple[bytes, str]:
    """The picture and its media type: a PDF's first page as JPEG, which is made in a tenth of a PNG's time.

    Another picture is itself, or a JPEG when it is wanted smaller. A TransientError when the file cannot be had, a
    PictureError when it cannot be drawn.
    """
    if artifact.media_type != pictures.PDF and width == WIDTH:
        return storage.read(artifact.storage_name), artifact.media_type
    key = f"conferral:jpeg:{artifact.pk}:{artifact.sha256}:{width}"
    return kept_or_made(key, lambda: _jpeg(artifact, width)), "image/jpeg"


def shape_of(artifact: CredentialArtifact) -> tuple[int, int]:
    """Width and height of its picture at its full width, so that the page keeps the place: those of one drawn before.

    All of one design are of one shape.
    """
    try:
        width, height = cache.get(_shape_key(artifact)) or USUAL
    except Exception as error:  # as below
        logger.warning("no shape can be had from the cache: %r", error)
        width, height = USUAL
    return WIDTH, round(WIDTH * height / width)


def card_of(snapshot: Snapshot, artifact: CredentialArtifact | None, colour: str, locale: str) -> bytes:
    """A PNG with what the snapshot says, and beside it the picture of the file where there is one; errors as above."""
    language = babel_locale(locale)
    said = {
        "type": snapshot.type,
        "name": snapshot.name,
        "context": snapshot.context,
        "issuer": snapshot.issuer.name,
        "number": snapshot.verification_id,
        "colour": colour if is_colour(colour) else INK,
        "language": language.language,
        "right_to_left": language.text_direction == "rtl",
        "pictured": artifact is not None,
    }
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    file = f"{artifact.pk}:{artifact.sha256}" if artifact else ""
    key = f"conferral:card:{sha256(f'{text}{file}'.encode()).hexdigest()}"
    return kept_or_made(key, lambda: _card(text, artifact, right_to_left=language.text_direction == "rtl"))


def _card(said: str, artifact: CredentialArtifact | None, *, right_to_left: bool) -> bytes:
    try:
        made = typst.compile(_source(), format="png", ppi=72, sys_inputs={"said": said}, font_paths=_fonts())
    except typst.TypstError as error:
        raise PictureError(f"the card cannot be drawn: {error.message}") from error
    assert isinstance(made, bytes)  # typst returns a list for several pages only
    with Image.open(io.BytesIO(made)) as drawn:
        card = drawn.convert("RGB")
    if artifact:
        picture = ImageOps.contain(_drawn(artifact, FRAME[0]), FRAME)
        left = MARGIN if right_to_left else CARD[0] - MARGIN - picture.width
        top = (CARD[1] - picture.height) // 2
        card.paste(Image.new("RGB", (picture.width + 2, picture.height + 2), "#cfc8b6"), (left - 1, top - 1))
        card.paste(picture, (left, top))
    return pictures.encoded(card, "PNG")


def _jpeg(artifact: CredentialArtifact, width: int) -> bytes:
    picture = _drawn(artifact, width)
    picture.thumbnail((width, pictures.LONGEST_SIDE))
    _set(_shape_key(artifact), picture.size, REMEMBERED)
    return pictures.encoded(picture, "JPEG")


def _shape_key(artifact: CredentialArtifact) -> str:
    return f"conferral:shape:{artifact.edition_id}:{artifact.slot}:{artifact.filename}"


def _drawn(artifact: CredentialArtifact, width: int) -> Image.Image:
    content = storage.read(artifact.storage_name)
    if artifact.media_type == pictures.PDF:
        return pictures.draw(content, width=width)
    return pictures.read(content, artifact.media_type)


@once
def _source() -> bytes:
    return resources.files("conferral.web").joinpath("card.typ").read_bytes()


@once
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True)


def kept_or_made(key: str, make: Callable[[], bytes]) -> bytes:
    """What the cache has under that key, else what is made now, for as long as it may be kept."""
    try:
        kept: bytes | None = cache.get(key)
    except Exception as error:  # each cache has errors of its own; without one, every picture is drawn
        logger.warning("no picture can be had from the cache: %r", error)
        kept = None
    return kept if kept is not None else _set(key, make(), KEPT)


def _set(key: str, content: T, seconds: int) -> T:
    try:
        cache.set(key, content, seconds)
    except Exception as error:  # as above
        logger.warning("nothing can be put into the cache: %r", error)
    return content
