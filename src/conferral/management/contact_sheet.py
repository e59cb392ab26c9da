"""A contact sheet: the first pages of many certificates as one picture."""

from collections.abc import Sequence
from pathlib import Path

import pypdfium2
from PIL import Image

WIDTH, HEIGHT, GAP = 360, 270, 14
BACKGROUND = "#e7e7e4"


def contact_sheet(certificates: Sequence[Path], target: Path, *, columns: int = 6) -> None:
    """Writes a PNG with each certificate's first page; nothing when there is none."""
    if not certificates:
        return
    rows = -(-len(certificates) // columns)
    size = (columns * (WIDTH + GAP) + GAP, rows * (HEIGHT + GAP) + GAP)
    sheet = Image.new("RGB", size, BACKGROUND)
    for position, path in enumerate(certificates):
        picture = _first_page(path)
        row, column = divmod(position, columns)
        left = GAP + column * (WIDTH + GAP) + (WIDTH - picture.width) // 2
        top = GAP + row * (HEIGHT + GAP) + (HEIGHT - picture.height) // 2
        sheet.paste(picture, (left, top))
    sheet.save(target, optimize=True)


def _first_page(path: Path) -> Image.Image:
    """The page, drawn at twice its place's size and reduced: small letters stay letters."""
    document = pypdfium2.PdfDocument(path)
    try:
        page = document[0]
        scale = min(WIDTH / page.get_width(), HEIGHT / page.get_height())
        drawn: Image.Image = page.render(scale=2 * scale).to_pil()
        return drawn.resize((drawn.width // 2, drawn.height // 2), Image.Resampling.LANCZOS)
    finally:
        document.close()
