"""The typst source of a design: written once, filled for each credential through its inputs, never by its text."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain

from conferral.generators.pdf.options import PDFOptions, TextElement, points
from conferral.generators.pdf.template import Page

# Lines have no height of their own, so that y is a baseline and line heights are exact in every script and font.
DESCENT = 0.3
"""How far letters hang below a baseline, in sizes: enough for every script of the built-in fonts."""

_PREAMBLE = """\
#let document-inputs = json(bytes(sys.inputs.document))
#set document(title: document-inputs.title, author: document-inputs.author)
#set text(lang: document-inputs.language, fallback: false, hyphenate: false)
#set text(top-edge: "baseline", bottom-edge: "baseline")
#set par(justify: false, spacing: 0pt)
#let element(name, x, y, width, room, side, families, size, min-size, colour, tracking, line-height) = place(
  top + left, dx: x, dy: y, block(width: width, context {
    let lines = document-inputs.texts.at(name).split("\\n")
    // Letter spacing is given for the full size, and shrinks with the letters.
    let styled(size) = text.with(font: families, size: size, fill: colour, tracking: tracking * size)
    let widest(parts) = calc.max(0.01pt, ..parts.map(part => measure(styled(size)(part)).width))
    let into-width(parts) = calc.min(size, size * (width / widest(parts)) * 0.999)
    let fitting = if widest(lines) <= width { size } else { into-width(lines) }
    if fitting < min-size {
      // Too long for one line: lines of the smallest size, or smaller still for a single word that fills a line.
      fitting = calc.min(min-size, size, into-width(lines.map(line => line.split(" ")).flatten()))
    }
    let paragraph(size) = {
      set align(side)
      set par(leading: size * line-height)
      lines.map(line => styled(size)(line)).join(linebreak())
    }
    while measure(width: width, paragraph(fitting)).height > room and fitting > 1pt { fitting = fitting * 0.9 }
    paragraph(fitting)
  })
)
"""


def source(options: PDFOptions, pages: Sequence[Page], families: Mapping[str, Sequence[str]]) -> str:
    """The whole document: each page of the template with its elements."""
    return _PREAMBLE + "#pagebreak(weak: true)\n".join(
        "".join(chain([_page(number, page)], _elements(options, number, page, families)))
        for number, page in enumerate(pages, 1)
    )


def _page(number: int, page: Page) -> str:
    # Something has to be placed on a page, however empty, or typst leaves out a page that has no elements.
    return (
        f"#set page(width: {page.width:.4f}pt, height: {page.height:.4f}pt, margin: 0pt, "
        f'background: image("template.pdf", page: {number}, width: 100%, height: 100%, fit: "stretch"))\n'
        "#place(top + left)[]\n"
    )


def _elements(options: PDFOptions, number: int, page: Page, families: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        _element(name, element, page, families[name])
        for name, element in options.elements.items()
        if element.page == number
    ]


def _element(name: str, element: TextElement, page: Page, families: Sequence[str]) -> str:
    def length(value: str, whole: float) -> str:
        return f"{points(value, whole):.4f}pt"

    y, size = points(element.y, page.height), points(element.size, page.height)
    arguments = [
        json.dumps(name),
        length(element.x, page.width),
        f"{y:.4f}pt",
        length(element.width, page.width),
        # Below the first baseline, less what hangs below the last one.
        f"{max(page.height - y - DESCENT * size, 0.0):.4f}pt",
        element.align,
        f"({', '.join(json.dumps(family) for family in families)},)",
        f"{size:.4f}pt",
        length(element.min_size, page.height),
        f'rgb("{element.colour}")',
        f"{points(element.letter_spacing, page.height) / size:.6f}",
        str(element.line_height),
    ]
    return f"#element({', '.join(arguments)})\n"
