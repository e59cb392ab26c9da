"""A design, compiled: all that its certificates share is written once, and each certificate adds what is its own.

A file is laid out as: the template, pictures and fonts of the design (`prefix`); catalog and structure, which are alike for
all certificates that show the same elements (`Variant`); then contents, further glyphs, and what the file says of itself.
Objects that differ have numbers kept for them, so that the prefix can refer to what is not written yet.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count

import pikepdf
from pikepdf import Array, Dictionary, Stream

from conferral.contract import Assets, GenerationRequest, OptionsError
from conferral.contract.placeholders import fill, placeholders_in, values
from conferral.generators.pdf import document, drawing, embedding, images, layout, qr, shaping, template, when, writer
from conferral.generators.pdf.document import Part
from conferral.generators.pdf.drawing import Drawn
from conferral.generators.pdf.embedding import Base, BaseGlyphs, Extras
from conferral.generators.pdf.fonts import Chain, Font, Sites, read_font
from conferral.generators.pdf.images import Picture
from conferral.generators.pdf.layout import Style
from conferral.generators.pdf.options import (
    Element,
    ImageElement,
    LineElement,
    LocaleText,
    PDFOptions,
    PDFSettings,
    QRElement,
    RectangleElement,
    TextElement,
)
from conferral.generators.pdf.template import Page
from conferral.generators.pdf.wording import capitals

SLACK = 1.0
"""Points by which a box may pass the edge: what rounding to millimetres makes."""

_PAINTED = (RectangleElement, LineElement, ImageElement, QRElement, TextElement)
"""What lies under what: by sort, because a mapping in a database has no order."""
_PERSONAL = frozenset({"name", "verification_id", "verification_url"})
"""Placeholders that differ from one certificate to the next: what they make is not kept."""
_PROVING = ("{verification_id}", "{verification_url}")
_KEPT = 512
"""Texts that a design remembers, drawn: dates, courses."""


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate; what a person should look at; the sizes at which its texts were set, in points."""

    content: bytes
    problems: tuple[str, ...]
    sizes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Placed:
    """An element at its place: the operators around what it draws, and its part in the structure (None: decoration)."""

    name: str
    element: Element
    page: Page
    index: int
    """Of the page."""
    before: str
    after: str
    drawn: str = ""
    """Of what is the same for everybody."""
    condition: when.Condition | None = None
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class _Variant:
    """What certificates share that show the same elements: written, with its lines of the cross-reference table."""

    content: bytes
    table: bytes
    end: int
    """The first number after it."""
    root: int


@dataclass(frozen=True, slots=True)
class _Kept:
    """The numbers of objects that each certificate writes for itself."""

    first: int
    fonts: int
    info: int
    metadata: int
    contents: Sequence[int]
    annotations: Sequence[int]
    end: int


@dataclass(slots=True)
class _Typefaces:
    """A text element in one locale."""

    text: str
    style: Style
    chain: Chain
    is_personal: bool
    drawn: dict[str, Drawn] = field(default_factory=dict)


