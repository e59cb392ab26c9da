"""How large a PDF gets when it is unpacked: asked before a library unpacks it, and without holding what comes out."""

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from conferral.contract import PermanentError

MAX_UNPACKED = 256 * 1024 * 1024
MAX_OPERATORS = 64 * 1024 * 1024
"""Of one page or one form: they are held in memory whole."""
MAX_PIXELS = 64_000_000
"""Of one picture: an A0 sheet at 200 dpi has 61 million."""

_MAX_BETWEEN = 64 * 1024 * 1024
"""Of what is packed once more."""
_MAX_LZW = 4 * 1024 * 1024
"""Packed. Nothing has written LZW since 1999, and going through it takes a second for that much."""
_NESTED = 4
"""How often a stream may be packed; programs do it twice at most."""
_PIECE = 1 << 14
"""Bytes that are unpacked at once. zlib makes at most a thousand times as much of them."""

_STREAM = re.compile(rb"stream[\0\t\n\f\r ]{0,64}")
"""However loosely the line ends: readers are lenient."""
_HEAD = 1024
"""Bytes before a stream in which its dictionary is looked for."""
_ZLIB = (b"\x08", b"\x18", b"\x28", b"\x38", b"\x48", b"\x58", b"\x68", b"\x78")
"""With what a stream begins that zlib has packed."""
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_STRUCTURE = re.compile(rb"/(ObjStm|XRef|First)\b")
"""Streams that readers unpack to find their way about. Only those of objects say where the first is."""
_UNUSUAL = re.compile(rb"/(ASCII85Decode|A85|ASCIIHexDecode|AHx|LZWDecode|LZW|RunLengthDecode|RL|Crypt)\b|/Filter\s*\d")
_LONG = {
    "/Fl": "/FlateDecode",
    "/A85": "/ASCII85Decode",
    "/AHx": "/ASCIIHexDecode",
    "/LZW": "/LZWDecode",
    "/RL": "/RunLengthDecode",
}

_CLEAR, _END = 256, 257
_MOST_CODES = 4096
"""Of LZW (ISO 32000-1, 7.4.4)."""


def check_file(content: bytes) -> None:
    """A PermanentError when opening the file unpacks more than memory should hold; asked of its bytes."""
    left = MAX_UNPACKED
    data = memoryview(content)
    for match in _STREAM.finditer(content):
        if content.endswith(b"end", 0, match.start()):
            continue
        head = content[max(match.start() - _HEAD, 0) : match.start()].rpartition(b"obj")[2]
        head = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), head)
        if _STRUCTURE.search(head) and _UNUSUAL.search(head):
            raise PermanentError("is packed in an unusual way; export it again as PDF")
        if content[match.end() : match.end() + 1] in _ZLIB:
            left = _left(data[match.end() :], left)


def check_objects(pdf: pikepdf.Pdf) -> None:
    """A PermanentError for a picture of too many pixels, and for what unpacks to too much and zlib alone does not."""
    left = MAX_UNPACKED
    for found in pdf.objects:
        if not isinstance(found, Stream):
            continue
        if found.get("/Subtype") == Name.Image and pixels(found) > MAX_PIXELS:
            raise PermanentError(
                "has a picture of %(width)s × %(height)s pixels; make it smaller",
                width=found.Width,
                height=found.Height,
            )
        if _filters(found) not in ([], ["/FlateDecode"]):  # those are what `check_file` looks for
            left -= _size(found, left)


def pixels(image: Any) -> int:
    """How many a picture says that it has."""
    return int(image.get("/Width", 0)) * int(image.get("/Height", 0))


def operators(found: Any) -> bytes:
    """What a stream draws, or several that a page has; the end of one and the beginning of the next stay apart.

    A PermanentError when it is more than MAX_OPERATORS; a PdfError when it is damaged.
    """
    streams = [one for one in (list(found) if isinstance(found, Array) else [found]) if isinstance(one, Stream)]
    left = MAX_OPERATORS
    for stream in streams:
        left -= _size(stream, left)
    return b"\n".join(stream.read_bytes(pikepdf.StreamDecodeLevel.specialized) for stream in streams)


def _left(data: bytes | memoryview, left: int, depth: int = 0) -> int:
    """How much may still be unpacked after this stream, and after what is packed in it once more."""
    within = b""
    for read, part in _inflated(data):
        # What unpacks to nothing takes its time all the same, and streams may lie within one another.
        left -= max(read, len(part))
        if left < 0:
            raise _too_much(MAX_UNPACKED)
        if len(within) < _PIECE:
            within += part
    if depth < _NESTED and within[:1] in _ZLIB:
        return _left(within, left, depth + 1)
    return left


