"""Pictures of pages: the one place that draws a page of a PDF, with PDFium."""

import io
import math
import threading

import pypdfium2
from PIL import Image, UnidentifiedImageError

from conferral.contract import ConferralError

PDF = "application/pdf"
IMAGES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
"""Pictures that are taken as they are, by media type: the format's name."""
DPI = 150
LEAST_DPI, MOST_DPI = 10, 1200
MOST_PIXELS = 20_000_000
"""A larger picture is drawn smaller, whatever size the page says that it has. A3 at 300 dpi fits; 60 MB in memory."""
LONGEST_SIDE = 16_000
"""Pixels: what JPEG and WebP can hold both."""
_SAVED = {
    "PNG": {"compress_level": 3},  # a third faster than the default, and a hundredth larger
    "JPEG": {"quality": 90, "subsampling": 2},  # full resolution of colours takes half as long again, for a glass
    "WEBP": {"quality": 88, "method": 0},  # the higher methods take three times as long to save a tenth
}
_pdfium = threading.Lock()
"""PDFium is for one thread at a time."""


class PictureError(ConferralError):
    """There is no such picture: the file is damaged, or has no such page."""


def draw(
    content: bytes, *, page: int = 1, dpi: float = DPI, width: int | None = None, height: int | None = None
) -> Image.Image:
    """That page of a PDF (the first is 1), on white: at `dpi`, or as large as fits into `width` and `height` (pixels).

    It never has more than MOST_PIXELS.
    """
    with _pdfium:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError:
            raise PictureError("the file is not a PDF, or is damaged or encrypted") from None
        try:
            count = len(document)
            if not 1 <= page <= count:
                raise PictureError("%(page)s: the file ends with page %(last)s", where="page", page=page, last=count)
            return _drawn(document[page - 1], dpi, width, height)
        except pypdfium2.PdfiumError:
            raise PictureError("page %(page)s of the file is damaged", page=page) from None
        finally:
            document.close()


def read(content: bytes, media_type: str) -> Image.Image:
    """A picture of one of the IMAGES, as it is, on white."""
    name = IMAGES[media_type]
    try:
        with Image.open(io.BytesIO(content), formats=(name,)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise PictureError(
                    "the picture has %(width)s × %(height)s pixels, which is too many",
                    width=image.width,
                    height=image.height,
                )
            seen = image.convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        raise PictureError("the file is not a %(name)s picture, or is damaged", name=name) from None
    white = Image.new("RGB", seen.size, "white")
    white.paste(seen, mask=seen.getchannel("A"))
    return white


def encoded(image: Image.Image, name: str) -> bytes:
    """The picture as a file in the format of that name: PNG, JPEG or WEBP."""
    written = io.BytesIO()
    image.save(written, name, **_SAVED[name])
    return written.getvalue()


def _drawn(page: pypdfium2.PdfPage, dpi: float, width: int | None, height: int | None) -> Image.Image:
    across, down = page.get_size()
    if not (0 < across < math.inf and 0 < down < math.inf):
        raise PictureError("the page has no usable size")
    scales = [pixels / points for pixels, points in ((width, across), (height, down)) if pixels]
    most = min(math.sqrt(MOST_PIXELS / across / down), LONGEST_SIDE / max(across, down))
    # A row of pixels is added where a side is no whole number of them, so a little is left free.
    scale = min([*(scales or [dpi / 72]), most * 0.999])
    bitmap = page.render(scale=scale)
    try:
        image: Image.Image = bitmap.to_pil()  # a copy: of PDFium's three bytes a pixel Pillow makes its own
        return image
    finally:
        bitmap.close()
