"""Fonts in the file: the glyphs that every certificate of a design may need once, the others with each that needs them.

Copying a text out of a PDF goes by its codes: each code is some characters. A run whose clusters are one glyph each is
set in a font of glyphs. In any other run (a syllable of Devanagari, a letter with marks beside the pen) readers would
guess the order from the places, and guess wrong; it is set in a Type 3 font whose "glyphs" are whole clusters, drawn
with the font itself. See docs/decisions/0012.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from conferral.generators.pdf import writer
from conferral.generators.pdf.fonts import Font, Subset
from conferral.generators.pdf.shaping import Glyph, Run

CODES = 255
"""Codes of a Type 3 font: one byte, without 0."""

_ALPHABET = (*range(0x20, 0x7F), *range(0xA0, 0x180))
"""Latin-1 and Extended-A: in every design's fonts, so that one prefix serves most certificates."""
LIGATURES = "ff fi fl ffi ffl fj ft tt Th"
"""Letters that fonts like to draw as one, so that a name with them needs no glyphs of its own."""


@dataclass(frozen=True, slots=True)
class Base:
    """A font of the design, in the part of the file that all its certificates share.

    `codes` has the code, in hexadecimal digits, of a glyph that stands for a text.
    """

    name: str
    codes: Mapping[tuple[int, str], str]
    widths: Mapping[int, int]
    """Of its glyphs, in units of the font."""


class BaseGlyphs:
    """The glyphs that a font has in every certificate: collected first, then written."""

    def __init__(self, font: Font) -> None:
        self.font = font
        self._texts: dict[int, str] = {}
        for character in _ALPHABET:
            if character in font.covered and (glyph := font.shaped_with.get_nominal_glyph(character)):
                self._texts.setdefault(glyph, chr(character))

    def add(self, run: Run) -> None:
        """The glyphs of a text that every certificate has."""
        for glyph, text in zip(run.glyphs, run.texts, strict=False):
            self._texts.setdefault(glyph, text)

    def write(self, name: str, numbers: Iterator[int]) -> tuple[Base, int, list[tuple[int, bytes]]]:
        """The base, the number of its font, and its objects."""
        subset = self.font.subset(self._texts)
        codes = {(old, text): f"{subset.glyphs[old]:04X}" for old, text in self._texts.items()}
        number, objects = _font(self.font, subset, self._texts, numbers, compress=True)
        widths = {glyph: self.font.advance(glyph) for glyph in self._texts}
        return Base(name, codes, widths), number, objects


@dataclass(slots=True)
class _Extra:
    font: Font
    name: str
    texts: dict[int, str] = field(default_factory=dict)
    glyphs: set[int] = field(default_factory=set)
    clusters: dict[tuple[str, float, tuple[Glyph, ...]], int] = field(default_factory=dict)