class Design:
    """A design that makes certificates."""

    def __init__(self, options: PDFOptions, assets: Assets, settings: PDFSettings) -> None:
        self._options = options
        self._settings = settings
        self._sites = Sites(settings.fallback_fonts)
        self._fonts = {slug: read_font(assets.read(slug)) for slug in _font_slugs(options)}
        with template.opened(assets.read(options.template)) as source, pikepdf.new() as out:
            arts = template.arts(source, keep_fields=options.form_fields == "keep")
            self._pages = [art.page for art in arts]
            for name, element in options.elements.items():
                _check_page(name, element, self._pages)
            pictures = _pictures(options, assets, out, self._pages)
            for name, element in options.elements.items():
                _check_place(name, element, self._pages[element.page - 1], pictures.get(name))
            imported = _Imported(source, out, arts, pictures)
        self._typefaces: dict[tuple[str, str], _Typefaces] = {}
        self._variants: dict[tuple[str, tuple[bool, ...]], _Variant] = {}
        self._compile(imported, pictures)

    # --- Once -----------------------------------------------------------------------------------------------------------

    def _compile(self, imported: "_Imported", pictures: Mapping[str, Picture]) -> None:
        options, pages = self._options, self._pages
        objects = writer.Objects(len(writer.HEADER))
        for number, content in imported.objects.items():
            objects.put(number, content)
        numbers = count(max(imported.objects, default=0) + 1)
        self._bases, font_entries = self._write_fonts(objects, numbers)
        self._font_entries = font_entries
        tree, page_numbers = next(numbers), [next(numbers) for _ in pages]
        first = next(numbers)
        kept = count(first)
        self._kept = _Kept(
            first=first,
            fonts=next(kept),
            info=next(kept),
            metadata=next(kept),
            contents=[next(kept) for _ in pages],
            annotations=[next(kept) for _ in pages],
            end=0,
        )
        self._art = None
        if options.alt:
            self._art = Part(next(kept), "Figure", page_numbers[0], 0, 0, figure=True)
        self._placed = list(self._place(pictures, page_numbers, kept))
        self._kept = _Kept(*[getattr(self._kept, name) for name in _Kept.__slots__[:-1]], end=next(kept))
        self._links = imported.links
        resources = _resources(imported, options, self._kept.fonts)
        for index, page in enumerate(imported.pages):
            objects.put(
                page_numbers[index],
                b"<</Type/Page/Parent %d 0 R/Contents %d 0 R/Resources%s/Annots %d 0 R/StructParents %d/Tabs/S%s>>"
                % (tree, self._kept.contents[index], resources[index], self._kept.annotations[index], index, page),
            )
        objects.put(tree, b"<</Type/Pages/Count %d/Kids%s>>" % (len(pages), writer.references(page_numbers)))
        self._tree = tree
        self._catalog_entries = imported.catalog
        self._prefix = writer.HEADER + objects.joined()
        self._table = b"0000000000 65535 f \n" + writer.table(objects.offsets, range(1, first))
        self._digest = sha256(self._prefix).digest()

    def _write_fonts(self, objects: writer.Objects, numbers: Iterator[int]) -> tuple[dict[int, Base], bytes]:
        """The fonts of all texts, with the glyphs that any certificate may need."""
        glyphs: dict[int, BaseGlyphs] = {}

        def of(font: Font) -> BaseGlyphs:
            return glyphs.setdefault(id(font), BaseGlyphs(font))

        for name, element in self._options.elements.items():
            if not isinstance(element, TextElement):
                continue
            for locale in ("", *element.locales):
                typefaces = self._of(name, element, locale)
                of(typefaces.chain.first)
                said = fill(typefaces.text, lambda _: "\n")
                said = capitals(said, locale) if element.upper_case else said
                ligated = not typefaces.style.spacing
                for line in [*said.split("\n"), *(embedding.LIGATURES.split() if ligated else ())]:
                    for run in shaping.shape(line, typefaces.chain, locale, ligated=ligated).runs:
                        of(run.font).add(run)
        bases, entries = {}, []
        for position, (key, base_glyphs) in enumerate(glyphs.items()):
            bases[key], number, written = base_glyphs.write(f"F{position}", numbers)
            entries.append(b"/F%d %d 0 R" % (position, number))
            for one, content in written:
                objects.put(one, content)
        return bases, b"".join(entries)

    def _place(
        self, pictures: Mapping[str, Picture], page_numbers: Sequence[int], kept: Iterator[int]
    ) -> Iterator[_Placed]:
        """The elements in the order in which they are painted."""
        heading = _heading(self._options)
        marks = [count(1) for _ in self._pages]
        link_keys = count(len(self._pages))
        elements = sorted(self._options.elements.items(), key=lambda item: (_PAINTED.index(type(item[1])), item[0]))
        for name, element in elements:
            index = element.page - 1
            page = self._pages[index]
            drawn = self._drawn(element, pictures.get(name), name, page)
            part = None
            if isinstance(element, TextElement):
                link, key = (next(kept), next(link_keys)) if _link(element) else (0, 0)
                tag = "H1" if name == heading else "P"
                part = Part(0, tag, page_numbers[index], index, next(marks[index]), link=link, link_key=key)
            elif isinstance(element, ImageElement | QRElement) and element.alt:
                part = Part(next(kept), "Figure", page_numbers[index], index, next(marks[index]), figure=True)
            before, after = _around(element, page, part, pictures.get(name))
            condition = when.parse(element.when) if element.when else None
            yield _Placed(name, element, page, index, before, after, drawn, condition, part)

    def _drawn(self, element: Element, picture: Picture | None, name: str, page: Page) -> str:
        match element:
            case ImageElement():
                assert picture is not None  # every image element has one
                return drawing.image(element, picture, f"I-{name}", page)
            case LineElement():
                return drawing.line(element, page)
            case RectangleElement():
                return drawing.rectangle(element, page)
            case _:
                return ""

    def _of(self, name: str, element: TextElement, locale: str) -> _Typefaces:
        """The element's text and fonts in that locale."""
        found = self._typefaces.get((name, locale))
        if found is None:
            own = _for_locale(element, locale)
            slugs = [own.font if own and own.font else element.font or self._options.font]
            fonts = [self._fonts[slug] for slug in [*slugs, *self._options.fallback_fonts] if slug]
            written = own.text if own and own.text is not None else element.text
            found = self._typefaces[name, locale] = _Typefaces(
                text=written,
                style=drawing.style(element, self._pages[element.page - 1], own and own.align),
                chain=Chain(fonts, self._sites, locale),
                is_personal=any(
                    one in _PERSONAL or one.startswith("evidence.") for one in placeholders_in(written)
                ),
            )
        return found

    # --- For each certificate -------------------------------------------------------------------------------------------

    def make(self, request: GenerationRequest) -> Made:
        """The certificate that is asked for. A PermanentError names a placeholder that it has nothing for."""
        value_of = values(request)
        locale = request.locale.replace("_", "-")
        problems: list[str] = []
        sizes: dict[str, float] = {}
        shown: list[bool] = []
        painted: list[list[str | Drawn]] = [[] for _ in self._pages]
        figures: list[tuple[Part, str]] = []
        links: list[tuple[_Placed, Drawn, str]] = []
        for placed in self._placed:
            element = placed.element
            drawn: str | Drawn = placed.drawn
            if placed.condition is not None and not placed.condition.holds(request):
                drawn = ""
            elif isinstance(element, TextElement):
                drawn = self._text(placed, element, locale, fill_with=value_of)
                if drawn.block:
                    problems += [f"{placed.name}: {problem}" for problem in drawn.block.problems]
                    sizes[placed.name] = drawn.block.size
                    template_of = _link(element)
                    if template_of and (address := fill(template_of, value_of)):
                        links.append((placed, drawn, address))
                if not drawn.parts:
                    drawn = ""
            elif isinstance(element, QRElement):
                said = fill(element.text, value_of).encode()
                drawn = drawing.code(element, qr.shape(said, element.correction), said, placed.page) if said else ""
            shown.append(bool(drawn))
            if drawn:
                painted[placed.index] += [placed.before, drawn, placed.after]
                if placed.part and placed.part.figure:
                    assert isinstance(element, ImageElement | QRElement)  # others are no figures
                    figures.append((placed.part, fill(element.alt, value_of)))
        if request.boxes:
            for placed in self._placed:
                if not isinstance(placed.element, ImageElement):
                    bounds = drawing.box(placed.element, placed.page)
                    painted[placed.index].append(drawing.outline(bounds, placed.page))
        if self._art:
            figures.append((self._art, fill(self._options.alt, value_of)))
        content = self._assemble(request, locale, tuple(shown), painted, figures, links)
        return Made(content, tuple(problems), sizes)

    def _text(self, placed: _Placed, element: TextElement, locale: str, fill_with: "values") -> Drawn:  # type: ignore[valid-type]
        typefaces = self._of(placed.name, element, locale)
        said = fill(typefaces.text, fill_with)
        found = typefaces.drawn.get(said)
        if found is None:
            found = self._set(placed, element, typefaces, said, locale)
            if not typefaces.is_personal:
                if len(typefaces.drawn) >= _KEPT:
                    typefaces.drawn.clear()
                typefaces.drawn[said] = found
        return found

    def _set(self, placed: _Placed, element: TextElement, typefaces: _Typefaces, said: str, locale: str) -> Drawn:
        text = shaping.composed(capitals(said, locale) if element.upper_case else said)
        if not text.strip():
            return drawing.NOTHING
        block = layout.set_text(text, typefaces.style, typefaces.chain, locale)
        if element.rotate % 360 and not _is_on_page(element, placed.page, block.bounds()):
            block = layout.Block(block.size, block.lines, (*block.problems, "leaves the page; move or narrow its box"))
        return drawing.text(block, typefaces.style, placed.page, self._bases)

    def _assemble(
        self,
        request: GenerationRequest,
        locale: str,
        shown: tuple[bool, ...],
        painted: Sequence[Sequence[str | Drawn]],
        figures: Sequence[tuple[Part, str]],
        links: Sequence[tuple[_Placed, Drawn, str]],
    ) -> bytes:
        kept = self._kept
        variant = self._variants.get((locale, shown)) or self._write_variant(locale, shown)
        objects = writer.Objects(len(self._prefix) + len(variant.content))
        numbers = count(variant.end)
        extras = Extras()
        for content in painted:
            for part in content:
                if not isinstance(part, str):
                    for waiting in part.waiting():
                        extras.add(waiting.run)
        entries = self._font_entries
        if extras:
            names, written = extras.write(numbers)
            entries += b"".join([b"/%s %d 0 R" % (name.encode(), number) for name, number in names.items()])
            for number, content in written:
                objects.put(number, content)
        objects.put(kept.fonts, b"<<%s>>" % entries)
        objects.put(kept.info, document.info(request))
        objects.put(kept.metadata, document.metadata(request, locale))
        for index, content in enumerate(painted):
            objects.put(kept.contents[index], self._content(index, content, extras))
            on_page = [(placed, drawn, said) for placed, drawn, said in links if placed.index == index]
            here = [placed.part.link for placed, *_ in on_page if placed.part]
            objects.put(kept.annotations[index], writer.references([*self._links[index], *here]))
            for placed, drawn, said in on_page:
                objects.put(*_annotation(placed, drawn, said))
        for part, alt in figures:
            objects.put(part.number, document.figure(part, variant.root + 2, alt))
        variable = variant.content + objects.joined()
        offsets = objects.offsets
        end = max(offsets) + 1 if max(offsets) >= variant.end else variant.end
        lines = (
            self._table,
            writer.table(offsets, range(kept.first, kept.end)),
            variant.table,
            writer.table(offsets, range(variant.end, end)),
        )
        trailer = b"/Root %d 0 R/Info %d 0 R" % (variant.root, kept.info)
        ending = writer.ending(lines, end, trailer, objects.offset, self._digest + variable)
        return b"".join((self._prefix, variable, ending))

    def _content(self, index: int, painted: Sequence[str | Drawn], extras: Extras) -> bytes:
        """The operators of a page: the template's art, then what is put on it."""
        is_figure = self._art is not None and self._art.page_index == index
        operators = ["/Figure<</MCID 0>>BDC\n/Art Do\nEMC\n" if is_figure else "/Artifact BMC\n/Art Do\nEMC\n"]
        if painted:
            matrix = self._pages[index].matrix
            operators.append(f"q {' '.join(f'{value:.6g}' for value in matrix)} cm\n")
            operators += [part if isinstance(part, str) else part.operators(extras) for part in painted]
            operators.append("Q\n")
        return writer.stream("".join(operators).encode("ascii"))

    def _write_variant(self, locale: str, shown: tuple[bool, ...]) -> _Variant:
        """Catalog and structure of certificates with these elements; the numbers follow those that are kept."""
        first = self._kept.end
        numbers = count(first)
        root, structure, tagged, tree = (next(numbers) for _ in range(4))
        parts = [self._art] if self._art else []
        read = [placed for placed, is_shown in zip(self._placed, shown, strict=True) if is_shown and placed.part]
        for placed in sorted(read, key=_reading_order):
            part = placed.part
            assert part is not None  # those without are left out above
            if not part.figure:
                number = next(numbers)
                link_number = next(numbers) if part.link else 0
                part = Part(
                    number,
                    part.tag,
                    part.page,
                    part.page_index,
                    part.mark,
                    link=part.link,
                    link_number=link_number,
                    link_key=part.link_key,
                )
            parts.append(part)
        objects = writer.Objects(len(self._prefix))
        objects.put(root, document.catalog(self._tree, self._kept.metadata, structure, locale, self._catalog_entries))
        for number, content in document.structure(parts, structure, tagged, tree, len(self._pages)):
            objects.put(number, content)
        end = next(numbers)
        made = _Variant(objects.joined(), writer.table(objects.offsets, range(first, end)), end, root)
        if len(self._variants) >= _KEPT:
            self._variants.clear()
        self._variants[locale, shown] = made
        return made


