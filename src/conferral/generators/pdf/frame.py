"""The frame of a design's files: what all its certificates share, and how each is put together around it.

A file is the template, pictures and fonts of the design (the prefix), then catalog and structure, which are alike for
all certificates that show the same elements, then contents, further glyphs, and what the file says of itself. Objects
that differ have numbers kept for them, so that the prefix can refer to what is not written yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import count

from conferral.generators.pdf import document, drawing, elements, writer
from conferral.generators.pdf.document import Part
from conferral.generators.pdf.drawing import Drawn
from conferral.generators.pdf.elements import Elements, Sheet
from conferral.generators.pdf.embedding import Extras
from conferral.generators.pdf.imported import ART, Imported

_VARIANTS = 256
"""Combinations of locale and shown elements that are remembered."""

Painted = Sequence[Sequence[str | Drawn]]
"""By page: operators."""


@dataclass(frozen=True, slots=True)
class _Variant:
    """What certificates share that show the same elements, with its lines of the cross-reference table."""

    content: bytes
    table: bytes
    end: int
    """The first number after it."""
    root: int
    tagged: int
    """The structure element of the whole document."""


class Frame:
    """All that is written once, and the numbers of what each certificate writes."""

    def __init__(self, imported: Imported, parts: Elements) -> None:
        """Writes what all certificates share, and gives numbers to what differs."""
        options, pages = parts.options, parts.pages
        objects = writer.Objects(len(writer.HEADER))
        for number, content in imported.objects.items():
            objects.put(number, content)
        numbers = count(max(imported.objects, default=0) + 1)
        self._font_entries, written = parts.typography.write(numbers)
        for number, content in written:
            objects.put(number, content)
        self._tree, page_numbers = next(numbers), [next(numbers) for _ in pages]
        self._kept = first = next(numbers)
        kept = count(first)
        self._fonts, self._info, self._metadata = next(kept), next(kept), next(kept)
        self._contents, self._annotations = [next(kept) for _ in pages], [next(kept) for _ in pages]
        self.art = Part(next(kept), "Figure", page_numbers[0], 0, 0, figure=True) if options.alt else None
        """The template's first page in the structure."""
        self.placed = parts.place(page_numbers, kept)
        self._end = next(kept)
        opacities = sorted({element.opacity for element in options.elements.values()} - {1})
        states = b"".join([b"/%s<</ca %.3f/CA %.3f>>" % (drawing.state(one).encode(), one, one) for one in opacities])
        for index, number in enumerate(page_numbers):
            objects.put(
                number,
                b"<</Type/Page/Parent %d 0 R/Contents %d 0 R/Resources<</Font %d 0 R/XObject<<%s>>/ExtGState<<%s>>>>"
                b"/Annots %d 0 R/StructParents %d/Tabs/S%s>>"
                % (
                    self._tree,
                    self._contents[index],
                    self._fonts,
                    imported.forms[index],
                    states,
                    self._annotations[index],
                    index,
                    imported.pages[index],
                ),
            )
        objects.put(self._tree, b"<</Type/Pages/Count %d/Kids%s>>" % (len(pages), writer.references(page_numbers)))
        self._pages = pages
        self._from_template = imported.annotations
        self._catalog_entries = imported.catalog
        self._prefix = writer.HEADER + objects.joined()
        self._table = b"0000000000 65535 f \n" + writer.table(objects.offsets, range(1, first))
        self._digest = sha256(self._prefix).digest()
        self._variants: dict[tuple[str, tuple[bool, ...]], _Variant] = {}

    def assemble(self, sheet: Sheet, painted: Painted, shown: tuple[bool, ...]) -> bytes:
        """The file of a sheet that was drawn; `shown` says which of the elements are on it."""
        variant = self._variants.get((sheet.locale, shown)) or self._write_variant(sheet.locale, shown)
        objects = writer.Objects(len(self._prefix) + len(variant.content))
        numbers = count(variant.end)
        extras = _extras(painted)
        entries = self._font_entries
        if extras:
            names, written = extras.write(numbers)
            entries += b"".join([b"/%s %d 0 R" % (name.encode(), number) for name, number in names.items()])
            for number, content in written:
                objects.put(number, content)
        info, metadata = document.info(sheet.request), document.metadata(sheet.request, sheet.locale)
        contents = [self._content(index, on_page, extras) for index, on_page in enumerate(painted)]
        objects.put(self._fonts, b"<<%s>>" % entries)
        objects.put(self._info, info)
        objects.put(self._metadata, metadata)
        for index, content in enumerate(contents):
            objects.put(self._contents[index], content)
            links = [part.link for part, _ in sheet.links if part.page_index == index]
            objects.put(self._annotations[index], writer.references([*self._from_template[index], *links]))
        for part, annotation in sheet.links:
            objects.put(part.link, annotation)
        for part, alt in sheet.figures:
            objects.put(part.number, document.figure(part, variant.tagged, alt))
        end = next(numbers)
        lines = (
            self._table,
            writer.table(objects.offsets, range(self._kept, self._end)),
            variant.table,
            writer.table(objects.offsets, range(variant.end, end)),
        )
        trailer = b"/Root %d 0 R/Info %d 0 R" % (variant.root, self._info)
        # What a file is made of follows from the design, from what is said of it, and from what is drawn.
        digest = sha256(b"".join((self._digest, variant.content, info, metadata, *contents))).hexdigest()
        ending = writer.ending(lines, end, trailer, objects.offset, digest[:32].upper().encode())
        return b"".join((self._prefix, variant.content, *objects.parts, ending))

    def _content(self, index: int, painted: Sequence[str | Drawn], extras: Extras) -> bytes:
        """The operators of a page: the template's art, then what is put on it."""
        is_figure = self.art is not None and self.art.page_index == index
        operators = [f"/{'Figure<</MCID 0>>BDC' if is_figure else 'Artifact BMC'}\n/{ART} Do\nEMC\n"]
        if painted:
            operators.append(f"q {' '.join([f'{value:.6g}' for value in self._pages[index].matrix])} cm\n")
            operators += [part if isinstance(part, str) else part.operators(extras) for part in painted]
            operators.append("Q\n")
        return writer.stream("".join(operators).encode("ascii"))

    def _write_variant(self, locale: str, shown: tuple[bool, ...]) -> _Variant:
        """Catalog and structure of certificates with these elements; the numbers follow those that are kept."""
        numbers = count(self._end)
        root, structure, tagged, tree = (next(numbers) for _ in range(4))
        parts = [self.art] if self.art else []
        read = [placed for placed, is_shown in zip(self.placed, shown, strict=True) if is_shown]
        for placed in sorted(read, key=elements.reading_order):
            if placed.part and placed.part.figure:
                parts.append(placed.part)
            elif placed.part:
                number = next(numbers)
                link_number = next(numbers) if placed.part.link else 0
                parts.append(replace(placed.part, number=number, link_number=link_number))
        objects = writer.Objects(len(self._prefix))
        objects.put(root, document.catalog(self._tree, self._metadata, structure, locale, self._catalog_entries))
        for number, content in document.structure(parts, structure, tagged, tree, len(self._pages)):
            objects.put(number, content)
        end = next(numbers)
        table = writer.table(objects.offsets, range(self._end, end))
        made = _Variant(objects.joined(), table, end, root, tagged)
        if len(self._variants) >= _VARIANTS:
            self._variants.clear()
        self._variants[locale, shown] = made
        return made


def _extras(painted: Painted) -> Extras:
    extras = Extras()
    for on_page in painted:
        for part in on_page:
            if not isinstance(part, str):
                for waiting in part.waiting:
                    extras.add(waiting.run)
    return extras
