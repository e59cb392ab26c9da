"""What a designer can say: the template, its fonts, and the elements on it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from conferral.contract import FontAsset, ImageAsset, Options, PDFAsset
from conferral.contract.options import SLUG_PATTERN
from conferral.contract.placeholders import Text, known_locale
from conferral.generators.pdf import when

POINTS = {"pt": 1.0, "mm": 72 / 25.4, "cm": 72 / 2.54, "in": 72.0}
_LENGTH = re.compile(r"(-?\d{1,5}(?:\.\d{1,6})?)\s*(pt|mm|cm|in|%)")
_RGB = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_PERCENT = r"\s*(\d{1,3}(?:\.\d{1,3})?)\s*%\s*"
_CMYK = re.compile(rf"cmyk\({_PERCENT},{_PERCENT},{_PERCENT},{_PERCENT}\)")


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


def _colour(value: str) -> str:
    if not _RGB.fullmatch(value) and not _CMYK.fullmatch(value):
        raise ValueError("write a colour: #rrggbb, or for print cmyk(0%, 50%, 100%, 0%)")
    components(value)
    return value


Colour = Annotated[
    str,
    AfterValidator(_colour),
    WithJsonSchema({"type": "string", "format": "colour", "pattern": f"^(?:{_RGB.pattern}|{_CMYK.pattern})$"}),
]
"""A colour as #rrggbb, or for print in CMYK."""


def components(colour: str) -> tuple[float, ...]:
    """Three shares of light for #rrggbb, four of ink for cmyk(…)."""
    if match := _RGB.fullmatch(colour):
        return tuple(int(part, 16) / 255 for part in match.groups())
    match = _CMYK.fullmatch(colour)
    assert match is not None  # the option was validated
    shares = tuple(float(part) / 100 for part in match.groups())
    if max(shares) > 1:
        raise ValueError("an ink has 100% at most")
    return shares


def _condition(text: str) -> str:
    if text:
        when.parse(text)
    return text


Condition = Annotated[str, AfterValidator(_condition), Field(json_schema_extra={"format": "condition"})]
"""A condition on the credential; see `when`."""


def _locale(tag: str) -> str:
    if known_locale(tag) is None:
        raise ValueError("write a language tag like fr or pt-BR")
    return tag


class Placed(Options):
    """What every element has."""

    page: int = Field(1, ge=1, le=20, description="Page of the template, counted from 1.")
    x: Length = Field("10%", description="Left edge of the element's box, from the left edge of the page.")
    rotate: float = Field(0, ge=-360, le=360, description="Degrees clockwise, about the middle of the box.")
    opacity: float = Field(1, ge=0, le=1, description="0 is invisible, 1 covers what lies under it.")
    when: Condition = Field(
        "",
        description="Condition under which it is there, for example `evidence.total >= 0.9`, `expires`, `not expires`, "
        '`locale == "de"`; empty: always.',
    )


class LocaleText(Options):
    """Another text or font for the credentials of one language."""

    model_config = ConfigDict(title="In that language")

    text: Text | None = Field(None, description="Text in that language.")
    font: FontAsset | None = Field(None, description="Font asset for that language.")
    align: Literal["left", "center", "right"] | None = Field(None, description="Where the text stands in its box.")


class TextElement(Placed):
    """A text, set on one line. Where that is too wide it shrinks to `min_size`, then wraps, up to `max_lines`.

    What does not fit even so is a problem: no credential is made, and the reason says why.
    """

    type: Literal["text"] = Field("text", description="A text.")
    text: Text = Field(description="What is printed; placeholders such as {name} are filled in, {{ prints a brace.")
    y: Length = Field(
        description="Baseline of the first line, from the top edge of the page; with `height`, the box's top edge."
    )
    width: Size = Field("80%", description="Width of the box in which the text is aligned.")
    height: Size | None = Field(None, description="Height of the box; left out, the lines begin at their baseline.")
    align: Literal["left", "center", "right"] = Field("center", description="Where the text stands in its box.")
    vertical_align: Literal["top", "middle", "bottom"] = Field(
        "middle", description="Where the lines stand in a box that has a height."
    )
    font: FontAsset | None = Field(None, description="Font asset; else the design's font.")
    size: Size = Field("12pt", description="Size of the letters.")
    min_size: Size = Field("6pt", description="How far the letters may shrink for the text to fit.")
    max_lines: int = Field(2, ge=1, le=50, description="On how many lines a text may be set that is too wide for one.")
    colour: Colour = Field("#000000", description="Colour as #rrggbb, or for print cmyk(0%, 50%, 100%, 0%).")
    letter_spacing: Length = Field(
        "0pt",
        description="Space added between letters of scripts that are not joined; percents are of the page's height.",
    )
    upper_case: bool = Field(False, description="Print capitals, as the credential's language has them.")
    line_height: float = Field(1.3, ge=0.5, le=5, description="From one baseline to the next, in sizes.")
    link: Text | None = Field(
        None,
        description="Address that a click opens; left out, a text with the verification id or its address opens the "
        "credential page, and others nothing.",
    )
    role: Literal["heading", "text"] | None = Field(
        None, description="For screen readers; left out, the text with {type} is the heading, else the largest."
    )
    locales: dict[Annotated[str, AfterValidator(_locale)], LocaleText] = Field(
        default_factory=dict, description="By language tag (`de`, `pt-BR`): what differs in credentials of that locale."
    )


