"""The typst source of a design: written once, filled for each credential through its inputs, never by its text."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain

from conferral.generators.pdf.options import PDFOptions, TextElement, points
from conferral.generators.pdf.template import Page

# Lines have no height of their own, so that y is a baseline and line heights are exact in every script and font.
_PREAMBLE = """\
#let document-inputs = json(bytes(sys.inputs.document))
#set document(title: document-inputs.title, author: document-inputs.author)
#set text(lang: document-inputs.language, fallback: false, hyphenate: false)
#set text(top-edge: "baseline", bottom-edge: "baseline")
#set par(justify: false, spacing: 0pt)
#let element(name, x, y, width, side, families, size, min-size, colour, tracking, line-height) = place(
  top + left, dx: x, dy: y, block(width: width, context {
    let lines = document-inputs.texts.at(name).split("\\n")
    let styled(size) = text.with(font: families, size: size, fill: colour, tracking: tracking)
    let widest = calc.max(..lines.map(line => measure(styled(size)(line)).width))
    let into-width(widest) = calc.min(size, size * (width / calc.max(widest, 0.01pt)) * 0.999)
    let fitting = if widest <= width { size } else { into-width(widest) }
    if fitting < min-size {
      // Too long for one line: lines of the smallest size, or smaller still for a single word that fills a line.
      let words = lines.map(line => line.split(" ")).flatten()
      fitting = calc.min(min-size, size, into-width(calc.max(..words.map(word => measure(styled(size)(word)).width))))
    }
    set align(side)
    set par(leading: fitting * line-height)
    lines.map(line => styled(fitting)(line)).join(linebreak())
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

    arguments = [
        json.dumps(name),
        length(element.x, page.width),
        length(element.y, page.height),
        length(element.width, page.width),
        element.align,
        f"({', '.join(json.dumps(family) for family in families)},)",
        length(element.size, page.height),
        length(element.min_size, page.height),
        f'rgb("{element.colour}")',
        length(element.letter_spacing, page.height),
        str(element.line_height),
    ]
    return f"#element({', '.join(arguments)})\n"
