"""How large a file gets when it is unpacked: asked before a library unpacks it, and without holding what comes out."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable
from typing import Any

import pikepdf
from pikepdf import Array, Stream

from conferral.contract import PermanentError

MAX_UNPACKED = 256 * 1024 * 1024
MAX_CONTENTS = 64 * 1024 * 1024
"""Of the operators of one page, which are held in memory whole."""

_CHUNK = 1 << 20
_NESTED = 4
"""How often a stream may be packed for it to be looked into."""
_STREAM = re.compile(rb"stream\r?\n")
_HEAD = 1024
"""Bytes before a stream in which its dictionary is looked for."""
_ZLIB = (b"\x08", b"\x18", b"\x28", b"\x38", b"\x48", b"\x58", b"\x68", b"\x78")
"""With what a stream begins that zlib has packed."""
_STRUCTURE = re.compile(rb"/(ObjStm|XRef)\b")
_UNUSUAL = re.compile(rb"/(ASCII85Decode|ASCIIHexDecode|LZWDecode|RunLengthDecode|Crypt)\b")

_CLEAR, _END = 256, 257
_MOST_CODES = 4096
"""Of LZW (ISO 32000-1, 7.4.4)."""


def check_file(content: bytes) -> None:
    """That nothing in the file unpacks to more than memory should hold: what a reader unpacks to find its way about."""
    left = MAX_UNPACKED
    data = memoryview(content)
    for match in _STREAM.finditer(content):
        head = content[max(match.start() - _HEAD, 0) : match.start()].rpartition(b"obj")[2]
        if _STRUCTURE.search(head) and _UNUSUAL.search(head):
            raise PermanentError("is packed in an unusual way; export it again as PDF")
        if content[match.end() : match.end() + 1] in _ZLIB:
            left = _inflated(data[match.end() :], left)


def check_streams(pdf: pikepdf.Pdf) -> None:
    """The same of each stream that is packed otherwise, or more than once."""
    left = MAX_UNPACKED
    for found in pdf.objects:
        if isinstance(found, Stream) and (filters := _filters(found)) not in ([], ["/FlateDecode"]):
            left -= _size(found.read_raw_bytes(), filters, left)


def check_contents(streams: Iterable[Any]) -> None:
    """That a page's operators are not more than a reader could go through."""
    left = MAX_CONTENTS
    for stream in streams:
        left -= _size(stream.read_raw_bytes(), _filters(stream), left)


def _filters(stream: Any) -> list[str]:
    found = stream.get("/Filter")
    return [str(one) for one in found] if isinstance(found, Array) else [str(found)] if found is not None else []


def _size(data: bytes, filters: list[str], left: int) -> int:
    """How many bytes come out of these filters; a PermanentError when those are too many."""
    for position, name in enumerate(filters):
        is_last = position == len(filters) - 1
        match name:
            case "/FlateDecode":
                if is_last:
                    return left - _inflated(data, left)
                data = _inflate(data, left)
            case "/LZWDecode":
                return _lzw(data, left)
            case "/RunLengthDecode":
                return _run_length(data, left)
            case "/ASCII85Decode" | "/ASCIIHexDecode":
                data = _from_text(data, name)
            case _:
                return 0  # pictures have their pixels counted
    if len(data) > left:
        raise _too_much(left)
    return len(data)


def _inflated(data: bytes | memoryview, left: int, depth: int = 0) -> int:
    """How much may still be unpacked after this stream, and after what is packed in it once more."""
    inflater = zlib.decompressobj()
    within = b""
    try:
        while not inflater.eof and len(data):
            part = inflater.decompress(data, _CHUNK)
            data = inflater.unconsumed_tail
            left -= len(part)
            if left < 0:
                raise _too_much(MAX_UNPACKED)
            if len(within) < _CHUNK:
                within += part
    except zlib.error:
        return left  # no such stream, or damaged: for whoever reads it to find
    if depth < _NESTED and within[:1] in _ZLIB:
        return _inflated(within, left, depth + 1)
    return left


def _inflate(data: bytes, left: int) -> bytes:
    """What is packed, when it is no more than that."""
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(data, left + 1)
    except zlib.error:
        return b""
    if len(found) > left:
        raise _too_much(left)
    return found


def _lzw(data: bytes, left: int) -> int:
    """The length of what LZW has packed: of each code only the length is kept."""
    lengths = [1] * _CLEAR + [0, 0]
    total = previous = 0
    bits, held, width = 0, 0, 9
    for byte in data:
        held, bits = held << 8 | byte, bits + 8
        if bits < width:
            continue
        bits -= width
        code, held = held >> bits, held & (1 << bits) - 1
        if code == _END:
            break
        if code == _CLEAR:
            del lengths[_END + 1 :]
            previous, width = 0, 9
            continue
        length = lengths[code] if code < len(lengths) else previous + 1
        if previous and len(lengths) < _MOST_CODES:
            lengths.append(previous + 1)
        width = max(9, min((len(lengths) + 1).bit_length(), 12))
        previous = length
        total += length
        if total > left:
            raise _too_much(left)
    return total


def _run_length(data: bytes, left: int) -> int:
    total = position = 0
    while position < len(data) and (length := data[position]) != 128:  # noqa: PLR2004 - the end (7.4.5)
        total += length + 1 if length < 128 else 257 - length  # noqa: PLR2004
        position += length + 2 if length < 128 else 2  # noqa: PLR2004
    if total > left:
        raise _too_much(left)
    return total


def _from_text(data: bytes, name: str) -> bytes:
    try:
        if name == "/ASCIIHexDecode":
            return binascii.unhexlify(re.sub(rb"\s", b"", data.split(b">")[0]))
        return base64.a85decode(b"<~" + data.strip().removesuffix(b"~>") + b"~>", adobe=True)
    except ValueError:
        return b""  # damaged: for whoever reads it to find


def _too_much(left: int) -> PermanentError:
    return PermanentError(f"unpacks to more than {max(left, 1) // 1024**2 or 1} MB; export it again, smaller")
