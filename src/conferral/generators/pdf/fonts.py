"""Fonts: reading and checking them, what they cover, and cutting out of them the glyphs that a file needs."""

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import pymupdf_fonts
import uharfbuzz as hb
from fontTools import unicodedata as scripts

from conferral.contract import OptionsError, PermanentError, Phrase

BUILT_IN = ("figo", "notos", "symbol1", "symbol2")
"""FiraGO (Latin, Cyrillic, Greek, Arabic, Hebrew, Devanagari, Thai, Georgian), Noto Sans and Noto's symbols."""

NOT_A_FONT = Phrase("is not a font, or is damaged; a TrueType or OpenType file is needed")
_NEEDED = ("cmap", "head", "hhea", "hmtx", "maxp")
_OUTLINES = ("glyf", "CFF ", "CFF2")
_PACKED = (b"wOFF", b"wOF2")
_RESTRICTED = 0x0002
"""`fsType` of the OpenType table OS/2: the font must not be embedded."""

_USUAL_CAPITALS = 700.0
_UNUSED = ("GSUB", "GPOS", "GDEF", "BASE", "JSTF", "name", "OS/2", "post", "cmap", "DSIG", "kern", "gasp", "meta",
           "STAT", "hdmx", "VDMX", "LTSH", "PCLT", "vhea", "vmtx", "VORG", "FFTM", "COLR", "CPAL", "SVG ", "MATH",
           "morx", "kerx", "feat", "trak", "prop", "lcar", "ankr", "Silf", "Sill", "Glat", "Gloc", "Feat")  # fmt: skip
"""Tables that nobody reads in a PDF, where glyphs are chosen and placed already."""

_UNUSED_TAGS = [int.from_bytes(tag.encode(), "big") for tag in _UNUSED]


@dataclass(frozen=True, slots=True)
class Subset:
    """A font program with some glyphs of a font, under new numbers."""

    program: bytes
    glyphs: Mapping[int, int]


class Font:
    """A font that texts can be shaped with, measured in thousandths of its size, and that can be cut down."""

    def __init__(self, content: bytes | Path, index: int = 0) -> None:
        blob = hb.Blob(content) if isinstance(content, bytes) else hb.Blob.from_file_path(str(content))
        self.face = hb.Face(blob, index)
        tables = _tables(self.face)
        if "fvar" in tables or "CFF2" in tables:
            self.face, tables = _static(self.face)
        self.shaped_with = hb.Font(self.face)
        self.is_cff = "CFF " in tables
        self.tables = tables
        self.thousandth = 1000 / self.face.upem if self.face.upem else 1.0
        self._advances: dict[int, int] = {}
        self._extents: dict[int, tuple[float, float, float, float]] = {}

    @cached_property
    def covered(self) -> frozenset[int]:
        """The characters that it has glyphs for."""
        return frozenset(self.face.unicodes)

    @cached_property
    def name(self) -> str:
        """Its PostScript name, as far as a PDF can have it."""
        written = self.face.get_name(hb.OTNameIdPredefined.POSTSCRIPT_NAME) or ""
        return (
            "".join(letter for letter in written if letter.isascii() and (letter.isalnum() or letter == "-")) or "Font"
        )

    @cached_property
    def ascender(self) -> float:
        """How far its lines reach above the baseline, in thousandths of the size."""
        return float(self.shaped_with.get_font_extents("ltr").ascender * self.thousandth)

    @cached_property
    def descender(self) -> float:
        """How far below the baseline, below zero."""
        return float(self.shaped_with.get_font_extents("ltr").descender * self.thousandth)

    @cached_property
    def reach(self) -> tuple[float, float]:
        """The lowest and the highest point of any of its glyphs, as its maker says: `yMin` and `yMax` of `head`."""
        head = bytes(self.face.reference_table("head").data)
        low, high = (int.from_bytes(head[place : place + 2], "big", signed=True) for place in (38, 42))
        return low * self.thousandth, high * self.thousandth

    @cached_property
    def cap_height(self) -> float:
        """Height of its capitals; of a font without any, what those of most fonts have."""
        capital = self.shaped_with.get_nominal_glyph(ord("H"))
        return self.extents(capital)[3] if capital else _USUAL_CAPITALS

    def advance(self, glyph: int) -> int:
        """The glyph's own width, in units of the font."""
        found = self._advances.get(glyph)
        if found is None:
            found = self._advances[glyph] = self.shaped_with.get_glyph_h_advance(glyph)
        return found

    def extents(self, glyph: int) -> tuple[float, float, float, float]:
        """Left, lowest, right and highest point of what is drawn, in thousandths of the size."""
        found = self._extents.get(glyph)
        if found is None:
            x, y, width, height = self.shaped_with.get_glyph_extents(glyph) or (0, 0, 0, 0)
            scale = self.thousandth
            found = self._extents[glyph] = (x * scale, (y + height) * scale, (x + width) * scale, y * scale)
        return found

    def subset(self, glyphs: Iterable[int]) -> Subset:
        """A font program of these glyphs; a PermanentError when the font is too damaged for that."""
        wanted = hb.SubsetInput()
        wanted.flags = (
            hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NO_LAYOUT_CLOSURE | hb.SubsetFlags.CFF_IDENTITY_CHARSET
        )
        wanted.glyph_set.update(glyphs)
        wanted.drop_table_tag_set.update(_UNUSED_TAGS)
        try:
            plan = hb.SubsetPlan(self._prepared, wanted)
            face = plan.execute()
        except RuntimeError:
            raise PermanentError(NOT_A_FONT) from None
        program = face.reference_table("CFF ").data if self.is_cff else face.blob.data
        return Subset(bytes(program), dict(plan.old_to_new_glyph_mapping))

    @cached_property
    def _prepared(self) -> hb.Face:
        """HarfBuzz's own preparation: it makes cutting out a few glyphs a thousand times faster than reading anew."""
        return hb.subset_preprocess(self.face)


