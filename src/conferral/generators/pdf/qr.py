"""QR codes, a hundred times faster than encoding each: codes that differ in a few letters differ in a sum of patterns.

Error correction is linear: the modules of a code are the exclusive or of those of its bits. So what each letter at each
place changes is computed once, by segno, and a code is the sum of its letters' patterns. The mask is the same for all
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
    """Codes of texts of one length, at one level of correction."""

    def __init__(self, text: bytes, correction: str) -> None:
        """`text` is any text of that length: the others are told by how they differ from it."""
        self.correction = correction
        plain = _encoded(text, correction)
        self.size = len(plain)
        self._text, self._modules = text, _number(plain)
        self._beginning = text[:-VARIABLE]
        self._changes: dict[tuple[int, int], int] = {}
        modules = self.size * self.size
        self._bytes = -(-modules // 8)
        self._padding = self._bytes * 8 - modules
        self._strips = [_Strip(first, self.size) for first in range(0, modules, 8)]

    def modules(self, text: bytes) -> int:
        """The code's modules as one number: a bit for each, by rows, the first the highest."""
        found, changes = self._modules, self._changes
        first = 0
        letters, there = text, self._text
        if text.startswith(self._beginning):  # most are: they differ at their end alone
            first = len(self._beginning)
            letters, there = text[first:], there[first:]
        for position, bits in enumerate(map(xor, letters, there), first):
            if bits:
                change = changes.get((position, bits))
                found ^= self._change(position, bits) if change is None else change
        return found

    def operators(self, text: bytes) -> str:
        """PDF operators of the code's dark modules: rectangles, one module a unit, down from the origin; not filled."""
        patterns = (self.modules(text) << self._padding).to_bytes(self._bytes, "big")
        return "".join([strip[pattern] for strip, pattern in zip(self._strips, patterns, strict=True)])

    def _change(self, position: int, bits: int) -> int:
        """What turning these bits of the letter at that place changes."""
        change = self._changes.get((position, bits))
        if change is None:
            lowest = bits & -bits
            if bits == lowest:
                text = bytearray(self._text)
                text[position] ^= bits
                change = self._modules ^ _number(_encoded(bytes(text), self.correction))
            else:
                change = self._change(position, lowest) ^ self._change(position, bits ^ lowest)
            self._changes[position, bits] = change
        return change


@lru_cache(maxsize=16)
def _shape(length: int, beginning: bytes, correction: str) -> Shape:
    return Shape(beginning.ljust(length, b"0"), correction)


def shape(text: bytes, correction: str) -> Shape:
    """The shape of codes like that of the text; a PermanentError when no code holds so much."""
    return _shape(len(text), text[:-VARIABLE], correction)


def _encoded(text: bytes, correction: str) -> Sequence[Sequence[int]]:
    try:
        code = segno.make(text, error=correction, mode="byte", mask=_MASK, micro=False, boost_error=False)
    except segno.DataOverflowError:
        raise PermanentError(f"a QR code cannot hold {len(text)} bytes; shorten its text") from None
    return code.matrix


def _number(matrix: Sequence[Sequence[int]]) -> int:
    return int("".join("1" if module & 1 else "0" for row in matrix for module in row), 2)


class _Strip(dict[int, str]):
    """By pattern: the rectangles of the eight modules from the `first` on, those beside each other as one."""

    def __init__(self, first: int, size: int) -> None:
        self._first, self._size = first, size

    def __missing__(self, pattern: int) -> str:
        runs: list[tuple[int, int, int]] = []
        for position in range(8):
            if pattern >> (7 - position) & 1:
                row, column = divmod(self._first + position, self._size)
                if runs and (runs[-1][0], runs[-1][1] + runs[-1][2]) == (row, column):
                    runs[-1] = (row, runs[-1][1], runs[-1][2] + 1)
                else:
                    runs.append((row, column, 1))
        drawn = self[pattern] = "".join(f"{column} {-row - 1} {length} 1 re\n" for row, column, length in runs)
        return drawn
