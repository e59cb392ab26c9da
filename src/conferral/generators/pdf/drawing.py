"""Drawing: elements as the operators of a page's content, in points from its visible left bottom corner."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from conferral.generators.pdf import embedding, writer
from conferral.generators.pdf.embedding import Base, Extras
from conferral.generators.pdf.images import Picture
from conferral.generators.pdf.layout import Align, Block, Style
from conferral.generators.pdf.options import (
    ImageElement,
    LineElement,
    Placed,
    QRElement,
    RectangleElement,
    TextElement,
    components,
    points,
)
from conferral.generators.pdf.qr import QUIET
from conferral.generators.pdf.shaping import Run
from conferral.generators.pdf.template import Page

Matrix = tuple[float, float, float, float, float, float]
Rectangle = tuple[float, float, float, float]
"""Left, top, right and bottom, in points from the page's left top."""


class Waiting(NamedTuple):
    """A run whose glyphs are not in the design's fonts: its codes are known when all of the certificate's are."""

    run: Run
    size: str


class Drawn(NamedTuple):
    """A text as operators. What waits for a font of its own stands between them."""

    parts: Sequence[str | Waiting]
    block: Block | None
    waiting: Sequence[Waiting] = ()
    """The runs that need a font."""
    whole: str = ""
    """All of it, when nothing waits."""

    def operators(self, extras: Extras) -> str:
        """All of it, when the extra fonts are known."""
        return "".join([part if isinstance(part, str) else extras.shown(part.run, part.size) for part in self.parts])


NOTHING = Drawn((), None)


def style(element: TextElement, page: Page, align: Align) -> Style:
    """How the element's text is set on that page."""
    size = points(element.size, page.height)
    return Style(
        x=points(element.x, page.width),
        y=points(element.y, page.height),
        width=points(element.width, page.width),
        height=None if element.height is None else points(element.height, page.height),
        align=align,
        vertical_align=element.vertical_align,
        size=size,
        min_size=points(element.min_size, page.height),
        max_lines=element.max_lines,
        # Given for the full size, and shrinking with the letters.
        spacing=points(element.letter_spacing, page.height) / size * 1000,
        line_height=element.line_height,
        page_height=page.height,
    )


def text(block: Block, how: Style, page: Page, bases: Mapping[int, Base], colour: str) -> Drawn:
    """The lines of a text; `bases` has the design's fonts by their identity."""
    size = f"{block.size:.3f}"
    thousandth = block.size / 1000
    parts: list[str | Waiting] = [colour, "BT\n"]
    waiting = []
    for line in block.lines:
        x, y = line.x, page.height - line.y
        for run in line.shaped.runs:
            spacing = how.spacing if run.is_spaced else 0.0
            if how.spacing:  # told to readers as such, or they would take it for spaces between words
                parts.append(f"{spacing * thousandth:.4f} Tc ")
            parts.append(f"1 0 0 1 {x:.3f} {y:.3f} Tm ")
            base = bases.get(id(run.font))
            shown = base and embedding.shown(run, base, size)
            if not shown:
                waiting.append(Waiting(run, size))
            parts += (shown or waiting[-1], "\n")
            x += (run.width + spacing * len(run.texts)) * thousandth
    parts.append("0 Tc ET\n" if how.spacing else "ET\n")
    return Drawn(parts, block, waiting) if waiting else Drawn((), block, whole="".join(map(str, parts)))


def image(element: ImageElement, picture: Picture, name: str, page: Page, bounds: Rectangle) -> str:
    """A picture, fitted into its box."""
    left, top, right, bottom = bounds
    scale = min((right - left) / picture.width, (bottom - top) / picture.height)
    width, height = picture.width * scale, picture.height * scale
    x = left + (right - left - width) * {"left": 0.0, "center": 0.5, "right": 1.0}[element.align]
    y = top + (bottom - top - height) * {"top": 0.0, "middle": 0.5, "bottom": 1.0}[element.vertical_align]
    operators = picture.operators.replace("/X ", f"/{name} ")
    return f"q {writer.numbers(width, 0, 0, height, x, page.height - y - height)} cm {operators} Q\n"


