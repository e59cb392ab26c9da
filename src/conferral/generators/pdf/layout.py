"""Layout: at which size, on which lines, and where a text stands in its box.

Coordinates are points from the left top of the page as readers show it, downwards. Whether a text fits is linear in its
size, so that every answer is computed, never searched for.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from uniseg.linebreak import line_break_units

from conferral.generators.pdf.fonts import Chain, described, is_picture
from conferral.generators.pdf.shaping import Glyph, Run, Shaped, shape

Align = Literal["left", "center", "right"]

_LEAN = 80
"""Thousandths of the size by which letters lean over their own width, and designers want them to."""
_MOST_LEAN = 1200
"""More than any line leans over, left and right together."""
_SHARE: Mapping[Align, float] = {"left": 0.0, "center": 0.5, "right": 1.0}
"""How much of the room that is left over stands before a line."""
ROUNDING = 1e-6
"""What sums of floating-point numbers may differ by."""


@dataclass(frozen=True, eq=False)
class Style:
    """How an element's text is set, in points; `spacing` is in thousandths of the size, as all that grows with it."""

    x: float
    y: float
    width: float
    height: float | None
    align: Align
    vertical_align: Literal["top", "middle", "bottom"]
    size: float
    min_size: float
    max_lines: int
    spacing: float
    line_height: float
    page_height: float
    limits: dict[int, float] = field(default_factory=dict)
    """By the identity of a font: the size up to which none of its glyphs leaves the box or the page."""


class Line(NamedTuple):
    """One line: what stands on it, and where it begins on its baseline."""

    shaped: Shaped
    x: float
    y: float
    width: float