class _Imported:
    """The template and the pictures as objects of our file."""

    def __init__(
        self, source: pikepdf.Pdf, out: pikepdf.Pdf, arts: Sequence[template.Art], pictures: Mapping[str, Picture]
    ) -> None:
        def copied(found: pikepdf.Object) -> pikepdf.Object:
            return out.copy_foreign(found if found.is_indirect else source.make_indirect(found))

        held = Dictionary(
            Arts=Array([copied(art.drawn) for art in arts]),
            Pictures=Dictionary({f"/I-{name}": picture.drawn for name, picture in pictures.items()}),
            Catalog=Dictionary(),
        )
        for key in ("/OCProperties", "/AcroForm"):
            if key in source.Root and (key != "/AcroForm" or any("/Annots" in art.drawn for art in arts)):
                held.Catalog[key] = copied(source.Root[key])
        out.Root.Conferral = held
        file = io.BytesIO()
        # Once through a file: what nothing refers to is left out, and what is not packed gets packed.
        out.save(file, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=True, static_id=True)
        with pikepdf.open(file) as saved:
            self._read(saved)

    def _read(self, saved: pikepdf.Pdf) -> None:
        held = saved.Root.Conferral
        self.objects: dict[int, bytes] = {}
        left_out = {one.objgen[0] for one in (saved.Root, saved.Root.Pages, *held.Arts) if one.is_indirect}
        for found in saved.objects:
            number = found.objgen[0]
            if found.is_indirect and number not in left_out:
                self.objects[number] = _unparsed(found)
        self.catalog = _entries(held.Catalog)
        self.pictures = {key[1:]: value.objgen[0] for key, value in held.Pictures.items()}
        self.forms = [art.Form.objgen[0] for art in held.Arts]
        self.links = [[one.objgen[0] for one in art.get("/Annots", ())] for art in held.Arts]
        self.pages = [_entries(art, "/Form", "/Annots") for art in held.Arts]


