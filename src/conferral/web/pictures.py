"""Pictures of stored certificates, for pages, and the cards that other sites show beside a link."""

import io
import json
import logging
from collections.abc import Callable
from functools import cache as once
from hashlib import sha256
from importlib import resources

import typst
from django.core.cache import cache
from PIL import Image, ImageOps

from conferral import pictures, storage
from conferral.contract import Snapshot
from conferral.contract.placeholders import babel_locale
from conferral.models import CredentialArtifact
from conferral.pictures import PictureError

logger = logging.getLogger(__name__)

WIDTH = 1400
"""Pixels: sharp on a screen of twice the usual density."""
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


def picture_of(artifact: CredentialArtifact) -> tuple[bytes, str]:
    """The picture and its media type: a PDF's first page as JPEG, which is made in a tenth of a PNG's time.

    A TransientError when the file cannot be had, a PictureError when it cannot be drawn.
    """
    if artifact.media_type != pictures.PDF:
        return storage.read(artifact.storage_name), artifact.media_type
    key = f"conferral:jpeg:{artifact.pk}:{artifact.sha256}"
    return _kept_or_made(key, lambda: pictures.encoded(_drawn(artifact, WIDTH), "JPEG")), "image/jpeg"


def card_of(snapshot: Snapshot, artifact: CredentialArtifact | None, colour: str, locale: str) -> bytes:
    """A PNG with what the snapshot says, and beside it the picture of the file where there is one; errors as above."""
    language = babel_locale(locale)
    said = {
        "type": snapshot.type,
        "name": snapshot.name,
        "context": snapshot.context,
        "issuer": snapshot.issuer.name,
        "number": snapshot.verification_id,
        "colour": colour if _is_colour(colour) else INK,
        "language": language.language,
        "pictured": artifact is not None,
    }
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    file = f"{artifact.pk}:{artifact.sha256}" if artifact else ""
    key = f"conferral:card:{sha256(f'{text}{file}'.encode()).hexdigest()}"
    return _kept_or_made(key, lambda: _card(text, artifact, right_to_left=language.text_direction == "rtl"))


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


def _drawn(artifact: CredentialArtifact, width: int) -> Image.Image:
    content = storage.read(artifact.storage_name)
    if artifact.media_type == pictures.PDF:
        return pictures.draw(content, width=width)
    return pictures.read(content, artifact.media_type)


def _is_colour(text: str) -> bool:
    return len(text) == len(INK) and text.startswith("#") and text[1:].isalnum() and text.isascii()


@once
def _source() -> bytes:
    return resources.files("conferral.web").joinpath("card.typ").read_bytes()


@once
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True)


def _kept_or_made(key: str, make: Callable[[], bytes]) -> bytes:
    try:
        kept: bytes | None = cache.get(key)
    except Exception as error:  # each cache has errors of its own; without one, every picture is drawn
        logger.warning("no picture can be had from the cache: %r", error)
        kept = None
    return kept if kept is not None else _keep(key, make())


def _keep(key: str, content: bytes) -> bytes:
    try:
        cache.set(key, content, KEPT)
    except Exception as error:  # as above
        logger.warning("no picture can be put into the cache: %r", error)
    return content
