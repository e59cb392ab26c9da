"""Fonts: reading them, what they cover, and the fallbacks that come with Conferral."""

import io
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import pymupdf_fonts
from fontTools import unicodedata as scripts
from fontTools.ttLib import TTFont

from conferral.contract import PermanentError

BUILT_IN = ("figo", "notos", "symbol1", "symbol2")
"""FiraGO (Latin, Cyrillic, Greek, Arabic, Hebrew, Devanagari, Thai, Georgian), Noto Sans and Noto's symbols."""

_REGULAR = 400
_FAMILY_NAMES = {1, 4, 6, 16}
_STYLE_NAMES = {2: "Regular", 17: "Regular"}


@dataclass(frozen=True)
class Font:
    """A font under a family name of its own, so that two assets of one family are not mistaken for each other."""

    family: str
    content: bytes
    covered: frozenset[int]


@lru_cache(maxsize=32)
def read_font(content: bytes) -> Font:
    """The font; a PermanentError says why it cannot be one."""
    family = f"Conferral {sha256(content).hexdigest()[:16]}"
    try:
        with TTFont(io.BytesIO(content), lazy=True, recalcBBoxes=False) as font:
            covered = frozenset(font.getBestCmap() or ())
            is_packed = font.flavor is not None
            has_outlines = bool({"glyf", "CFF ", "CFF2"} & set(font.keys()))
            _rename(font, family)
            renamed = io.BytesIO()
            font.save(renamed)
    except Exception as error:
        # fontTools has no common base for what a damaged table makes it raise.
        raise PermanentError("is not a font, or is damaged; a TrueType or OpenType file is needed") from error
    if is_packed:
        raise PermanentError("is a web font (WOFF); upload the TrueType or OpenType file that it was made from")
    if not covered or not has_outlines:
        raise PermanentError("has no letters that could be printed; a font with outlines is needed")
    return Font(family, renamed.getvalue(), covered)


@lru_cache(maxsize=1)
def built_in() -> tuple[Font, ...]:
    """The fonts that come with Conferral, in the order in which they stand in."""
    return tuple(read_font(bytes(pymupdf_fonts.myfont(name))) for name in BUILT_IN)


def uncovered(text: str, fonts: Sequence[Font]) -> list[str]:
    """The characters of the text that none of the fonts has, each once, in order."""
    missing = dict.fromkeys(
        character
        for character in text
        if not _invisible(character) and not any(ord(character) in font.covered for font in fonts)
    )
    return list(missing)


def described(characters: Iterable[str]) -> str:
    """Characters as an operator looks them up: `U+13E3 (Cherokee)`."""
    return ", ".join(
        f"U+{ord(character):04X} ({scripts.script_name(scripts.script(character))})" for character in characters
    )


def _invisible(character: str) -> bool:
    """Spaces, line ends, joiners, direction marks and variation selectors: nothing is drawn for them."""
    return unicodedata.category(character) in ("Zs", "Cc", "Cf") or "\ufe00" <= character <= "\ufe0f"


def _rename(font: TTFont, family: str) -> None:
    """One family name, regular weight and style, whatever the designer called it."""
    table = font["name"]
    table.names = [record for record in table.names if record.nameID not in _FAMILY_NAMES | set(_STYLE_NAMES)]
    for identifier in _FAMILY_NAMES - {6}:
        table.setName(family, identifier, 3, 1, 0x409)
    table.setName(family.replace(" ", "-"), 6, 3, 1, 0x409)
    table.setName("Regular", 2, 3, 1, 0x409)
    if "OS/2" in font:
        metrics = font["OS/2"]
        metrics.usWeightClass = _REGULAR
        metrics.fsSelection = (metrics.fsSelection & ~0b100001) | 0b1000000
    font["head"].macStyle = 0