class Extras:
    """The glyphs that one certificate needs beyond those of its design."""

    def __init__(self) -> None:
        self._fonts: dict[int, _Extra] = {}
        self._codes: Mapping[int, Mapping[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._fonts)

    def add(self, run: Run) -> None:
        """Makes room for the run."""
        extra = self._of(run.font)
        if _is_simple(run, extra.texts):
            extra.texts.update(zip(run.glyphs, run.texts, strict=True))
            extra.glyphs.update(run.glyphs)
            return
        for cluster in _clusters(run):
            extra.clusters.setdefault(cluster, len(extra.clusters))
            extra.glyphs.update(glyph.id for glyph in cluster[2])

    def write(self, numbers: Iterator[int]) -> tuple[dict[str, int], list[tuple[int, bytes]]]:
        """The numbers of the fonts by their names, and the objects; afterwards runs can be shown."""
        names: dict[str, int] = {}
        objects: list[tuple[int, bytes]] = []
        codes = {}
        for key, extra in self._fonts.items():
            subset = extra.font.subset(extra.glyphs)
            codes[key] = subset.glyphs
            names[extra.name], written = _font(extra.font, subset, extra.texts, numbers)
            objects += written
            clusters = list(extra.clusters)
            for part, first in enumerate(range(0, len(clusters), CODES)):
                name, number = f"{extra.name}C{part}", names[extra.name]
                names[name], written = _cluster_font(
                    extra, number, subset.glyphs, clusters[first : first + CODES], numbers
                )
                objects += written
        self._codes = codes
        return names, objects

    def shown(self, run: Run, size: str) -> str:
        """The operators that show a run that was added."""
        extra = self._of(run.font)
        if _is_simple(run, extra.texts):
            codes = self._codes[id(run.font)]
            written = [f"{codes[glyph]:04X}" for glyph in run.glyphs]
            widths = [*map(run.font.advance, run.glyphs)]
            return f"/{extra.name} {size} Tf {_array(run, written, widths)} TJ"
        shown, current = [], ""
        for cluster in _clusters(run):
            part, code = divmod(extra.clusters[cluster], CODES)
            name = f"{extra.name}C{part}"
            if name != current:
                shown.append(f"{']TJ ' if current else ''}/{name} {size} Tf [")
                current = name
            shown.append(f"<{code + 1:02X}>")
        return "".join([*shown, "] TJ"])

    def _of(self, font: Font) -> _Extra:
        found = self._fonts.get(id(font))
        if found is None:
            found = self._fonts[id(font)] = _Extra(font, f"E{len(self._fonts)}")
        return found


def shown(run: Run, base: Base, size: str) -> str | None:
    """The operators that show the run in the design's font; None when that has not all of its glyphs."""
    if not run.glyphs:
        return None
    try:
        codes = [*map(base.codes.__getitem__, zip(run.glyphs, run.texts, strict=True))]
    except KeyError:
        return None
    widths = [*map(base.widths.__getitem__, run.glyphs)]
    return f"/{base.name} {size} Tf {_array(run, codes, widths)} TJ"


def _array(run: Run, codes: Sequence[str], widths: Sequence[int]) -> str:
    """The codes, with what the pen moves otherwise than the font says: kerning."""
    if widths == run.advances:
        return f"[<{''.join(codes)}>]"
    thousandth = run.font.thousandth
    parts = [
        code if width == advance else f"{code}>{(width - advance) * thousandth:.1f}<"
        for code, width, advance in zip(codes, widths, run.advances, strict=True)
    ]
    return f"[<{''.join(parts)}>]"


def _is_simple(run: Run, texts: Mapping[int, str]) -> bool:
    """Each cluster is a glyph, and that stands for nothing else in this font."""
    return (
        bool(run.glyphs)
        and all(texts.get(glyph, text) == text for glyph, text in {*zip(run.glyphs, run.texts, strict=True)})
        and len(set(run.glyphs)) == len({*zip(run.glyphs, run.texts, strict=True)})
    )


def _clusters(run: Run) -> Iterator[tuple[str, float, tuple[Glyph, ...]]]:
    drawn: Iterable[Sequence[Glyph]] = run.drawn or [(Glyph(glyph, 0, 0),) for glyph in run.glyphs]
    thousandth = run.font.thousandth
    for text, advance, glyphs in zip(run.texts, run.advances, drawn, strict=True):
        yield text, advance * thousandth, tuple(glyphs)


# --- Objects ----------------------------------------------------------------------------------------------------------


def _font(
    font: Font, subset: Subset, texts: Mapping[int, str], numbers: Iterator[int], *, compress: bool = False
) -> tuple[int, list[tuple[int, bytes]]]:
    """A composite font of a subset: its number and its objects (ISO 32000-1, 9.7)."""
    program, glyphs = subset.program, subset.glyphs
    file, descriptor, descendant, unicode, composite = (next(numbers) for _ in range(5))
    name = f"{_tag(program)}+{font.name}".encode()
    width = b" ".join(
        b"%.3f" % (font.advance(old) * font.thousandth) for old, _ in sorted(glyphs.items(), key=lambda pair: pair[1])
    )
    kind = b"/Subtype/CIDFontType0C" if font.is_cff else b"/Length1 %d" % len(program)
    return composite, [
        (file, writer.stream(program, kind, compress=compress)),
        (
            descriptor,
            b"<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[-1000 %d 3000 %d]/ItalicAngle 0/Ascent %d/Descent %d"
            b"/CapHeight %d/StemV 80/%s %d 0 R>>"
            % (
                name,
                font.descender,
                font.ascender,
                font.ascender,
                font.descender,
                font.cap_height,
                b"FontFile3" if font.is_cff else b"FontFile2",
                file,
            ),
        ),
        (
            descendant,
            b"<</Type/Font/Subtype/%s/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
            b"/FontDescriptor %d 0 R/DW 0/W[0[%s]]%s>>"
            % (
                b"CIDFontType0" if font.is_cff else b"CIDFontType2",
                name,
                descriptor,
                width,
                b"" if font.is_cff else b"/CIDToGIDMap/Identity",
            ),
        ),
        (unicode, _to_unicode({glyphs[old]: text for old, text in texts.items()}, "04X", compress=compress)),
        (
            composite,
            b"<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>"
            % (name, descendant, unicode),
        ),
    ]


def _cluster_font(
    extra: _Extra,
    drawn_with: int,
    glyphs: Mapping[int, int],
    clusters: Sequence[tuple[str, float, tuple[Glyph, ...]]],
    numbers: Iterator[int],
) -> tuple[int, list[tuple[int, bytes]]]:
    """A Type 3 font whose glyphs are clusters, drawn with the font of that number (ISO 32000-1, 9.6.5)."""
    objects, names = [], []
    for position, (_, advance, drawn) in enumerate(clusters):
        places = "".join(f"1 0 0 1 {glyph.x:.1f} {glyph.y:.1f} Tm <{glyphs[glyph.id]:04X}> Tj\n" for glyph in drawn)
        number = next(numbers)
        objects.append((number, writer.stream(f"{advance:.3f} 0 d0\nBT /F 1000 Tf\n{places}ET".encode())))
        names.append(b"/c%d %d 0 R" % (position + 1, number))
    unicode, font = next(numbers), next(numbers)
    texts = {position: text for position, (text, *_) in enumerate(clusters, 1)}
    objects.append((unicode, _to_unicode(texts, "02X")))
    widths = b" ".join(b"%.3f" % advance for _, advance, _ in clusters)
    differences = b"".join(b"/c%d" % position for position in texts)
    objects.append(
        (
            font,
            b"<</Type/Font/Subtype/Type3/FontBBox[%d %d %d %d]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 1/LastChar %d"
            b"/Widths[%s]/Encoding<</Type/Encoding/Differences[1%s]>>/CharProcs<<%s>>/Resources<</Font<</F %d 0 R>>>>"
            b"/ToUnicode %d 0 R>>"
            % (
                *_bounds(extra.font, clusters),
                len(clusters),
                widths,
                differences,
                b"".join(names),
                drawn_with,
                unicode,
            ),
        )
    )
    return font, objects


def _bounds(font: Font, clusters: Sequence[tuple[str, float, tuple[Glyph, ...]]]) -> tuple[float, float, float, float]:
    """The box of all that the clusters draw. Readers take it for the height of the line, so it is no larger."""
    boxes = []
    for _, advance, drawn in clusters:
        boxes.append((0.0, 0.0, advance, 0.0))
        for glyph in drawn:
            left, bottom, right, top = font.extents(glyph.id)
            boxes.append((left + glyph.x, bottom + glyph.y, right + glyph.x, top + glyph.y))
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts) - 1, min(bottoms) - 1, max(rights) + 1, max(tops) + 1


_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<{first}> <{last}>
endcodespacerange
{blocks}endcmap
CMapName currentdict /CMap defineresource pop
end
end"""
_BLOCK = 100
"""Entries that a block of a character map may have."""


def _to_unicode(texts: Mapping[int, str], code: str, *, compress: bool = False) -> bytes:
    """What each code is in characters (ISO 32000-1, 9.10.3); `code` is the format of a code."""
    lines = [f"<{number:{code}}> <{writer.hexadecimal(text)}>\n" for number, text in sorted(texts.items())]
    blocks = "".join(
        f"{len(part)} beginbfchar\n{''.join(part)}endbfchar\n"
        for part in (lines[first : first + _BLOCK] for first in range(0, len(lines), _BLOCK))
    )
    digits = 2 if code == "02X" else 4
    return writer.stream(_CMAP.format(first="0" * digits, last="F" * digits, blocks=blocks).encode(), compress=compress)


def _tag(program: bytes) -> str:
    """The six letters that tell subsets of one font apart: from what is in it."""
    digest = int.from_bytes(sha256(program).digest()[:8], "big")
    return "".join(chr(65 + digest // 26**place % 26) for place in range(6))
