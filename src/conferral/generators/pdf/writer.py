"""The syntax of PDF files (ISO 32000): values, objects, and the file's end. Nothing here knows what is drawn."""

import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
"""The comment's four bytes tell file transfers that this is no text."""

_ESCAPES = {ord("("): r"\(", ord(")"): r"\)", ord("\\"): r"\\"}
_SPECIAL = re.compile(r"[()\\\\]")
_FREE = b"0000000000 65535 f \n"


def numbers(*values: float) -> str:
    """Coordinates in a row; thousandths of a point are finer than any printer."""
    return " ".join([f"{value:.3f}" for value in values])


def string(text: str) -> bytes:
    """A text string: as it is when ASCII, else in UTF-16."""
    if text.isascii() and text.isprintable():
        return f"({text.translate(_ESCAPES) if _SPECIAL.search(text) else text})".encode()
    return f"<FEFF{hexadecimal(text)}>".encode()


def address(text: str) -> str:
    """An address in ASCII, as PDF has them; other letters are escaped as browsers do."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return "".join(one if " " < one < "\x7f" else "".join(f"%{byte:02X}" for byte in one.encode()) for one in text)


def hexadecimal(text: str) -> str:
    """The text's UTF-16 in hexadecimal digits."""
    return text.encode("utf-16-be").hex().upper()


@lru_cache(maxsize=256)
def date(instant: datetime) -> bytes:
    """An instant, in UTC."""
    return f"(D:{instant.astimezone(UTC):%Y%m%d%H%M%S}Z)".encode()


def references(numbers: Iterable[int]) -> bytes:
    """An array of references to objects; 0 stands for none."""
    return b"[%s]" % b" ".join(b"%d 0 R" % number if number else b"null" for number in numbers)


def stream(content: bytes, entries: bytes = b"", *, compress: bool = False) -> bytes:
    """Content with the entries of its dictionary. Compressing costs time: it is for what is written once."""
    if compress:
        content, entries = zlib.compress(content, 9), b"/Filter/FlateDecode" + entries
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(content), content)


class Objects:
    """Numbered objects, one behind the other, from a given offset of the file on."""

    __slots__ = ("offset", "offsets", "parts")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.offsets: dict[int, int] = {}
        self.parts: list[bytes] = []

    def put(self, number: int, content: bytes) -> None:
        """Writes one object."""
        part = b"%d 0 obj\n%s\nendobj\n" % (number, content)
        self.offsets[number] = self.offset
        self.offset += len(part)
        self.parts.append(part)

    def joined(self) -> bytes:
        """All of them."""
        return b"".join(self.parts)


def table(offsets: Mapping[int, int], numbers: range) -> bytes:
    """The cross-reference table's lines of the objects with those numbers; one without an offset is free."""
    return b"".join([b"%010d 00000 n \n" % offsets[one] if one in offsets else _FREE for one in numbers])


def ending(lines: Iterable[bytes], count: int, entries: bytes, start: int, digest: bytes) -> bytes:
    """The cross-reference table out of its lines, from object 0 on, and the trailer with its entries.

    The digest is the file's identifier, in 32 hexadecimal digits.
    """
    return b"xref\n0 %d\n%strailer\n<</Size %d%s/ID[<%s><%s>]>>\nstartxref\n%d\n%%%%EOF\n" % (
        count,
        b"".join(lines),
        count,
        entries,
        digest,
        digest,
        start,
    )
