"""Shaping: a text becomes runs of placed glyphs, in the order in which they stand on the line.

Runs differ in direction (Unicode's bidirectional algorithm, UAX #9), script, or font. Measures are independent of the
size, so that nothing has to be shaped again when a text is set smaller.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import uharfbuzz as hb
from bidi import algorithm as bidi
from fontTools import unicodedata as scripts

from conferral.generators.pdf.fonts import Chain, Font

_PLAIN = re.compile("[ -~\u00a0-\u024f\u1e00-\u1eff\u2010-\u2027\u2030-\u205e\u20a0-\u20c0]*")
"""Latin letters, digits and punctuation: one run, from left to right."""

_NEUTRAL = ("Zyyy", "Zinh")
_SPACED = frozenset({"Latn", "Grek", "Cyrl", "Armn", "Geor", "Hebr", "Hani", "Hira", "Kana", "Hang", "Thai", *_NEUTRAL})
"""Scripts whose letters stand apart: space between the letters of others would tear them."""

_FROM_RIGHT = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI"})
_FROM_LEFT = frozenset({"L", "EN", "AN", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI", "RLE", "RLO", "RLI", "B", "S"})
"""Classes of characters with which a text with letters from the right needs the whole algorithm."""

_JOINER = "\u200d"
_JOINERS = ("\u200c", _JOINER)

_UNLIGATED = {"liga": False, "clig": False}


class Glyph(NamedTuple):
    """A glyph of a font, drawn so far from where its cluster begins."""

    id: int
    x: float
    y: float


class Run(NamedTuple):
    """Clusters of one font, script and direction, from left to right on the line.

    A cluster is what a few characters look like together; its text is what copying it gives. From right to left, the
    characters of a cluster are reversed as well: readers turn the whole line around.
    """

    font: Font
    texts: Sequence[str]
    advances: Sequence[int]
    """How far each cluster moves the pen, in units of the font."""
    width: float
    """How far all of it does, in thousandths of the size."""
    glyphs: Sequence[int]
    """The glyph of each cluster, when each is one glyph drawn where the pen is; else empty, and `drawn` has them."""
    drawn: Sequence[Sequence[Glyph]]
    starts: Sequence[int]
    """Where the characters of each cluster begin in the text."""
    is_spaced: bool


class Shaped(NamedTuple):
    """A line of text: its runs from left to right, its width, and the characters that no font has."""

    runs: tuple[Run, ...]
    width: float
    gaps: int
    """Places between clusters that letter spacing widens."""
    missing: tuple[str, ...]


def shape(text: str, chain: Chain, language: str, *, ligated: bool = True) -> Shaped:
    """The text on one line, however long."""
    first = chain.first
    if text and _PLAIN.fullmatch(text) and first.covered.issuperset(map(ord, text)):
        run = _run(text, _Item(0, len(text), 0, "Latn", first), language, ligated=ligated)
        return Shaped((run,), run.width, len(run.texts) - 1, ())
    missing: list[str] = []
    items = _in_visual_order(_items(text, chain, missing))
    runs = tuple([_run(text, item, language, ligated=ligated) for item in items])
    spaced = sum([len(run.texts) for run in runs if run.is_spaced])
    return Shaped(runs, sum([run.width for run in runs]), max(spaced - 1, 0), tuple(dict.fromkeys(missing)))


def composed(text: str) -> str:
    """The text with letters and their accents as one character where Unicode has one, as fonts do."""
    return unicodedata.normalize("NFC", text)


class _Item(NamedTuple):
    start: int
    end: int
    level: int
    script: str
    font: Font


def _items(text: str, chain: Chain, missing: list[str]) -> list[_Item]:
    """Pieces of one level, script and font each; what no font has is left out and noted in `missing`."""
    if not text:
        return []
    levels = _levels(text)
    items: list[_Item] = []
    start = 0
    script, font = "Zyyy", None
    for cluster in _letters(text):
        end = start + len(cluster)
        own = _script(cluster)
        if own in _NEUTRAL and font is not None and _has(font, cluster):
            own = script  # a space or a hyphen is of the word before it
        else:
            font = chain.of(cluster)
        if font is None:
            missing += chain.uncovered(cluster)
        elif items and items[-1][2:] == (levels[start], own, font) and items[-1].end == start:
            items[-1] = items[-1]._replace(end=end)
        else:
            items.append(_Item(start, end, levels[start], own, font))
        script, start = own, end
    return items


def _letters(text: str) -> Iterator[str]:
    """Each letter with its marks and what is joined to it: what has to come out of one font.

    Coarser and thirty times faster than Unicode's grapheme clusters, whose finer rules make no difference here.
    """
    start = 0
    for position, character in enumerate(text):
        if position > start and not _attaches(character) and text[position - 1] != _JOINER:
            yield text[start:position]
            start = position
    yield text[start:]


@lru_cache(maxsize=4096)
def _attaches(character: str) -> bool:
    """Marks, joiners, variation selectors, and the modifiers of emoji."""
    return (
        unicodedata.category(character)[0] == "M" or character in _JOINERS or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def _has(font: Font, cluster: str) -> bool:
    return font.covered.issuperset(map(ord, cluster))


@lru_cache(maxsize=4096)
def _script(cluster: str) -> str:
    """The script of a grapheme cluster, as ISO 15924 names it."""
    found = (scripts.script(character) for character in cluster)
    return next((script for script in found if script not in _NEUTRAL), "Zyyy")


def _levels(text: str) -> list[int]:
    """The embedding level of each character; odd ones run from right to left (UAX #9, P2 to I2)."""
    classes = set(map(unicodedata.bidirectional, text))
    if not classes & _FROM_RIGHT:
        return [0] * len(text)
    if not classes & _FROM_LEFT:
        return [1] * len(text)
    base = bidi.get_base_level(text)
    storage = bidi.get_empty_storage()
    storage["base_level"], storage["base_dir"] = base, ("L", "R")[base]
    bidi.get_embedding_levels(text, storage)
    bidi.explicit_embed_and_overrides(storage)
    bidi.resolve_weak_types(storage)
    bidi.resolve_neutral_types(storage, debug=False)
    bidi.resolve_implicit_levels(storage, debug=False)
    levels = [character["level"] for character in storage["chars"]]
    # The library leaves out direction marks, which contract.text refuses in names; in wording they draw nothing.
    return levels if len(levels) == len(text) else [base] * len(text)


def _in_visual_order(items: Sequence[_Item]) -> list[_Item]:
    """Reversing what runs from right to left, from the highest level down (UAX #9, L2)."""
    order = list(items)
    for level in range(max((item.level for item in order), default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and order[end].level >= level:
                end += 1
            order[start:end] = order[start:end][::-1]
            start = end + 1
    return order


def _run(text: str, item: _Item, language: str, *, ligated: bool) -> Run:
    font = item.font
    buffer = hb.Buffer()
    # With the text around it, so that letters join across a change of font.
    buffer.add_str(text, item.start, item.end - item.start)
    buffer.direction = "rtl" if item.level % 2 else "ltr"
    buffer.script = item.script if item.script not in _NEUTRAL else "Latn"
    buffer.language = language
    hb.shape(font.shaped_with, buffer, None if ligated else _UNLIGATED)
    infos = buffer.glyph_infos
    starts = [info.cluster for info in infos]
    glyphs = [info.codepoint for info in infos]
    moves = [position.position for position in buffer.glyph_positions]
    advances = [move[2] for move in moves]
    is_spaced = item.script in _SPACED
    if starts == [*range(item.start, item.end)] and not any([move[0] or move[1] for move in moves]):  # noqa: C419 - a list is faster
        width = sum(advances) * font.thousandth
        return Run(font, text[item.start : item.end], advances, width, glyphs, (), starts, is_spaced)
    return _clustered(text, item, starts, glyphs, moves)


def _clustered(
    text: str, item: _Item, starts: list[int], glyphs: list[int], moves: list[tuple[int, int, int, int]]
) -> Run:
    """The run whose glyphs stand in clusters: several for a character, one for several, or beside the pen."""
    thousandth, is_rtl = item.font.thousandth, item.level % 2
    borders = sorted(set(starts))
    ends = dict(zip(borders, [*borders[1:], item.end], strict=True))
    found: list[tuple[int, list[Glyph], int]] = []
    for start, glyph, (dx, dy, advance, _) in zip(starts, glyphs, moves, strict=True):
        if not found or found[-1][0] != start:
            found.append((start, [], 0))
        _, drawn, pen = found[-1]
        drawn.append(Glyph(glyph, (pen + dx) * thousandth, dy * thousandth))
        found[-1] = (start, drawn, pen + advance)
    order = -1 if is_rtl else 1
    is_plain = all(len(drawn) == 1 and not drawn[0].x and not drawn[0].y for _, drawn, _ in found)
    advances = [advance for *_, advance in found]
    return Run(
        item.font,
        texts=[text[start : ends[start]][::order] for start, *_ in found],
        advances=advances,
        width=sum(advances) * thousandth,
        glyphs=[drawn[0].id for _, drawn, _ in found] if is_plain else (),
        drawn=() if is_plain else [drawn for _, drawn, _ in found],
        starts=[start for start, *_ in found],
        is_spaced=item.script in _SPACED,
    )