def code_place(element: QRElement, size: int, page: Page, bounds: Rectangle) -> str:
    """What is before the modules of a QR code of that size: its ground, its colour, its place inside the quiet zone."""
    left, top, right, bottom = bounds
    module = (right - left) / (size + 2 * QUIET)
    ground = ""
    if element.background:
        ground = f"{fill(element.background)} {_rectangle(left, page.height - bottom, right - left, bottom - top)} f\n"
    x, y = left + QUIET * module, page.height - top - QUIET * module
    return f"{ground}{fill(element.colour)} q {module:.5f} 0 0 {module:.5f} {x:.3f} {y:.3f} cm\n"


def line(element: LineElement, page: Page) -> str:
    """A line."""
    x, y = points(element.x, page.width), page.height - points(element.y, page.height)
    right, down = points(element.width, page.width), points(element.height, page.height)
    thickness = points(element.thickness, page.height)
    ends = f"{writer.numbers(x, y)} m {writer.numbers(x + right, y - down)} l S\n"
    return f"{stroke(element.colour)} {thickness:.3f} w {ends}"


def rectangle(element: RectangleElement, page: Page, bounds: Rectangle) -> str:
    """A rectangle."""
    left, top, right, bottom = bounds
    path = _rectangle(left, page.height - bottom, right - left, bottom - top)
    inside = f"{fill(element.fill)} {path} f\n" if element.fill else ""
    thickness = points(element.thickness, page.height)
    return inside + (f"{stroke(element.colour)} {thickness:.3f} w {path} S\n" if element.colour else "")


def outline(bounds: Rectangle, page: Page, matrix: Matrix | None) -> str:
    """A thin dashed rectangle, for previews."""
    left, top, right, bottom = bounds
    turn = f"{' '.join(f'{value:.6f}' for value in matrix)} cm " if matrix else ""
    path = _rectangle(left, page.height - bottom, right - left, bottom - top)
    return f"/Artifact BMC\nq {turn}0.9 0 0.5 RG 0.5 w [3 2] 0 d {path} S Q\nEMC\n"


def state(opacity: float) -> str:
    """What a degree of opacity is called in the file."""
    return f"G{round(opacity * 1000)}"


def box(element: Placed, page: Page, picture: Picture | None = None) -> Rectangle:
    """The element's box; of a text without a height, its line as tall as its letters are large."""
    assert isinstance(element, TextElement | ImageElement | QRElement | LineElement | RectangleElement)
    left, top = points(element.x, page.width), points(element.y, page.height)
    right = left + points(element.width, page.width)
    match element:
        case QRElement():
            return left, top, right, top + right - left
        case TextElement(height=None):
            return left, top - points(element.size, page.height), right, top
        case ImageElement(height=None):
            assert picture is not None  # its proportions are the picture's
            return left, top, right, top + (right - left) * picture.height / picture.width
        case _:
            assert element.height is not None  # the cases without are above
            bottom = top + points(element.height, page.height)
            return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def turned(element: Placed, page: Page, bounds: Rectangle) -> Matrix | None:
    """The matrix that turns about the middle of the box; None when the element stands upright."""
    if not element.rotate % 360:
        return None
    left, top, right, bottom = bounds
    middle = (top + bottom) / 2
    if isinstance(element, TextElement) and element.height is None:
        middle = bottom  # a text without a box turns about its baseline
    x, y = (left + right) / 2, page.height - middle
    angle = math.radians(element.rotate)
    cosine, sine = math.cos(angle), math.sin(angle)
    return cosine, -sine, sine, cosine, x - cosine * x - sine * y, y + sine * x - cosine * y


def corners(bounds: Rectangle, page: Page, matrix: Matrix | None) -> list[tuple[float, float]]:
    """The corners of a box, turned, from the page's left bottom."""
    left, top, right, bottom = bounds
    plain = [(x, page.height - y) for x in (left, right) for y in (top, bottom)]
    if matrix is None:
        return plain
    a, b, c, d, e, f = matrix
    return [(a * x + c * y + e, b * x + d * y + f) for x, y in plain]


def fill(colour: str) -> str:
    """The operator for the colour of areas and letters."""
    return _colour(colour, "rg", "k")


def stroke(colour: str) -> str:
    """The operator for the colour of lines."""
    return _colour(colour, "RG", "K")


def _colour(colour: str, rgb: str, cmyk: str) -> str:
    shares = components(colour)
    return f"{' '.join(f'{share:.4g}' for share in shares)} {rgb if len(shares) == 3 else cmyk}"  # noqa: PLR2004


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f"{writer.numbers(x, y, width, height)} re"
