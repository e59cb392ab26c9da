"""The generator: the template's pages with the texts set on them by typst, which shapes every script."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from weakref import finalize

import typst

from conferral.contract import Artifact, Assets, GenerationRequest, Generator, OptionsError, PermanentError
from conferral.contract.placeholders import babel_locale, fill, values
from conferral.generators.pdf.fonts import Font, built_in, described, read_font, uncovered
from conferral.generators.pdf.options import PDFOptions, TextElement, points
from conferral.generators.pdf.template import Page, read_pages
from conferral.generators.pdf.typesetting import source

SLACK = 1.0
"""Points by which a column may pass the edge: what rounding to millimetres makes."""

MEDIA_TYPE = "application/pdf"


@dataclass(frozen=True)
class Prepared:
    """A compiler that has read the template and the fonts; of use to one thread at a time."""

    options: PDFOptions
    fonts: Mapping[str, Sequence[Font]]
    compiler: typst.Compiler


class PDF(Generator[PDFOptions]):
    """Sets the texts of a credential on a PDF template."""

    label = "PDF from a template"
    version = f"typst-{getattr(typst, '__version__', '1')}"
    Options = PDFOptions

    def check_asset(self, kind: str, content: bytes) -> None:
        """Templates and fonts have to be readable."""
        match kind:
            case "pdf":
                read_pages(content)
            case "font":
                read_font(content)

    def prepare(self, options: PDFOptions, assets: Assets) -> Prepared:
        """Reads the template and the fonts once."""
        template = assets.read(options.template)
        pages = read_pages(template)
        for name, element in options.elements.items():
            _check_place(name, element, pages)
        fonts = {name: _chain(options, element, assets) for name, element in options.elements.items()}
        families = {name: [font.family for font in chain] for name, chain in fonts.items()}
        root = Path(mkdtemp(prefix="conferral-"))
        try:
            compiler = _compiler(root, template, fonts, source(options, pages, families))
        except BaseException:
            rmtree(root, ignore_errors=True)
            raise
        prepared = Prepared(options, fonts, compiler)
        finalize(prepared, rmtree, root, ignore_errors=True)
        return prepared

    def generate(self, prepared: Prepared, request: GenerationRequest) -> Sequence[Artifact]:
        """One PDF; a PermanentError when a text has a character that no font covers."""
        value_of = values(request)
        language = babel_locale(request.locale).language
        texts = {}
        for name, element in prepared.options.elements.items():
            text = fill(element.text, value_of)
            texts[name] = capitals(text, language) if element.upper_case else text
            if missing := uncovered(texts[name], prepared.fonts[name]):
                raise PermanentError(
                    f"{name}: has a character that no font covers: {described(missing)}; "
                    "upload a font that has it and add it to fallback_fonts"
                )
        snapshot = request.snapshot
        document = {
            "title": f"{snapshot.type} · {snapshot.context}",
            "author": snapshot.issuer.name,
            "language": language,
            "texts": texts,
        }
        try:
            content = prepared.compiler.compile(
                format="pdf",
                sys_inputs={"document": json.dumps(document, ensure_ascii=False)},
                timestamp=int(snapshot.issued.timestamp()),
            )
        except typst.TypstError as error:
            # Our source is the same for every design: what typst cannot do is use this template or font.
            raise PermanentError(f"the template could not be typeset: {error.message}") from error
        assert isinstance(content, bytes)  # typst returns a list for formats of one file a page only
        return [Artifact(f"{request.slot}.pdf", MEDIA_TYPE, content)]


def _compiler(root: Path, template: bytes, fonts: Mapping[str, Sequence[Font]], main: str) -> typst.Compiler:
    """A compiler over files in `root`; a PermanentError when it cannot use a font."""
    (root / "template.pdf").write_bytes(template)
    (root / "fonts").mkdir()
    for font in {font.family: font for chain in fonts.values() for font in chain}.values():
        (root / "fonts" / f"{font.family}.otf").write_bytes(font.content)
    (root / "main.typ").write_text(main, encoding="utf-8")
    found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[root / "fonts"])
    known = set(found.families())
    for name, chain in fonts.items():
        if unread := {font.family for font in chain} - known:
            raise PermanentError(f"elements.{name}: {len(unread)} of its fonts cannot be used for typesetting")
    return typst.Compiler(root / "main.typ", root=root, font_paths=found)


def _chain(options: PDFOptions, element: TextElement, assets: Assets) -> tuple[Font, ...]:
    """The fonts of an element, in the order in which they are asked for a character."""
    own = element.font or options.font
    slugs = [*([own] if own else []), *options.fallback_fonts]
    fonts = [read_font(assets.read(slug)) for slug in slugs]
    return tuple(dict.fromkeys([*fonts, *built_in()]))


def capitals(text: str, language: str) -> str:
    """The text in capitals: Turkish and Azeri dot their I, Greek drops its accents, Georgian sets no capitals."""
    match language:
        case "tr" | "az":
            text = text.replace("i", "İ")
        case "el":
            text = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).replace("\u0301", ""))
    return "".join(letter if "\u10d0" <= letter <= "\u10ff" else letter.upper() for letter in text)


def _check_place(name: str, element: TextElement, pages: Sequence[Page]) -> None:
    if element.page > len(pages):
        raise OptionsError(f"elements.{name}.page: {element.page}: the template has {len(pages)} pages")
    page = pages[element.page - 1]
    left, y = points(element.x, page.width), points(element.y, page.height)
    right = left + points(element.width, page.width)
    if not 0 < y < page.height:
        raise OptionsError(f"elements.{name}.y: {element.y}: is not on the page, which is {page.height:g} points high")
    if left < -SLACK or right > page.width + SLACK:
        raise OptionsError(
            f"elements.{name}: its column from x {element.x}, width {element.width}, does not lie on the page, "
            f"which is {page.width:g} points wide"
        )
