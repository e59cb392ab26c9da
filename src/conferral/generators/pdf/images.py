"""Pictures for a page: PNG and JPEG as they are, SVG and PDF as drawings."""

import base64
import io
import warnings
import zlib
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import pikepdf
import typst
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image, ImageOps, UnidentifiedImageError

from conferral.contract import PermanentError
from conferral.generators.pdf import template

MAX_PIXELS = 30_000_000
DENSITY = 600
"""Pixels an inch that are kept: finer than any printer shows a photograph."""

_DEEP = 200
_MOST_SHAPES = 100_000
"""Bounds of SVG drawings."""

_SPACES = {"L": Name.DeviceGray, "RGB": Name.DeviceRGB, "CMYK": Name.DeviceCMYK}


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn, and its natural size: pixels, or points.

    `operators` draw it into the unit square, under the name `/X`.
    """

    drawn: Stream
    width: float
    height: float
    operators: str


def picture(out: pikepdf.Pdf, content: bytes, width: float) -> Picture:
    """The picture among the objects of `out`, to be shown `width` points wide; a PermanentError says why not."""
    if content[:5] == b"%PDF-":
        return _drawing(out, content)
    if _is_svg(content):
        return _drawing(out, svg_as_pdf(content))
    return _photograph(out, content, width)


def check(content: bytes) -> None:
    """A PermanentError says why it is no picture for a page."""
    with pikepdf.new() as scratch:
        picture(scratch, content, 72)


def _is_svg(content: bytes) -> bool:
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"<") and b"<svg" in content[:65536]


def svg_as_pdf(content: bytes) -> bytes:
    """The drawing as a page of its own size; texts in it are set in the fonts that come with typst."""
    try:
        _check_effort(ET.fromstring(content))  # noqa: S314 - it declares no entities  # nosec B314
    except ET.ParseError as error:
        raise PermanentError("is not an SVG drawing, or is damaged: %(error)s", error=error) from None
    source = b'#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.svg), format: "svg")'
    try:
        made = typst.compile(source, sys_inputs={"svg": content.decode()}, font_paths=[], ignore_system_fonts=True)
    except (typst.TypstError, UnicodeDecodeError) as error:
        raise PermanentError("is not an SVG drawing, or is damaged: %(error)s", error=_first_line(error)) from None
    assert isinstance(made, bytes)  # typst returns a list for formats of one file a page only
    return made


def _check_effort(root: ET.Element) -> None:
    """That drawing it does not take for ever: copies of copies grow without bounds, and filters are no vectors."""
    known = {element.get("id"): element for element in root.iter() if element.get("id")}
    counted: dict[ET.Element, int] = {}

    def effort(element: ET.Element, depth: int) -> int:
        if depth > _DEEP:
            raise PermanentError("is nested too deeply; export it as a plain SVG")
        if element in counted:
            return counted[element]
        tag = str(element.tag).rsplit("}", 1)[-1]
        if tag == "filter":
            raise PermanentError("has a filter (a shadow, a blur); export it as PDF or PNG")
        if tag == "image":
            _check_embedded(_reference(element))
        found = 1 + sum(effort(child, depth + 1) for child in element)
        if tag == "use" and (target := known.get(_reference(element).removeprefix("#"))) is not None:
            found += effort(target, depth + 1)
        counted[element] = found
        if found > _MOST_SHAPES:
            raise PermanentError("has more than %(most)s shapes; export it as PDF", most=f"{_MOST_SHAPES:,}")
        return found

    effort(root, 0)


def _reference(element: ET.Element) -> str:
    return (element.get("href") or element.get("{http://www.w3.org/1999/xlink}href") or "").strip()


def _check_embedded(address: str) -> None:
    """A picture within a drawing is one of the same size at most."""
    kind, _, packed = address.partition(";base64,")
    if not kind.startswith("data:image/"):
        return  # others are not fetched
    try:
        with Image.open(io.BytesIO(base64.b64decode(packed)), formats=("PNG", "JPEG")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PermanentError(
                    "has a picture of %(width)s × %(height)s pixels; make it smaller",
                    width=image.width,
                    height=image.height,
                )
    except (Image.DecompressionBombError, UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise PermanentError("has a picture in it that is damaged or too large; embed a PNG or JPEG") from None


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", error)).splitlines()[0]


def _drawing(out: pikepdf.Pdf, content: bytes) -> Picture:
    with template.opened(content) as pdf:
        art = template.arts(pdf, keep_fields=False)[0]
        drawn: Any = out.copy_foreign(art.drawn.Form)
    page = art.page
    a, b, c, d, e, f = page.matrix
    determinant = a * d - b * c
    inverse = pikepdf.Matrix(
        d / determinant,
        -b / determinant,
        -c / determinant,
        a / determinant,
        (c * f - d * e) / determinant,
        (b * e - a * f) / determinant,
    )
    into = " ".join(f"{value:.6f}" for value in inverse.shorthand)
    operators = (
        f"{1 / page.width:.8f} 0 0 {1 / page.height:.8f} 0 0 cm "
        f"0 0 {page.width:.3f} {page.height:.3f} re W n {into} cm /X Do"
    )
    return Picture(drawn, page.width, page.height, operators)


def _photograph(out: pikepdf.Pdf, content: bytes, width: float) -> Picture:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise PermanentError(
                        "has %(width)s × %(height)s pixels; make it smaller", width=image.width, height=image.height
                    )
                found = _as_it_is(out, image, content) or _repacked(out, image, width)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise PermanentError("has too many pixels; make it smaller") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        raise PermanentError("is not a PNG, JPEG or SVG picture, or is damaged") from None
    return found


def _as_it_is(out: pikepdf.Pdf, image: Image.Image, content: bytes) -> Picture | None:
    """A JPEG that stands upright goes in byte for byte: nothing is lost."""
    turned = image.getexif().get(0x0112, 1) != 1
    if image.format != "JPEG" or turned or image.mode not in _SPACES:
        return None
    image.load()  # a photograph that is cut off is refused here, not by whoever opens the certificate
    entries = _entries(image) | {"/Filter": Name.DCTDecode}
    if image.mode == "CMYK" and "adobe" in image.info:
        entries["/Decode"] = Array([1, 0] * 4)  # Adobe writes inks inverted
    return _placed(_image(out, content, entries), image)


def _repacked(out: pikepdf.Pdf, image: Image.Image, width: float) -> Picture:
    upright = ImageOps.exif_transpose(image)
    most = max(int(width / 72 * DENSITY), 1)
    if upright.width > most:
        upright = upright.resize((most, max(round(upright.height * most / upright.width), 1)), Image.Resampling.LANCZOS)
    mask = None
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        mask = upright.getchannel("A")
    upright = upright.convert("L" if upright.mode in ("1", "L", "I", "I;16") else "RGB")
    entries = _entries(upright)
    if mask is not None:
        entries["/SMask"] = _image(out, zlib.compress(mask.tobytes(), 9), _entries(mask) | _PACKED)
    return _placed(_image(out, zlib.compress(upright.tobytes(), 9), entries | _PACKED), upright)


_PACKED = {"/Filter": Name.FlateDecode}


def _entries(image: Image.Image) -> dict[str, object]:
    return {
        "/Type": Name.XObject,
        "/Subtype": Name.Image,
        "/Width": image.width,
        "/Height": image.height,
        "/ColorSpace": _SPACES[image.mode],
        "/BitsPerComponent": 8,
    }


def _image(out: pikepdf.Pdf, content: bytes, entries: dict[str, object]) -> Stream:
    stream = Stream(out, content)
    stream.update(Dictionary(entries))
    made = out.make_indirect(stream)
    assert isinstance(made, Stream)
    return made


def _placed(drawn: Stream, image: Image.Image) -> Picture:
    return Picture(drawn, image.width, image.height, "/X Do")