def _unparsed(found: pikepdf.Object) -> bytes:
    """An object as it is written, its streams as they are packed."""
    if not isinstance(found, Stream):
        return found.unparse(resolved=True)
    return writer.stream(found.read_raw_bytes(), _entries(found.stream_dict, "/Length"))


def _entries(found: Dictionary, *without: str) -> bytes:
    """What is written between the brackets of a dictionary."""
    left = Dictionary({key: value for key, value in found.items() if key not in without})
    return left.unparse(resolved=True).strip().removeprefix(b"<<").removesuffix(b">>")


def _resources(imported: _Imported, options: PDFOptions, fonts: int) -> list[bytes]:
    """The resources of each page: its art, the pictures, and the degrees of opacity."""
    pictures = b"".join(b"/%s %d 0 R" % (name.encode(), number) for name, number in imported.pictures.items())
    opacities = {element.opacity for element in options.elements.values()} - {1}
    states = b"".join(
        b"/%s<</ca %.3f/CA %.3f>>" % (_state(opacity).encode(), opacity, opacity) for opacity in sorted(opacities)
    )
    return [
        b"<</Font %d 0 R/XObject<</Art %d 0 R%s>>/ExtGState<<%s>>>>" % (fonts, form, pictures, states)
        for form in imported.forms
    ]