def _static(face: hb.Face) -> tuple[hb.Face, set[str]]:
    """A variable font as it is without any setting; outlines that PDF cannot hold (CFF2) as those that it can."""
    wanted = hb.SubsetInput()
    wanted.keep_everything()
    wanted.flags |= hb.SubsetFlags.DOWNGRADE_CFF2
    wanted.pin_all_axes_to_default(face)
    try:
        # Through bytes: what was cut out still looks variable to some of HarfBuzz's functions.
        fixed = hb.Face(hb.Blob(bytes(hb.subset(face, wanted).blob.data)))
    except RuntimeError:
        raise PermanentError(NOT_A_FONT) from None
    return fixed, _tables(fixed)


def _tables(face: hb.Face) -> set[str]:
    """Those of the tables that matter here which the font has. A damaged font's own list cannot be read."""
    return {tag for tag in (*_NEEDED, *_OUTLINES, "fvar", "OS/2") if len(face.reference_table(tag))}


@lru_cache(maxsize=32)
def read_font(content: bytes) -> Font:
    """The font; a PermanentError says why it cannot be one."""
    if content[:4] in _PACKED:
        raise PermanentError("is a web font (WOFF); upload the TrueType or OpenType file that it was made from")
    font = Font(content)
    if not all(len(font.face.reference_table(tag)) for tag in _NEEDED):
        raise PermanentError(NOT_A_FONT)
    if not font.covered or not font.tables & set(_OUTLINES):
        raise PermanentError("has no letters that could be printed; a font with outlines is needed")
    rights = bytes(font.face.reference_table("OS/2").data[8:10]) if "OS/2" in font.tables else b""
    if int.from_bytes(rights, "big") & 0xF == _RESTRICTED:
        raise PermanentError("forbids to be embedded in documents (fsType 2); ask its maker for another licence")
    glyphs = {font.shaped_with.get_nominal_glyph(character) for character in sorted(font.covered)[:1000]} - {None}
    if not any(any(font.extents(glyph)) for glyph in glyphs):
        raise PermanentError("has no letters that could be printed; a font with outlines is needed")
    if not font.subset(list(glyphs)[:10]).program:
        raise PermanentError(NOT_A_FONT)
    return font


@cache
def _built_in() -> tuple[Font, ...]:
    return tuple(read_font(bytes(pymupdf_fonts.myfont(name))) for name in BUILT_IN)


