"""The fonts of a design: which texts are set in which, and what of them every certificate has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from conferral.contract import Assets
from conferral.contract.placeholders import fill
from conferral.generators.pdf import embedding, shaping
from conferral.generators.pdf.embedding import Base, BaseGlyphs
from conferral.generators.pdf.fonts import Chain, Font, Sites, read_font
from conferral.generators.pdf.layout import Align
from conferral.generators.pdf.options import LocaleText, PDFOptions, PDFSettings, TextElement, points
from conferral.generators.pdf.shaping import Run
from conferral.generators.pdf.wording import capitals


@dataclass(frozen=True, slots=True)
class Wording:
    """What a text element says in one locale, in which fonts, and where it stands in its box."""

    text: str
    chain: Chain
    align: Align


class Typography:
    """The fonts of a design. `bases` has those that are written with it, by their identity, once they are."""

    def __init__(self, options: PDFOptions, settings: PDFSettings, assets: Assets) -> None:
        self._options = options
        self._sites = Sites(settings.fallback_fonts)
        self._fonts = {slug: read_font(assets.read(slug)) for slug in _slugs(options)}
        self.bases: Mapping[int, Base] = {}
        self._chain = lru_cache(maxsize=256)(self._new_chain)

    def wording(self, element: TextElement, locale: str) -> Wording:
        """The element's in that locale."""
        own = _for_locale(element, locale) or LocaleText()
        slug = own.font or element.font or self._options.font
        text = element.text if own.text is None else own.text
        return Wording(text, self._chain(slug, locale), own.align or element.align)

    def write(self, numbers: Iterator[int]) -> tuple[bytes, Sequence[tuple[int, bytes]]]:
        """The design's fonts with the glyphs that its certificates share: entries of the resources, and objects.

        The glyphs depend on the options alone, never on learners: so a batch does not change anybody's bytes.
        """
        glyphs: dict[int, BaseGlyphs] = {}
        for element in self._options.elements.values():
            if isinstance(element, TextElement):
                for locale in ("en", *element.locales):
                    for font, run in self._shared(element, locale):
                        found = glyphs.get(id(font)) or glyphs.setdefault(id(font), BaseGlyphs(font))
                        if run:
                            found.add(run)
        bases, entries, objects = {}, [], []
        for position, (key, found) in enumerate(glyphs.items()):
            bases[key], number, written = found.write(f"F{position}", numbers)
            entries.append(b"/F%d %d 0 R" % (position, number))
            objects += written
        self.bases = bases
        return b"".join(entries), objects

    def _shared(self, element: TextElement, locale: str) -> Iterator[tuple[Font, Run | None]]:
        """The fonts that the element's text is set in for everybody, each with what is set in it."""
        wording = self.wording(element, locale)
        yield wording.chain.first, None
        said = fill(wording.text, lambda _: "\n")
        said = shaping.composed(capitals(said, locale) if element.upper_case else said)
        ligated = points(element.letter_spacing, 1) == 0
        for line in [*said.split("\n"), *(embedding.LIGATURES.split() if ligated else ())]:
            for run in shaping.shape(line, wording.chain, locale, ligated=ligated).runs:
                yield run.font, run

    def _new_chain(self, slug: str | None, locale: str) -> Chain:
        fonts = [self._fonts[one] for one in (slug, *self._options.fallback_fonts) if one]
        return Chain(fonts, self._sites, locale)


def _for_locale(element: TextElement, locale: str) -> LocaleText | None:
    """What the element says for that locale: for `pt-BR` exactly, else for `pt`."""
    tags = {tag.replace("_", "-").lower(): own for tag, own in element.locales.items()}
    parts = locale.replace("_", "-").lower().split("-")
    return next((tags[tag] for end in range(len(parts), 0, -1) if (tag := "-".join(parts[:end])) in tags), None)


def _slugs(options: PDFOptions) -> list[str]:
    found = [options.font, *options.fallback_fonts]
    for element in options.elements.values():
        if isinstance(element, TextElement):
            found += [element.font, *(own.font for own in element.locales.values())]
    return [slug for slug in dict.fromkeys(found) if slug]