def _state(opacity: float) -> str:
    return f"G{round(opacity * 1000)}"


def _around(element: Element, page: Page, part: Part | None, picture: Picture | None) -> tuple[str, str]:
    """The operators before and after what an element draws: its mark, its opacity, its turn, its colour."""
    before = f"/{part.tag}<</MCID {part.mark}>>BDC\n" if part else "/Artifact BMC\n"
    after = "EMC\n"
    matrix = drawing.turned(element, page, drawing.box(element, page, picture))
    if matrix or element.opacity < 1:
        before, after = f"{before}q ", f"Q\n{after}"
    if element.opacity < 1:
        before += f"/{_state(element.opacity)} gs\n"
    if matrix:
        before += f"{' '.join(f'{value:.6f}' for value in matrix)} cm\n"
    if isinstance(element, TextElement):
        before += f"{drawing.fill(element.colour)}\n"
    return before, after


def _annotation(placed: _Placed, drawn: Drawn, address: str) -> tuple[int, bytes]:
    """What a click on the text meets."""
    assert placed.part is not None  # texts have a part
    assert drawn.block is not None  # what is not set is not linked
    bounds = drawn.block.bounds()
    matrix = drawing.turned(placed.element, placed.page, drawing.box(placed.element, placed.page))
    a, b, c, d, e, f = placed.page.matrix
    there = [(a * x + c * y + e, b * x + d * y + f) for x, y in drawing.corners(bounds, placed.page, matrix)]
    xs, ys = zip(*there, strict=True)
    rectangle = writer.numbers(min(xs), min(ys), max(xs), max(ys)).encode()
    return placed.part.link, (
        b"<</Type/Annot/Subtype/Link/Rect[%s]/Border[0 0 0]/F 4/StructParent %d/Contents%s/A<</S/URI/URI%s>>>>"
        % (rectangle, placed.part.link_key, writer.string(address), writer.string(_ascii(address)))
    )