def _inflated(data: bytes | memoryview) -> Iterator[tuple[int, bytes]]:
    """What zlib has packed, in pieces, and how many bytes each was; as far as the stream is undamaged."""
    inflater = zlib.decompressobj()
    for start in range(0, len(data), _PIECE):
        piece = data[start : start + _PIECE]
        try:
            part = inflater.decompress(piece)
        except zlib.error:
            return  # for whoever reads it to find
        yield len(piece) - len(inflater.unused_data), part
        if inflater.eof:
            return


def _filters(stream: Any) -> list[str]:
    """Their names, the first to be undone first."""
    found = stream.get("/Filter")
    names = list(found) if isinstance(found, Array) else [] if found is None else [found]
    return [_LONG.get(str(name), str(name)) for name in names]


def _size(stream: Any, left: int) -> int:
    """How many bytes come out of the stream's filters; a PermanentError when those are more than are left.

    Of a picture, those that its own format has: its pixels are counted elsewhere.
    """
    filters = [name for name in _filters(stream) if name != "/Crypt"]  # of no effect where nothing is encrypted
    if len(filters) > _NESTED:
        raise PermanentError("has something packed %(count)s times; export it again as PDF", count=len(filters))
    if "/LZWDecode" in filters:
        _check_lzw(stream)
    data = stream.read_raw_bytes()
    size = len(data)
    for position, name in enumerate(filters, 1):
        if name not in _SIZES:
            break
        is_last = position == len(filters)
        most = left if is_last else min(left, _MAX_BETWEEN)
        size = _SIZES[name](data, most)
        if size > most:
            raise _too_much(most)
        if not is_last:
            data = _unpacked(data, name)
    if size > left:
        raise _too_much(left)
    return size


def _check_lzw(stream: Any) -> None:
    """Its codes as everyone has them: the other way to count them has never been written, and `_lzw_size` cannot."""
    found = stream.get("/DecodeParms")
    for parameters in list(found) if isinstance(found, Array) else [found]:
        if isinstance(parameters, Dictionary) and parameters.get("/EarlyChange", 1) != 1:
            raise PermanentError("is packed in an unusual way; export it again as PDF")


def _unpacked(data: bytes, name: str) -> bytes:
    """Through one filter; nothing when it is damaged: that is for whoever reads it to find."""
    with pikepdf.new() as scratch:
        stream = Stream(scratch, data)
        stream.Filter = Name(name)
        try:
            return stream.read_bytes(pikepdf.StreamDecodeLevel.specialized)
        except pikepdf.PdfError:
            return b""


def _inflated_size(data: bytes, most: int) -> int:
    size = 0
    for _, part in _inflated(data):
        size += len(part)
        if size > most:
            break
    return size


def _lzw_size(data: bytes, most: int) -> int:
    """Of each code only the length is kept: it is as long as the one before it, and a byte more."""
    if len(data) > _MAX_LZW:
        raise PermanentError("has much that is packed in an old way (LZW); export it again as PDF")
    lengths = [1] * _CLEAR + [0, 0]
    total = previous = 0
    bits, held, width = 0, 0, 9
    for byte in data:
        held, bits = held << 8 | byte, bits + 8
        if bits < width:
            continue
        bits -= width
        code, held = held >> bits, held & (1 << bits) - 1
        if code == _END or total > most:
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
    return total


def _runs_size(data: bytes, most: int) -> int:
    at = total = 0
    while at < len(data) and total <= most and (length := data[at]) != 128:  # noqa: PLR2004 - the end (7.4.5)
        total += length + 1 if length < 128 else 257 - length  # noqa: PLR2004
        at += length + 2 if length < 128 else 2  # noqa: PLR2004
    return total


_SIZES: dict[str, Callable[[bytes, int], int]] = {
    "/FlateDecode": _inflated_size,
    "/LZWDecode": _lzw_size,
    "/RunLengthDecode": _runs_size,
    "/ASCII85Decode": lambda data, _: len(data) * 4 // 5 + 4 * data.count(b"z"),  # which stands for four zeros
    "/ASCIIHexDecode": lambda data, _: len(data) // 2,
}
"""By filter: how much comes out of data, or any number above the most that is asked about."""


def _too_much(most: int) -> PermanentError:
    return PermanentError("unpacks to more than %(most)s MB; export it again, smaller", most=max(most // 1024**2, 1))