class ImageElement(Placed):
    """A picture: a signature, a seal, a logo. It keeps its proportions and is fitted into its box."""

    type: Literal["image"] = Field(description="A picture.")
    image: ImageAsset | None = Field(None, description="Image asset: PNG, JPEG or SVG.")
    pdf: PDFAsset | None = Field(None, description="Or a PDF asset, of which the first page is drawn.")
    y: Length = Field(description="Top edge of the box, from the top edge of the page.")
    width: Size = Field("20%", description="Width of the box.")
    height: Size | None = Field(None, description="Height of the box; left out, what the width asks for.")
    align: Literal["left", "center", "right"] = Field("center", description="Where the picture stands in its box.")
    vertical_align: Literal["top", "middle", "bottom"] = Field(
        "middle", description="Where the picture stands in a box that has a height."
    )
    alt: Text = Field("", description="What it shows, for those who cannot see it; empty: it is decoration.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.image is None) == (self.pdf is None):
            raise ValueError("write `image` (PNG, JPEG, SVG) or `pdf`, one of the two")
        return self


class QRElement(Placed):
    """A QR code, drawn as vectors, with the quiet zone that readers need inside its box."""

    type: Literal["qr"] = Field(description="A QR code.")
    text: Text = Field("{verification_url}", description="What it says; by default the address of the credential page.")
    y: Length = Field(description="Top edge of the box, from the top edge of the page.")
    width: Size = Field("25mm", description="Width and height of the box, the quiet zone of four modules included.")
    colour: Colour = Field("#000000", description="Colour of the modules; dark, or cameras do not see them.")
    background: Colour | None = Field(None, description="Colour of the box; left out, the template shows through.")
    correction: Literal["L", "M", "Q", "H"] = Field(
        "M", description="How much may be damaged: 7, 15, 25 or 30 %; more makes finer modules."
    )
    alt: Text = Field("{verification_url}", description="What is said to those who cannot see it.")


class LineElement(Placed):
    """A line from (x, y) to (x + width, y + height)."""

    type: Literal["line"] = Field(description="A line.")
    y: Length = Field(description="Where it begins, from the top edge of the page.")
    width: Length = Field("80%", description="How far it goes to the right.")
    height: Length = Field("0pt", description="How far it goes down.")
    thickness: Size = Field("0.5pt", description="Thickness of the line.")
    colour: Colour = Field("#000000", description="Colour as #rrggbb, or for print cmyk(0%, 50%, 100%, 0%).")


class RectangleElement(Placed):
    """A rectangle, filled, outlined, or both."""

    type: Literal["rectangle"] = Field(description="A rectangle.")
    y: Length = Field(description="Top edge of the box, from the top edge of the page.")
    width: Size = Field("80%", description="Width of the box.")
    height: Size = Field(description="Height of the box.")
    fill: Colour | None = Field(None, description="Colour inside; left out, none.")
    colour: Colour | None = Field(None, description="Colour of the outline; left out, none.")
    thickness: Size = Field("0.5pt", description="Thickness of the outline.")

    @model_validator(mode="after")
    def _visible(self) -> Self:
        if self.fill is None and self.colour is None:
            raise ValueError("write `fill` (inside), `colour` (outline), or both")
        return self


def _typed(value: object) -> object:
    """What says no type is a text."""
    return {"type": "text", **value} if isinstance(value, Mapping) and "type" not in value else value


Element = Annotated[
    Annotated[TextElement | ImageElement | QRElement | LineElement | RectangleElement, Field(discriminator="type")],
    BeforeValidator(_typed),
]
"""One thing on the page; without `type` it is a text."""


def sensible_elements() -> dict[str, Any]:
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
        "the site's fallback fonts stand behind them.",
    )
    elements: dict[Annotated[str, Field(pattern=SLUG_PATTERN)], Element] = Field(
        default_factory=sensible_elements,
        description="What is on the template, by names of your own; left out: type, name, course, date, verification "
        "link, centred.",
    )
    form_fields: Literal["flatten", "keep"] = Field(
        "flatten", description="Form fields of the template: made part of the picture, or left to be filled in."
    )
    alt: Text = Field(
        "{type}, {issuer}",
        description="What the template's art shows, for those who cannot see it; empty: it is decoration.",
    )


class PDFSettings(Options):
    """What the site says for all its designs: `CONFERRAL_PLUGINS = {"pdf": {…}}`."""

    BUILT_IN: ClassVar[str] = "built-in"
    SYSTEM: ClassVar[str] = "system"

    fallback_fonts: list[str] = Field(
        default_factory=lambda: ["built-in", "system"],
        description="Where characters are looked for that a design's fonts do not have, in order: paths of font files, "
        "`built-in` (FiraGO, Noto Sans and symbols, which come with Conferral), `system` (Noto fonts installed here).",
    )
    problems: Literal["fail", "flag"] = Field(
        "fail",
        description="A text that does not fit or has a character that no font covers: the credential fails with the "
        "reason, or it is issued and flagged (set smaller than allowed, the character left out).",
    )