def _ascii(address: str) -> str:
    """Addresses in PDF are of ASCII letters: others are escaped as browsers do."""
    if address.isascii() and address.isprintable() and " " not in address:
        return address
    return "".join(one if " " < one < "\x7f" else "".join(f"%{byte:02X}" for byte in one.encode()) for one in address)


def _link(element: TextElement) -> str:
    """The address that a click opens, with its placeholders; empty: none."""
    if element.link is not None:
        return element.link
    return "{verification_url}" if any(one in element.text for one in _PROVING) else ""


def _heading(options: PDFOptions) -> str | None:
    texts = {name: element for name, element in options.elements.items() if isinstance(element, TextElement)}
    for name, element in sorted(texts.items()):
        if element.role == "heading":
            return name
    left = {name: element for name, element in texts.items() if element.role is None}
    named = sorted(name for name, element in left.items() if "{type}" in element.text)
    sizes = {name: drawing.style(element, _ANY_PAGE, None).size for name, element in left.items()}
    return named[0] if named else max(sorted(sizes), key=sizes.__getitem__, default=None)


_ANY_PAGE = Page(595, 842, (1, 0, 0, 1, 0, 0))
"""To compare sizes of which some are shares of the page's height."""


def _reading_order(placed: _Placed) -> tuple[int, float, float, str]:
    """By page, from the top, from the left."""
    box = drawing.box(placed.element, placed.page, _UNKNOWN)
    return placed.index, round(box[3], 1), box[0], placed.name


_UNKNOWN = Picture(None, 1, 1, "")  # type: ignore[arg-type]


def _for_locale(element: TextElement, locale: str) -> LocaleText | None:
    """What the element says for that locale: for `pt-BR` exactly, else for `pt`."""
    tags = {tag.replace("_", "-").lower(): own for tag, own in element.locales.items()}
    parts = locale.replace("_", "-").lower().split("-")
    return next((tags[tag] for end in range(len(parts), 0, -1) if (tag := "-".join(parts[:end])) in tags), None)


def _font_slugs(options: PDFOptions) -> list[str]:
    found = [options.font, *options.fallback_fonts]
    for element in options.elements.values():
        if isinstance(element, TextElement):
            found += [element.font, *(own.font for own in element.locales.values())]
    return [slug for slug in dict.fromkeys(found) if slug]


def _pictures(
    options: PDFOptions, assets: Assets, out: pikepdf.Pdf, pages: Sequence[Page]
) -> dict[str, Picture]:
    found = {}
    for name, element in options.elements.items():
        if isinstance(element, ImageElement):
            slug = element.image or element.pdf
            assert slug is not None  # one of the two was validated
            page = pages[element.page - 1]
            width = drawing.points(element.width, page.width)
            found[name] = images.picture(out, assets.read(slug), width)
    return found


def _check_page(name: str, element: Element, pages: Sequence[Page]) -> None:
    if element.page > len(pages):
        raise OptionsError(f"elements.{name}.page: {element.page}: the template has {len(pages)} pages")


def _check_place(name: str, element: Element, page: Page, picture: Picture | None) -> None:
    left, top, right, bottom = drawing.box(element, page, picture)
    is_baseline = isinstance(element, TextElement) and element.height is None
    if is_baseline and not element.rotate % 360:
        y = bottom
        if not 0 < y < page.height:
            raise OptionsError(
                f"elements.{name}.y: {element.y}: is not on the page, which is {page.height:g} points high"
            )
        top = bottom
    if left < -SLACK or right > page.width + SLACK:
        raise OptionsError(
            f"elements.{name}: its box from x {element.x}, width {element.width}, does not lie on the page, "
            f"which is {page.width:g} points wide"
        )
    if not _is_on_page(element, page, (left, top, right, bottom)):
        raise OptionsError(
            f"elements.{name}: its box from y {element.y}{' turned' if element.rotate else ''} does not lie on the page, "
            f"which is {page.width:g} × {page.height:g} points"
        )


def _is_on_page(element: Element, page: Page, bounds: drawing.Rectangle) -> bool:
    matrix = drawing.turned(element, page, drawing.box(element, page, _UNKNOWN))
    return all(
        -SLACK <= x <= page.width + SLACK and -SLACK <= y <= page.height + SLACK
        for x, y in drawing.corners(bounds, page, matrix)
    )
