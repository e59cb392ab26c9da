"""QR codes, a hundred times faster than encoding each: codes that differ in a few letters differ in a sum of patterns.

Error correction is linear: the modules of a code are the exclusive or of those of its bits. So what each bit of each
letter changes is computed once, by segno, and a code is the sum of its letters' patterns. The mask is the same for all
codes, which readers do not mind.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import xor

import segno

from conferral.contract import PermanentError

QUIET = 4
"""Modules of nothing around a code (ISO/IEC 18004)."""

VARIABLE = 19
"""Letters at the end of an address that differ from code to code: a verification id with its dashes."""

_MASK = 3


class Shape:
    """Codes of texts of one length that begin alike, at one level of correction."""

    def __init__(self, beginning: bytes, length: int, correction: str) -> None:
        self._first = len(beginning)
        self._correction = correction
        self._end = b"0" * (length - len(beginning))
        plain = self._encoded(self._end, beginning)
        self.size = len(plain)
        bits = [
            [_differing(plain, self._encoded(_turned(self._end, position, bit), beginning)) for bit in range(8)]
            for position in range(len(self._end))
        ]
        # What no letter changes is drawn once; of the rest, eight modules at a time are looked up.
        places = sorted({place for of_letter in bits for of_bit in of_letter for place in of_bit})
        self._width = -(-len(places) // 8)
        order = {place: self._width * 8 - 1 - number for number, place in enumerate(places)}
        self._changes = [_sums([sum(1 << order[place] for place in of_bit) for of_bit in letter]) for letter in bits]
        self._modules = sum(1 << order[place] for place in places if _is_dark(plain, place))
        fixed = [place for place in range(self.size**2) if place not in order and _is_dark(plain, place)]
        self._fixed = _rectangles(fixed, self.size)
        self._strips = [_Strip(places[first : first + 8], self.size) for first in range(0, len(places), 8)]

    def operators(self, text: bytes) -> str:
        """PDF operators of the code's dark modules: rectangles, one module a unit, down from the origin; not filled."""
        modules = self._modules
        for changes, bits in zip(self._changes, map(xor, text[self._first :], self._end), strict=True):
            modules ^= changes[bits]
        patterns = modules.to_bytes(self._width, "big")
        drawn = [strip[pattern] for strip, pattern in zip(self._strips, patterns, strict=True)]
        return f"{self._fixed}{''.join(drawn)}"

    def _encoded(self, end: bytes, beginning: bytes) -> Sequence[Sequence[int]]:
        text = beginning + end
        try:
            code = segno.make(
                text, error=self._correction, mode="byte", mask=_MASK, micro=False, boost_error=False, version=None
            )
        except segno.DataOverflowError:
            raise PermanentError("a QR code cannot hold %(count)s bytes; shorten its text", count=len(text)) from None
        return code.matrix


@lru_cache(maxsize=16)
def _shape(beginning: bytes, length: int, correction: str) -> Shape:
    return Shape(beginning, length, correction)


def shape(text: bytes, correction: str) -> Shape:
    """The shape of codes like that of the text; a PermanentError when no code holds so much."""
    return _shape(text[:-VARIABLE], len(text), correction)


def _turned(text: bytes, position: int, bit: int) -> bytes:
    """The text with one bit turned over."""
    return text[:position] + bytes([text[position] ^ 1 << bit]) + text[position + 1 :]


def _differing(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> list[int]:
    """The places, by rows, where two codes differ."""
    pairs = zip((module for row in one for module in row), (module for row in other for module in row), strict=True)
    return [place for place, (first, second) in enumerate(pairs) if (first ^ second) & 1]


def _is_dark(matrix: Sequence[Sequence[int]], place: int) -> bool:
    row, column = divmod(place, len(matrix))
    return bool(matrix[row][column] & 1)


def _sums(of_bits: Sequence[int]) -> list[int]:
    """What turning over any of a letter's bits changes, by those bits."""
    found = [0]
    for change in of_bits:
        found += [change ^ other for other in found]
    return found


class _Strip(dict[int, str]):
    """By pattern: the rectangles of eight modules."""

    def __init__(self, places: Sequence[int], size: int) -> None:
        self._places, self._size = places, size

    def __missing__(self, pattern: int) -> str:
        dark = [place for position, place in enumerate(self._places) if pattern >> (7 - position) & 1]
        drawn = self[pattern] = _rectangles(dark, self._size)
        return drawn


def _rectangles(places: Sequence[int], size: int) -> str:
    """Rectangles of these modules, those beside each other as one."""
    runs: list[tuple[int, int, int]] = []
    for place in places:
        row, column = divmod(place, size)
        if runs and (runs[-1][0], runs[-1][1] + runs[-1][2]) == (row, column):
            runs[-1] = (row, runs[-1][1], runs[-1][2] + 1)
        else:
            runs.append((row, column, 1))
    return "".join(f"{column} {-row - 1} {length} 1 re\n" for row, column, length in runs)