class Block(NamedTuple):
    """A text that has been set. `problems` say why it should not be printed like this."""

    size: float
    lines: Sequence[Line]
    problems: tuple[str, ...] = ()

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of its lines, as high as their fonts are."""
        thousandth = self.size / 1000
        if len(self.lines) == 1 and len(self.lines[0].shaped.runs) == 1:
            (line,) = self.lines
            font = line.shaped.runs[0].font
            high, low = font.ascender * thousandth, font.descender * thousandth
            return line.x, line.y - high, line.x + line.width, line.y - low
        fonts = [run.font for line in self.lines for run in line.shaped.runs]
        return (
            min([line.x for line in self.lines]),
            self.lines[0].y - max([font.ascender for font in fonts], default=0) * thousandth,
            max([line.x + line.width for line in self.lines]),
            self.lines[-1].y - min([font.descender for font in fonts], default=0) * thousandth,
        )


def set_text(text: str, style: Style, chain: Chain, language: str) -> Block:
    """The text in its box: on its lines, shrunk to `min_size`, then on more lines, up to `max_lines`."""
    ligated = not style.spacing
    lines = [shape(line, chain, language, ligated=ligated) for line in text.split("\n")]
    missing = [character for line in lines for character in line.missing]
    problems: tuple[str, ...] = ()
    if missing:
        way_out = "upload a font that has it and add it to fallback_fonts"
        if all(map(is_picture, missing)):
            way_out = "leave it out of the text"
        problems = (f"has a character that no font covers: {described(missing)}; {way_out}",)
    least = min(style.min_size, style.size)
    size = _largest(lines, style)
    if size < least - ROUNDING:
        chosen = lines
        for wrapped in _wrapped(text, lines, style, chain, language):
            reached = _largest(wrapped, style)
            if reached > size:
                chosen, size = wrapped, reached
            if size >= least - ROUNDING:
                break
        lines = chosen
        if size < least - ROUNDING:
            problems += (_overflow(text, size, len(lines), style, least),)
    return Block(size, _placed(lines, size, style, chain), problems)


def reach(shaped: Shaped) -> tuple[float, float]:
    """The lowest and the highest point of what is drawn, in thousandths of the size, from the baseline."""
    low = high = 0.0
    for run in shaped.runs:
        for bottom, top in _inked(run):
            low, high = min(low, bottom), max(high, top)
    return low, high


def _inked(run: Run) -> Iterator[tuple[float, float]]:
    for plain in run.glyphs:
        _, bottom, _, top = run.font.extents(plain)
        yield bottom, top
    for cluster in run.drawn:
        for glyph in cluster:
            _, bottom, _, top = run.font.extents(glyph.id)
            yield bottom + glyph.y, top + glyph.y


def _lean(line: Shaped) -> tuple[float, float]:
    """How far ink passes the line's ends, left and right, in thousandths, where that is more than letters do.

    A mark without a letter stands before its line altogether.
    """
    if not line.runs:
        return 0.0, 0.0
    first, last = line.runs[0], line.runs[-1]
    left = min([glyph.x + first.font.extents(glyph.id)[0] for glyph in _cluster(first, 0)])
    width = last.advances[-1] * last.font.thousandth
    right = max([glyph.x + last.font.extents(glyph.id)[2] for glyph in _cluster(last, -1)]) - width
    return (-left if left < -_LEAN else 0.0), (right if right > _LEAN else 0.0)


def _width(line: Shaped, style: Style) -> float:
    return line.width + line.gaps * style.spacing


def _cluster(run: Run, position: int) -> Sequence[Glyph]:
    return run.drawn[position] if run.drawn else (Glyph(run.glyphs[position], 0.0, 0.0),)


def _largest(lines: Sequence[Shaped], style: Style) -> float:
    """The largest size, up to the wanted one, at which the lines stay in their box and on the page."""
    size = style.size
    widest = max([_width(line, style) for line in lines])
    if (widest + _MOST_LEAN) * size > style.width * 1000:
        widest = max([_width(line, style) + sum(_lean(line)) for line in lines])
    if widest * size > style.width * 1000:
        size = style.width * 1000 / widest
    # What no glyph of a font could exceed is enough to know for most texts, and known already.
    if len(lines) == 1 and len(lines[0].runs) == 1 and not lines[0].runs[0].drawn:
        font = lines[0].runs[0].font
        limit = style.limits.get(id(font))
        if limit is None:
            low, high = font.reach
            limit = style.limits[id(font)] = min([style.size, *_vertical(high, -low, 1, style)])
        if size <= limit:
            return size
    return min([size, *_vertical(reach(lines[0])[1], -reach(lines[-1])[0], len(lines), style)])


def _vertical(above: float, below: float, count: int, style: Style) -> list[float]:
    """The largest sizes that the room above and below allows, for lines that reach so far, in thousandths."""
    limits = []
    above, below, between = above / 1000, below / 1000, (count - 1) * style.line_height
    if style.height is not None:
        room, needed = style.height, above + between + below
    else:
        room, needed = style.page_height - style.y, between + below
        if above > 0:
            limits.append(style.y / above)
    if needed > 0:
        limits.append(room / needed)
    return limits


def _wrapped(text: str, lines: Sequence[Shaped], style: Style, chain: Chain, language: str) -> Iterator[list[Shaped]]:
    """The text on one line more each time, broken where Unicode allows it (UAX #14), the lines of even length."""
    paragraphs = [_units(line, shaped) for line, shaped in zip(text.split("\n"), lines, strict=True)]
    for count in range(len(lines) + 1, style.max_lines + 1):
        broken = _evenly(paragraphs, count)
        if broken is None or len(broken) < count:
            return
        yield [shape(line, chain, language, ligated=not style.spacing) for line in broken]


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is not broken: its text, its width, and its width without the spaces at its end."""

    text: str
    width: float
    bare: float


def _units(text: str, shaped: Shaped) -> list[_Unit]:
    """The unbreakable pieces of a line, measured as they stand in it."""
    advances = [0.0] * (len(text) + 1)
    for run in shaped.runs:
        for start, advance in zip(run.starts, run.advances, strict=True):
            advances[start] += advance * run.font.thousandth
    units, start = [], 0
    for unit in line_break_units(text):
        end, bare = start + len(unit), start + len(unit.rstrip(" "))
        units.append(_Unit(unit, math.fsum(advances[start:end]), math.fsum(advances[start:bare])))
        start = end
    return units


def _evenly(paragraphs: Sequence[Sequence[_Unit]], count: int) -> list[str] | None:
    """The paragraphs on so many lines at most, the widest as narrow as possible; None when there are too many."""
    widths = sorted(
        {
            math.fsum(unit.width for unit in units[first:last]) + units[last].bare
            for units in paragraphs
            for first in range(len(units))
            for last in range(first, len(units))
        }
    )
    low, high = 0, len(widths)
    while low < high:
        middle = (low + high) // 2
        if len(_filled(paragraphs, widths[middle])) <= count:
            high = middle
        else:
            low = middle + 1
    return _filled(paragraphs, widths[low]) if low < len(widths) else None


def _filled(paragraphs: Sequence[Sequence[_Unit]], width: float) -> list[str]:
    lines = []
    for units in paragraphs:
        line, used = "", 0.0
        for unit in units:
            if line and used + unit.bare > width + ROUNDING:
                lines.append(line.rstrip(" "))
                line, used = "", 0.0
            line, used = line + unit.text, used + unit.width
        lines.append(line.rstrip(" "))
    return lines


def _placed(lines: Sequence[Shaped], size: float, style: Style, chain: Chain) -> list[Line]:
    thousandth = size / 1000
    step = size * style.line_height
    first = _first_baseline(lines, size, style, chain)
    placed = []
    share = _SHARE[style.align]
    for position, line in enumerate(lines):
        width = _width(line, style) * thousandth
        left = style.x + (style.width - width) * share
        if style.width - width < _MOST_LEAN * thousandth or share != _SHARE["center"]:
            before, after = _lean(line)
            left = max(style.x + before * thousandth, min(left, style.x + style.width - width - after * thousandth))
        placed.append(Line(line, left, first + position * step, width))
    return placed


def _first_baseline(lines: Sequence[Shaped], size: float, style: Style, chain: Chain) -> float:
    if style.height is None:
        return style.y
    thousandth = size / 1000
    font = chain.first
    between = (len(lines) - 1) * size * style.line_height
    match style.vertical_align:
        case "top":
            wanted = style.y + font.ascender * thousandth
        case "bottom":
            wanted = style.y + style.height + font.descender * thousandth - between
        case _:  # by the capitals: so names with and without descenders stand alike
            wanted = style.y + (style.height - between + font.cap_height * thousandth) / 2
    highest = style.y + reach(lines[0])[1] * thousandth
    lowest = style.y + style.height + reach(lines[-1])[0] * thousandth - between
    return max(highest, min(wanted, lowest))


def _overflow(text: str, size: float, count: int, style: Style, least: float) -> str:
    shown = text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - one line stays one line
    lines = "1 line" if count == 1 else f"{count} lines"
    return (
        f"does not fit: {shown!r} would have to be set at {size:.1f} pt on {lines}, and {least:.1f} pt is the least; "
        "give it a wider box, a smaller min_size, or more max_lines"
    )
