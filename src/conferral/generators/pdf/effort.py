"""What it takes to draw a template. Small files can ask a lot: a form that draws ten forms that draw ten … never ends.

Readers do what they are asked: PDFium takes hours, or all memory, and whoever shows a picture of a page waits for it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from conferral.contract import PermanentError, Phrase
from conferral.generators.pdf import weight

MAX_DRAWN = 256 * 1024 * 1024
"""Bytes of operators of all pages, each as often as it is carried out: PDFium does some 50 MB a second."""
MAX_TILES = 4_000_000
"""Of a pattern, on one page."""

_PIXELS = 8
"""Of a picture, as many as take the time of a byte of operators."""
_DEEP = 64
"""Levels of drawings within drawings; programs come to three or four."""
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_NAME = re.compile(rb"/([^\0\t\n\f\r ()<>\[\]{}/%]+)")
_PAINTED = re.compile(rb"(?<![^\0\t\n\f\r )>\]])(?:[fBb]\*?|[FSs'\"]|sh|Do|Tj|TJ)(?![^\0\t\n\f\r (<\[/%])")
_STRING = re.compile(rb"\\.|[()]", re.DOTALL)
_HEXADECIMAL = re.compile(rb"<([0-9A-Fa-f\0\t\n\f\r ]+)>")
_TOO_MUCH = Phrase("draws too much; export its drawings as pictures, or simpler")


def check(pdf: pikepdf.Pdf) -> None:
    """A PermanentError when drawing the pages takes more than a computer should give, or would not end."""
    efforts = _Efforts()
    drawn = 0
    for page in pdf.pages:
        drawn += efforts.of(weight.operators(page.obj.get("/Contents")), page.resources).length
        drawn += sum(efforts.of_stream(look, None).length for look in _looks(page.obj))
        if drawn > MAX_DRAWN:
            raise PermanentError(_TOO_MUCH)
    _check_tiles(pdf)


@dataclass(frozen=True, slots=True)
class _Effort:
    """Of drawing something once, with all that it draws in turn."""

    length: int = 0
    """Bytes of operators that are carried out; pictures count as operators, too."""
    marks: int = 0
    """Shapes, pictures and lines of text."""
    letters: int = 0


_NONE = _Effort()


class _Efforts:
    """The efforts of what is drawn, each found once; rather too high than too low: a name counts wherever it stands."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], _Effort | None] = {}

    def of(self, content: bytes, resources: Any, depth: int = 0) -> _Effort:
        """Of operators with their resources, `depth` levels below a page."""
        length, marks, letters = len(content), len(_PAINTED.findall(content)), _letters(content)
        named = Counter(_NAME.findall(content))
        for drawn, times in _used(named, resources, "/XObject"):
            kind = drawn.get("/Subtype") if isinstance(drawn, Stream) else None
            if kind == Name.Image:
                length += times * weight.pixels(drawn) // _PIXELS
            elif kind == Name.Form:
                effort = self.of_stream(drawn, resources, depth)
                length += times * effort.length
                marks += times * effort.marks
                letters += times * effort.letters
        fonts = [font for font, _ in _used(named, resources, "/Font")]
        glyph = _heaviest(self._of_glyphs(font, resources, depth) for font in fonts)
        length += letters * glyph.length
        marks += letters * glyph.marks
        # Whatever is painted while a pattern or a mask is set draws that again.
        brushes = [pattern for pattern, _ in _used(named, resources, "/Pattern")]
        brushes += [_mask(state) for state, _ in _used(named, resources, "/ExtGState")]
        brush = _heaviest(self.of_stream(one, resources, depth) for one in brushes if isinstance(one, Stream))
        length += marks * brush.length
        if length > MAX_DRAWN:
            raise PermanentError(_TOO_MUCH)
        return _Effort(length, marks, letters)

    def of_stream(self, stream: Any, resources: Any, depth: int = 0) -> _Effort:
        """Of a form, a pattern or a glyph; those `resources` are for one without its own."""
        if depth > _DEEP:
            raise PermanentError(_TOO_MUCH)
        if stream.objgen not in self._known:
            self._known[stream.objgen] = None
            try:
                content = weight.operators(stream)
            except pikepdf.PdfError:
                content = b""  # damaged: nobody draws it
            self._known[stream.objgen] = self.of(content, stream.get("/Resources", resources), depth + 1)
        effort = self._known[stream.objgen]
        if effort is None:  # we are within it
            raise PermanentError("has a drawing that draws itself; export it again as PDF")
        return effort

    def _of_glyphs(self, font: Any, resources: Any, depth: int) -> _Effort:
        """Of the heaviest glyph of a Type 3 font: its glyphs are drawings. Those of other fonts weigh little."""
        glyphs = font.get("/CharProcs") if isinstance(font, Dictionary) else None
        if not isinstance(glyphs, Dictionary):
            return _NONE
        resources = font.get("/Resources", resources)
        streams = [glyph for _, glyph in glyphs.items() if isinstance(glyph, Stream)]
        return _heaviest(self.of_stream(glyph, resources, depth) for glyph in streams)


