"""A design, compiled: its files are framed once, and each certificate draws its elements on a sheet."""

from collections.abc import Mapping
from dataclasses import dataclass

import pikepdf

from conferral.contract import Assets, GenerationRequest
from conferral.generators.pdf import drawing, elements, images, template
from conferral.generators.pdf.drawing import Drawn
from conferral.generators.pdf.elements import Elements, Fixed, Sheet
from conferral.generators.pdf.frame import Frame
from conferral.generators.pdf.images import Picture
from conferral.generators.pdf.imported import Imported
from conferral.generators.pdf.options import ImageElement, PDFOptions, PDFSettings, points
from conferral.generators.pdf.template import Page
from conferral.generators.pdf.typography import Typography


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate; what a person should look at; the sizes at which its texts were set, in points."""

    content: bytes
    problems: tuple[str, ...]
    sizes: Mapping[str, float]


class Design:
    """A design that makes certificates."""

    def __init__(self, options: PDFOptions, assets: Assets, settings: PDFSettings) -> None:
        """An OptionsError names what does not fit the template, a PermanentError says which file is of no use."""
        self._alt = options.alt
        typography = Typography(options, settings, assets)
        with template.opened(assets.read(options.template)) as source, pikepdf.new() as out:
            arts = template.arts(source, keep_fields=options.form_fields == "keep")
            self._pages = pages = [art.page for art in arts]
            for name, element in options.elements.items():
                elements.check_page(name, element, pages)
            pictures = _pictures(options, assets, out, pages)
            named = {elements.name_of(name): picture for name, picture in pictures.items()}
            imported = Imported(source, out, arts, named)
        self._frame = Frame(imported, Elements(options, pages, pictures, typography))

    def make(self, request: GenerationRequest) -> Made:
        """The certificate that is asked for. A PermanentError names a placeholder that it has nothing for."""
        sheet = Sheet.of(request)
        painted: list[list[str | Drawn]] = [[] for _ in self._pages]
        shown = []
        for placed in self._frame.placed:
            drawn = placed.draw(sheet) if placed.is_there(request) else None
            shown.append(drawn is not None)
            if drawn is not None:
                painted[placed.index] += (placed.before, drawn, placed.after)
        if request.boxes:
            for placed in self._frame.placed:
                if not isinstance(placed, Fixed):
                    painted[placed.index].append(drawing.outline(placed.box, placed.page, placed.matrix))
        if self._frame.art:
            sheet.figures.append((self._frame.art, sheet.fill(self._alt)))
        content = self._frame.assemble(sheet, painted, tuple(shown))
        return Made(content, tuple(sheet.problems), sheet.sizes)


def _pictures(options: PDFOptions, assets: Assets, out: pikepdf.Pdf, pages: list[Page]) -> dict[str, Picture]:
    found = {}
    for name, element in options.elements.items():
        if isinstance(element, ImageElement):
            slug = element.image or element.pdf
            assert slug is not None  # one of the two was validated
            found[name] = images.picture(out, assets.read(slug), points(element.width, pages[element.page - 1].width))
    return found