class Chain:
    """The fonts of a text, in the order in which they are asked for a character.

    `sites` come last and are read when they are needed first: most texts never are.
    """

    def __init__(self, own: Sequence[Font], sites: "Sites", language: str) -> None:
        self._own = tuple(own)
        self._sites = sites
        self._language = language
        self.of = lru_cache(maxsize=4096)(self._of)

    @cached_property
    def first(self) -> Font:
        """The font that sets the tone: its height is the line's."""
        return next(self._fonts())

    def _fonts(self) -> Iterator[Font]:
        yield from self._own
        yield from self._sites.fonts(self._language)

    def _of(self, cluster: str) -> Font | None:
        """The first font that has all of a grapheme cluster: a letter and its marks are of one font."""
        visible = [character for character in cluster if not _is_silent(character)]
        wanted = frozenset(map(ord, visible))
        apart = frozenset(map(ord, unicodedata.normalize("NFD", "".join(visible))))
        for font in self._fonts():
            # A shaper puts together and takes apart what a font has in the other form.
            if wanted <= font.covered or apart <= font.covered:
                return font
        return None

    def uncovered(self, cluster: str) -> list[str]:
        """The characters of a cluster that no font has; all of it, when none has them together."""
        alone = [one for one in cluster if not _is_silent(one) and self.of(one) is None]
        return alone or [one for one in cluster if not _is_silent(one)]


class Sites:
    """The site's fallback fonts, as the setting names them."""

    def __init__(self, places: Sequence[str]) -> None:
        self.places = tuple(places)

    def fonts(self, language: str) -> Iterator[Font]:
        """Each, read when its turn comes."""
        for place in self.places:
            match place:
                case "built-in":
                    yield from _built_in()
                case "system":
                    yield from _system(language)
                case _:
                    yield _from_file(place)


@cache
def _from_file(path: str) -> Font:
    try:
        return read_font(Path(path).read_bytes())
    except OSError as error:
        raise OptionsError(f"CONFERRAL_PLUGINS: pdf.fallback_fonts: {path}: {error.strerror}") from None
    except PermanentError as error:
        raise OptionsError(f"CONFERRAL_PLUGINS: pdf.fallback_fonts: {path} {error}") from None


# --- Fonts that are installed on this computer ------------------------------------------------------------------------

_FOLDERS = {
    "darwin": ("/Library/Fonts", "/System/Library/Fonts", "~/Library/Fonts"),
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
}
_CJK = {"ja": "JP", "ko": "KR", "zh-hant": "TC", "zh-tw": "TC", "zh-hk": "HK", "zh-mo": "HK"}
"""Which drawing of unified ideographs a language expects; else that of mainland China (SC)."""


@cache
def _system(language: str) -> tuple[Font, ...]:
    """Noto fonts, those without serifs first; of collections the face of that language."""
    region = next((face for tag, face in _CJK.items() if language.lower().startswith(tag)), "SC")
    found = []
    for path in _noto_files():
        try:
            font = _installed(path, 0)
            if "CJK" in path.name:
                faces = (_installed(path, index) for index in range(font.face.count))
                font = next((face for face in faces if face.name.split("-")[0].endswith(f"CJK{region.lower()}")), font)
        except PermanentError:
            continue  # an installed font that is damaged is as good as none
        if font.covered and font.tables & set(_OUTLINES):
            found.append(font)
    return tuple(found)


@cache
def _installed(path: Path, index: int) -> Font:
    return Font(path, index)


@cache
def _noto_files() -> tuple[Path, ...]:
    folders = [Path(folder).expanduser() for folder in _FOLDERS.get(sys.platform, ())]
    files = {
        Path(folder, name).resolve()
        for start in folders
        for folder, _, names in os.walk(start)
        for name in names
        if name.startswith("Noto") and name.endswith(("-Regular.ttf", "-Regular.otf", "-Regular.ttc"))
    }
    sober = [path for path in files if not {"Mono", "UI-", "Display", "Color", "Emoji"} & set(_parts(path.name))]
    return tuple(sorted(sober, key=lambda path: ("Sans" not in path.name, "CJK" in path.name, path.name)))


def _parts(name: str) -> Iterator[str]:
    return (part for part in ("Mono", "UI-", "Display", "Color", "Emoji") if part in name)


# --- Telling people ---------------------------------------------------------------------------------------------------


def described(characters: Iterable[str]) -> str:
    """Characters as an operator looks them up: `Ꮳ U+13E3 (Cherokee)`."""
    return ", ".join(f"U+{ord(one):04X} ({_kind(one)})" for one in dict.fromkeys(characters))


def is_picture(character: str) -> bool:
    """Emoji and other symbols that are no letters of a script."""
    return unicodedata.category(character) == "So"


def _kind(character: str) -> str:
    if is_picture(character):
        return f"{unicodedata.name(character, 'symbol').lower()}; colour emoji cannot be printed"
    return str(scripts.script_name(scripts.script(character)))


def _is_silent(character: str) -> bool:
    """Line ends, joiners, direction marks and variation selectors: nothing is drawn for them."""
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") or "\ufe00" <= character <= "\ufe0f"
