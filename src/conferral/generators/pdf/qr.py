"""QR codes, a hundred times faster than encoding each: codes that differ in a few letters differ in a sum of patterns.

Error correction is linear: the modules of a code are the exclusive or of those of its bits. So what each letter at each
place changes is computed once, by segno, and a code is the sum of its letters' patterns. The mask is fixed for all codes
of one shape, which readers do not mind.
"""

from collections.abc import Sequence
from functools import lru_cache

import segno

from conferral.contract import PermanentError

QUIET = 4
"""Modules of nothing around a code (ISO/IEC 18004)."""

_MASK = 3
_STRIP = 4
"""Modules that are drawn together: a hexadecimal digit of the number that a code is."""


class Shape:
    """Codes of texts of one length, at one level of correction."""

    def __init__(self, text: bytes, correction: str) -> None:
        """`text` is any text of that length: the others are told by how they differ from it."""
        self.correction = correction
        plain = _encoded(text, correction)
        self.size = len(plain)
        self._text, self._modules = text, _number(plain)
        self._changes: dict[tuple[int, int], int] = {}
        count = self.size * self.size
        self._digits = -(-count // _STRIP)
        self._padding = self._digits * _STRIP - count
        self._strips = [_strip(first, self.size) for first in range(0, count, _STRIP)]

    def modules(self, text: bytes) -> int:
        """The code's modules as one number: a bit for each, by rows, the first the highest."""
        found, changes = self._modules, self._changes
        for position, (letter, there) in enumerate(zip(text, self._text, strict=True)):
            if letter != there:
                change = changes.get((position, letter ^ there))
                found ^= self._change(position, letter ^ there) if change is None else change
        return found

    def operators(self, text: bytes) -> bytes:
        """PDF operators of the code's dark modules: rectangles, one module a unit, down from the origin; not filled."""
        digits = f"{self.modules(text) << self._padding:0{self._digits}x}"
        return b"".join([strip[digit] for strip, digit in zip(self._strips, digits, strict=True)])

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
    return _shape(len(text), text[:-_VARIABLE], correction)


_VARIABLE = 19
"""Letters at the end of an address that differ from code to code: a verification id with its dashes."""


def _encoded(text: bytes, correction: str) -> Sequence[Sequence[int]]:
    try:
        code = segno.make(text, error=correction, mode="byte", mask=_MASK, micro=False, boost_error=False)
    except segno.DataOverflowError:
        raise PermanentError(f"a QR code cannot hold {len(text)} bytes; shorten its text") from None
    return code.matrix


def _number(matrix: Sequence[Sequence[int]]) -> int:
    return int("".join("1" if module & 1 else "0" for row in matrix for module in row), 2)


def _strip(first: int, size: int) -> dict[str, bytes]:
    """By hexadecimal digit: the rectangles of four modules from the `first` on, those beside each other as one."""
    return {f"{pattern:x}": _rectangles(first, pattern, size) for pattern in range(1 << _STRIP)}


def _rectangles(first: int, pattern: int, size: int) -> bytes:
    runs: list[tuple[int, int, int]] = []
    for position in range(_STRIP):
        if not pattern >> (_STRIP - 1 - position) & 1 or first + position >= size * size:
            continue
        row, column = divmod(first + position, size)
        if runs and (runs[-1][0], runs[-1][1] + runs[-1][2]) == (row, column):
            runs[-1] = (row, runs[-1][1], runs[-1][2] + 1)
        else:
            runs.append((row, column, 1))
    return b"".join(b"%d %d %d 1 re\n" % (column, -row - 1, length) for row, column, length in runs)