def _used(named: Counter[bytes], resources: Any, kind: str) -> Iterator[tuple[Any, int]]:
    """The resources of that kind that operators name, and how often they do."""
    entries = resources.get(kind) if isinstance(resources, Dictionary) else None
    if not isinstance(entries, Dictionary):
        return
    for name, times in named.items():
        found = _entry(entries, name)
        if found is not None:
            yield found, times


def _entry(entries: Any, name: bytes) -> Any:
    """The entry of that name, as operators write it; names are bytes, and not always text."""
    plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), name)
    try:
        return entries.get("/" + plain.decode())
    except UnicodeDecodeError:
        pass
    try:
        return entries.get(pikepdf.Object.parse(b"/" + name))
    except pikepdf.PdfError:  # it has a # of no meaning as well
        return dict(entries.items()).get("/" + plain.decode(errors="surrogateescape"))


def _mask(state: Any) -> Any:
    """The form that a graphics state has as its soft mask, if any."""
    mask = state.get("/SMask") if isinstance(state, Dictionary) else None
    return mask.get("/G") if isinstance(mask, Dictionary) else None


def _heaviest(efforts: Iterable[_Effort]) -> _Effort:
    found = list(efforts) or [_NONE]
    return _Effort(max(one.length for one in found), max(one.marks for one in found))


def _letters(content: bytes) -> int:
    """Bytes of all strings, (like (this)) and <74686973>; rather too many than too few."""
    total = sum(len(match) // 2 for match in _HEXADECIMAL.findall(content))
    depth = start = 0
    for match in _STRING.finditer(content):
        if match[0] == b"(":
            start = start if depth else match.end()
            depth += 1
        elif match[0] == b")" and depth:
            depth -= 1
            total += 0 if depth else match.start() - start
    return total + (len(content) - start if depth else 0)


def _looks(page: Any) -> Iterator[Any]:
    """What the page's annotations look like: a form, or one for each state."""
    annotations = page.get("/Annots")
    for annotation in annotations if isinstance(annotations, Array) else ():
        looks = annotation.get("/AP") if isinstance(annotation, Dictionary) else None
        look = looks.get("/N") if isinstance(looks, Dictionary) else None
        states = [one for _, one in look.items()] if isinstance(look, Dictionary) else [look]
        yield from (one for one in states if isinstance(one, Stream))


def _check_tiles(pdf: pikepdf.Pdf) -> None:
    patterns = [found for found in pdf.objects if isinstance(found, Stream) and found.get("/PatternType") == 1]
    for page in pdf.pages if patterns else ():
        left, bottom, right, top = (float(value) for value in page.mediabox)
        for pattern in patterns:
            a, b, c, d, *_ = (float(value) for value in pattern.get("/Matrix", (1, 0, 0, 1, 0, 0)))
            tile = abs((a * d - b * c) * float(pattern.get("/XStep", 0)) * float(pattern.get("/YStep", 0)))
            if tile and abs((right - left) * (top - bottom)) / tile > MAX_TILES:
                raise PermanentError("has a pattern too fine to be drawn; export it as a picture")
