"""What a designer can say: the template, its fonts, and the texts on it."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from conferral.contract import FontAsset, Options, PDFAsset
from conferral.contract.options import SLUG_PATTERN
from conferral.contract.placeholders import Text

POINTS = {"pt": 1.0, "mm": 72 / 25.4, "cm": 72 / 2.54, "in": 72.0}
_LENGTH = re.compile(r"(-?\d{1,5}(?:\.\d{1,6})?)\s*(pt|mm|cm|in|%)")


def _length(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value}pt"
    if not isinstance(value, str) or not (match := _LENGTH.fullmatch(value.strip())):
        raise ValueError('write a length: "20mm", "36pt", "1in", "50%" of the page, or a number of points')
    return f"{match[1]}{match[2]}"


Length = Annotated[
    str,
    BeforeValidator(_length),
    WithJsonSchema({"type": "string", "format": "length", "pattern": _LENGTH.pattern}),
]
"""A length in pt, mm, cm or in; % is of the page's width for x and width, of its height for y and sizes."""


def _positive(length: str) -> str:
    if points(length, 100) <= 0:
        raise ValueError("it has to be above zero")
    return length


Size = Annotated[Length, AfterValidator(_positive)]
"""A length above zero."""


def points(length: str, whole: float) -> float:
    """The length in points (1/72 inch); `whole` is what its percentage is of."""
    match = _LENGTH.fullmatch(length)
    assert match is not None  # the option was validated
    number, unit = float(match[1]), match[2]
    return number * whole / 100 if unit == "%" else number * POINTS[unit]


class TextElement(Options):
    """One text on the page, set on one line. Where that is too wide it shrinks to `min_size`, then wraps.

    It shrinks further where a single word or the last line would leave the page.
    """

    text: Text = Field(description="What is printed; placeholders such as {name} are filled in, {{ prints a brace.")
    x: Length = Field("10%", description="Left edge of the text's column, from the left edge of the page.")
    y: Length = Field(description="Baseline of the first line, from the top edge of the page.")
    width: Size = Field("80%", description="Width of the column in which the text is aligned.")
    align: Literal["left", "center", "right"] = Field("center", description="Where the text stands in its column.")
    font: FontAsset | None = Field(None, description="Font asset; else the design's font.")
    size: Size = Field("12pt", description="Size of the letters.")
    min_size: Size = Field("6pt", description="How far the letters may shrink for the text to fit on one line.")
    colour: str = Field("#000000", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour as #rrggbb.")
    letter_spacing: Length = Field("0pt", description="Space added between letters; % is of the page's height.")
    upper_case: bool = Field(False, description="Print capitals.")
    line_height: float = Field(1.3, ge=0.5, le=5, description="From one baseline to the next, in sizes.")
    page: int = Field(1, ge=1, le=20, description="Page of the template, counted from 1.")


def sensible_elements() -> dict[str, TextElement]:
    """What a template without any elements gets: name, context, date and verification link, centred."""
    return {
        "type": TextElement(text="{type}", y="34%", size="3.4%", colour="#444444"),
        "name": TextElement(text="{name}", y="48%", size="7%", min_size="2.5%"),
        "context": TextElement(text="{context}", y="60%", size="4%", min_size="2%", colour="#222222"),
        "date": TextElement(text="{date}", y="68%", size="2.6%", colour="#444444"),
        "verification": TextElement(text="{verification_url}", y="94%", size="1.7%", min_size="1%", colour="#555555"),
    }


class PDFOptions(Options):
    """A PDF design."""

    template: PDFAsset = Field(description="PDF asset; its pages are the certificate's pages.")
    font: FontAsset | None = Field(
        None, description="Font asset for all texts; else FiraGO, which comes with Conferral."
    )
    fallback_fonts: list[FontAsset] = Field(
        default_factory=list,
        description="Font assets for characters that the text's own font does not have, in order; "
        "FiraGO and Noto Sans stand behind them.",
    )
    elements: dict[Annotated[str, Field(pattern=SLUG_PATTERN)], TextElement] = Field(
        default_factory=sensible_elements,
        description="The texts by a name of your own; left out: type, name, course, date, verification link, centred.",
    )
