"""Elements at their places: each knows what it draws on a sheet, and what is around it there."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from conferral.contract import GenerationRequest, OptionsError
from conferral.contract.placeholders import fill, placeholders_in, values
from conferral.generators.pdf import drawing, layout, qr, shaping, when, writer
from conferral.generators.pdf.document import Part
from conferral.generators.pdf.drawing import Drawn
from conferral.generators.pdf.images import Picture
from conferral.generators.pdf.layout import Style
from conferral.generators.pdf.options import (
    Element,
    ImageElement,
    LineElement,
    PDFOptions,
    QRElement,
    RectangleElement,
    TextElement,
)
from conferral.generators.pdf.template import Page
from conferral.generators.pdf.typography import Typography, Wording
from conferral.generators.pdf.wording import capitals

SLACK = 1.0
"""Points by which a box may pass the edge: what rounding to millimetres makes."""

PAINTED = (RectangleElement, LineElement, ImageElement, QRElement, TextElement)
"""What lies under what: by sort, because a mapping in a database has no order."""

_PERSONAL = frozenset({"name", "verification_id", "verification_url"})
"""Placeholders that differ from one certificate to the next: what they make is not remembered."""
_PROVING = ("{verification_id}", "{verification_url}")
_REMEMBERED = 512
"""Texts that an element remembers as they are drawn: dates, courses."""


@dataclass(slots=True)
class Sheet:
    """One certificate while it is drawn."""

    request: GenerationRequest
    locale: str
    value_of: Callable[[str], str]
    problems: list[str] = field(default_factory=list)
    sizes: dict[str, float] = field(default_factory=dict)
    figures: list[tuple[Part, str]] = field(default_factory=list)
    """Pictures that are there, with what they show."""
    links: list[tuple[Part, bytes]] = field(default_factory=list)
    """Texts that can be clicked, with their annotations."""

    @classmethod
    def of(cls, request: GenerationRequest) -> "Sheet":
        """An empty one."""
        return cls(request, request.locale.replace("_", "-"), values(request))

    def fill(self, text: str) -> str:
        """The text with its placeholders replaced."""
        return fill(text, self.value_of)


class Placed(ABC):
    """An element on its page. `part` is its place in the structure; None is decoration."""

    part: Part | None = None

    def __init__(self, name: str, element: Element, page: Page, picture: Picture | None = None) -> None:
        self.name = name
        self.index = element.page - 1
        self.page = page
        self.box = drawing.box(element, page, picture)
        self.matrix = drawing.turned(element, page, self.box)
        self.opacity = element.opacity
        self.condition = when.parse(element.when) if element.when else None
        _check_place(name, element, self)

    @abstractmethod
    def draw(self, sheet: Sheet) -> str | Drawn | None:
        """The operators of what it draws; None when there is nothing to draw."""

    def is_there(self, request: GenerationRequest) -> bool:
        """Whether its condition holds."""
        return self.condition is None or self.condition.holds(request)

    def mark(self, part: Part | None) -> None:
        """Gives it its place in the structure, and with that what is around it."""
        self.part = part
        before = f"/{part.tag}<</MCID {part.mark}>>BDC\n" if part else "/Artifact BMC\n"
        after = "EMC\n"
        if self.matrix or self.opacity < 1:
            before, after = f"{before}q\n", f"Q\n{after}"
        if self.opacity < 1:
            before += f"/{drawing.state(self.opacity)} gs\n"
        if self.matrix:
            before += f"{' '.join(f'{value:.6f}' for value in self.matrix)} cm\n"
        self.before, self.after = before, after

    def is_on_page(self, bounds: drawing.Rectangle) -> bool:
        """Whether all corners of these bounds, turned as the element is, lie on the page."""
        return all(
            -SLACK <= x <= self.page.width + SLACK and -SLACK <= y <= self.page.height + SLACK
            for x, y in drawing.corners(bounds, self.page, self.matrix)
        )


class Fixed(Placed):
    """What is the same for everybody: a picture, a line, a rectangle."""

    def __init__(self, name: str, element: Element, page: Page, picture: Picture | None) -> None:
        super().__init__(name, element, page, picture)
        match element:
            case ImageElement():
                assert picture is not None  # every image element has one
                self._drawn, self._alt = drawing.image(element, picture, name_of(name), page, self.box), element.alt
            case LineElement():
                self._drawn, self._alt = drawing.line(element, page), ""
            case RectangleElement():
                self._drawn, self._alt = drawing.rectangle(element, page, self.box), ""

    def draw(self, sheet: Sheet) -> str:
        """Drawn once."""
        if self.part:
            sheet.figures.append((self.part, sheet.fill(self._alt)))
        return self._drawn


class Code(Placed):
    """A QR code."""

    def __init__(self, name: str, element: QRElement, page: Page) -> None:
        super().__init__(name, element, page)
        self._element = element
        self._places: dict[int, str] = {}

    def draw(self, sheet: Sheet) -> str | None:
        """The code of its text."""
        said = sheet.fill(self._element.text).encode()
        if not said:
            return None
        if self.part:
            sheet.figures.append((self.part, sheet.fill(self._element.alt)))
        codes = qr.shape(said, self._element.correction)
        place = self._places.get(codes.size)
        if place is None:
            place = drawing.code_place(self._element, codes.size, self.page, self.box)
            self._places[codes.size] = place
        return f"{place}{codes.operators(said)}f Q\n"


@dataclass(frozen=True, slots=True)
class _Words:
    """A text element in one locale."""

    wording: Wording
    style: Style
    remembered: dict[str, Drawn] | None
    """By what is said; None where that is another thing each time."""


class Words(Placed):
    """A text."""

    def __init__(self, name: str, element: TextElement, page: Page, typography: Typography) -> None:
        super().__init__(name, element, page)
        self._element = element
        self._typography = typography
        self._colour = f"{drawing.fill(element.colour)}\n"
        self._words: dict[str, _Words] = {}
        self.link = element.link
        if element.link is None and any(one in element.text for one in _PROVING):
            self.link = "{verification_url}"

    def draw(self, sheet: Sheet) -> str | Drawn | None:
        """The text, filled in and set."""
        words = self._words.get(sheet.locale) or self._in(sheet.locale)
        said = sheet.fill(words.wording.text)
        drawn = words.remembered.get(said) if words.remembered is not None else None
        if drawn is None:
            drawn = self._set(said, words, sheet.locale)
            if words.remembered is not None:
                if len(words.remembered) >= _REMEMBERED:
                    words.remembered.clear()
                words.remembered[said] = drawn
        if drawn.block is None:
            return None
        if drawn.block.problems:
            sheet.problems += [f"{self.name}: {problem}" for problem in drawn.block.problems]
        sheet.sizes[self.name] = drawn.block.size
        if self.link and self.part and (address := sheet.fill(self.link)):
            sheet.links.append((self.part, self._annotation(drawn.block, address)))
        return drawn if drawn.waiting else drawn.whole

    def _in(self, locale: str) -> _Words:
        wording = self._typography.wording(self._element, locale)
        used = set(placeholders_in(wording.text))
        is_personal = bool(used & _PERSONAL) or any(one.startswith("evidence.") for one in used)
        style = drawing.style(self._element, self.page, wording.align)
        made = self._words[locale] = _Words(wording, style, None if is_personal else {})
        return made

    def _set(self, said: str, words: _Words, locale: str) -> Drawn:
        text = shaping.composed(capitals(said, locale) if self._element.upper_case else said)
        if not text.strip():
            return drawing.NOTHING
        block = layout.set_text(text, words.style, words.wording.chain, locale)
        if self.matrix and not self.is_on_page(block.bounds()):
            block = layout.Block(block.size, block.lines, (*block.problems, "leaves the page; move or narrow its box"))
        return drawing.text(block, words.style, self.page, self._typography.bases, self._colour)

    def _annotation(self, block: layout.Block, address: str) -> bytes:
        """What a click on the text meets."""
        assert self.part is not None  # the caller asked
        left, top, right, bottom = block.bounds()
        a, b, c, d, e, f = self.page.matrix
        if self.matrix is None and not b and not c:
            height = self.page.height
            edges = (a * left + e, d * (height - bottom) + f, a * right + e, d * (height - top) + f)
            xs, ys = edges[::2], edges[1::2]
        else:
            corners = drawing.corners((left, top, right, bottom), self.page, self.matrix)
            xs, ys = zip(*[(a * x + c * y + e, b * x + d * y + f) for x, y in corners], strict=True)
        rectangle = f"{min(xs):.2f} {min(ys):.2f} {max(xs):.2f} {max(ys):.2f}".encode()
        said = writer.string(address)
        escaped = writer.address(address)
        leads = said if escaped == address else writer.string(escaped)
        return (
            b"<</Type/Annot/Subtype/Link/Rect[%s]/Border[0 0 0]/F 4/StructParent %d/Contents%s/A<</S/URI/URI%s>>>>"
            % (rectangle, self.part.link_key, said, leads)
        )


@dataclass(frozen=True, slots=True)
class Elements:
    """The elements of a design, with what they are made of."""

    options: PDFOptions
    pages: Sequence[Page]
    pictures: Mapping[str, Picture]
    typography: Typography

    def place(self, page_numbers: Sequence[int], kept: Iterator[int]) -> list[Placed]:
        """The elements in the order in which they are painted, on the pages of these numbers.

        What they write for themselves gets its numbers out of `kept`. An OptionsError names an element that is not on
        its page.
        """
        heading = _heading(self.options)
        marks = [count(1) for _ in self.pages]
        link_keys = count(len(self.pages))
        found: list[Placed] = []
        for name, element in sorted(
            self.options.elements.items(), key=lambda item: (PAINTED.index(type(item[1])), item[0])
        ):
            page, number = self.pages[element.page - 1], page_numbers[element.page - 1]
            placed: Placed
            part = None
            match element:
                case TextElement():
                    placed = Words(name, element, page, self.typography)
                    link, key = (next(kept), next(link_keys)) if placed.link else (0, 0)
                    tag = "H1" if name == heading else "P"
                    part = Part(0, tag, number, placed.index, next(marks[placed.index]), link=link, link_key=key)
                case QRElement():
                    placed = Code(name, element, page)
                case _:
                    placed = Fixed(name, element, page, self.pictures.get(name))
            if isinstance(element, ImageElement | QRElement) and element.alt:
                part = Part(next(kept), "Figure", number, placed.index, next(marks[placed.index]), figure=True)
            placed.mark(part)
            found.append(placed)
        return found


def name_of(element: str) -> str:
    """What the picture of an element is called in the file."""
    return f"I-{element}"


def reading_order(placed: Placed) -> tuple[int, float, float, str]:
    """By page, from the top, from the left."""
    return placed.index, round(placed.box[3], 1), placed.box[0], placed.name


def check_page(name: str, element: Element, pages: Sequence[Page]) -> None:
    """An OptionsError when the template has no such page."""
    if element.page > len(pages):
        raise OptionsError(
            "%(page)s: the template has %(count)s pages",
            where=f"elements.{name}.page",
            page=element.page,
            count=len(pages),
        )


def _check_place(name: str, element: Element, placed: Placed) -> None:
    page, (left, top, right, bottom) = placed.page, placed.box
    size = f"{page.width:g} × {page.height:g} points"
    if isinstance(element, TextElement) and element.height is None and not placed.matrix:
        if not 0 < bottom < page.height:
            raise OptionsError(
                "%(y)s: is not on the page, which is %(size)s", where=f"elements.{name}.y", y=element.y, size=size
            )
        top = bottom
    if not placed.matrix and (left < -SLACK or right > page.width + SLACK):
        raise OptionsError(
            "its box from x %(x)s, width %(width)s, does not lie on the page, which is %(size)s",
            where=f"elements.{name}",
            x=element.x,
            width=element.width,
            size=size,
        )
    if not placed.is_on_page((left, top, right, bottom)):
        where, values = f"elements.{name}", {"y": element.y, "size": size}
        if placed.matrix:
            raise OptionsError(
                "its box from y %(y)s, turned by %(degrees)s degrees, does not lie on the page, which is %(size)s",
                where=where,
                degrees=f"{element.rotate:g}",
                **values,
            )
        raise OptionsError("its box from y %(y)s does not lie on the page, which is %(size)s", where=where, **values)


def _heading(options: PDFOptions) -> str | None:
    """The element that is the heading: said so, or the title, or the largest text."""
    texts = {name: element for name, element in sorted(options.elements.items()) if isinstance(element, TextElement)}
    said = [name for name, element in texts.items() if element.role == "heading"]
    left = {name: element for name, element in texts.items() if element.role is None}
    named = [name for name, element in left.items() if "{type}" in element.text]
    sizes = {name: drawing.style(element, _ANY_PAGE, element.align).size for name, element in left.items()}
    return next(iter(said or named), None) or max(sizes, key=sizes.__getitem__, default=None)


_ANY_PAGE = Page(595, 842, (1, 0, 0, 1, 0, 0))
"""To compare sizes of which some are shares of the page's height."""
