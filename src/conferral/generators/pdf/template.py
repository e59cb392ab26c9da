"""Reading a designer's PDF: its pages' sizes, and the reasons to refuse it."""

import io
from dataclasses import dataclass

import pikepdf

from conferral.contract import PermanentError

MAX_PAGES = 20
MAX_POINTS = 14_400
"""The longest side of a page that PDF readers agree on: 200 inches."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page's visible size in points (1/72 inch), as a reader shows it: cropped and rotated."""

    width: float
    height: float


def read_pages(content: bytes) -> tuple[Page, ...]:
    """The pages of a template; a PermanentError says why it cannot be one."""
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if pdf.is_encrypted:
                raise PermanentError("is encrypted; save it without a password")
            pages = tuple(_page(page) for page in pdf.pages)
    except pikepdf.PasswordError:
        raise PermanentError("is encrypted; save it without a password") from None
    except pikepdf.PdfError:
        raise PermanentError("is not a PDF, or is damaged; export it again as PDF") from None
    if not pages:
        raise PermanentError("has no page; export it again with the page of the design")
    if len(pages) > MAX_PAGES:
        raise PermanentError(f"has {len(pages)} pages; at most {MAX_PAGES} are accepted")
    return pages


def _sides(box: pikepdf.Object) -> tuple[list[float], list[float]]:
    """A box's extent, left to right and bottom to top; the file may name any two opposite corners."""
    x1, y1, x2, y2 = (float(value) for value in box)
    return sorted((x1, x2)), sorted((y1, y2))


def _page(page: pikepdf.Page) -> Page:
    try:
        # What lies outside the media box is not shown, whatever the crop box says.
        (left, right), (bottom, top) = (
            (max(crop[0], media[0]), min(crop[1], media[1]))
            for crop, media in zip(_sides(page.cropbox), _sides(page.mediabox), strict=True)
        )
        turned = int(page.obj.get("/Rotate", 0)) % 180 == 90  # noqa: PLR2004 - degrees
    except (TypeError, ValueError, AttributeError):
        raise PermanentError("has a page without a usable size; export it again as PDF") from None
    width, height = right - left, top - bottom
    if not (0 < width <= MAX_POINTS and 0 < height <= MAX_POINTS):
        raise PermanentError(f"has a page of {width:g} × {height:g} points; at most {MAX_POINTS} each way are accepted")
    return Page(height, width) if turned else Page(width, height)
