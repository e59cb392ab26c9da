"""A contact sheet: the first pages of many certificates as one picture."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from conferral import pictures

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
    drawn = pictures.draw(path.read_bytes(), width=2 * WIDTH, height=2 * HEIGHT)
    return drawn.resize((max(drawn.width // 2, 1), max(drawn.height // 2, 1)), Image.Resampling.LANCZOS)
