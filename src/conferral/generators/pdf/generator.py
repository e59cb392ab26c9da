"""The generator: a design compiled once, certificates made from it."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version

import uharfbuzz as hb

from conferral.contract import Artifact, Assets, GenerationRequest, Generator, PermanentError
from conferral.contract.options import assets_in
from conferral.generators.pdf import images, imported
from conferral.generators.pdf.design import Design
from conferral.generators.pdf.fonts import read_font
from conferral.generators.pdf.options import PDFOptions, PDFSettings

MEDIA_TYPE = "application/pdf"


class PDF(Generator[PDFOptions]):
    """Sets texts, pictures and codes on a PDF template."""

    label = "PDF from a template"
    version = f"2, HarfBuzz {hb.version_string()}, pikepdf {version('pikepdf')}"
    Options = PDFOptions
    Settings = PDFSettings
    settings = PDFSettings()

    def check_asset(self, kind: str, content: bytes) -> None:
        """Templates, fonts and pictures have to be readable."""
        match kind:
            case "pdf":
                imported.check(content)
            case "font":
                read_font(content)
            case "image":
                images.check(content)

    def prepare(self, options: PDFOptions, assets: Assets) -> Design:
        """The design, compiled; the same one again for the same options and files."""
        key = _Key(options, self.settings)
        slugs = _slugs(key)
        return _design(key, slugs, tuple([assets.read(slug) for slug in slugs]))

    def generate(self, prepared: Design, request: GenerationRequest) -> Sequence[Artifact]:
        """One PDF; a PermanentError when a text does not fit, or has a character that no font covers."""
        made = prepared.make(request)
        if made.problems and self.settings.problems == "fail":
            raise PermanentError("; ".join(made.problems))
        receipt = {"sizes": {name: round(size, 2) for name, size in made.sizes.items()}} if request.draft else {}
        return [Artifact(f"{request.slot}.pdf", MEDIA_TYPE, made.content, receipt=receipt, problems=made.problems)]


class _Key:
    """Options and settings: two that say the same are the same."""

    __slots__ = ("_said", "options", "settings")

    def __init__(self, options: PDFOptions, settings: PDFSettings) -> None:
        self.options, self.settings = options, settings
        self._said = f"{options.model_dump_json()} {settings.model_dump_json()}"

    def __hash__(self) -> int:
        return hash(self._said)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._said == other._said


@lru_cache(maxsize=64)
def _slugs(key: _Key) -> tuple[str, ...]:
    return tuple(sorted({str(slug) for slug in assets_in(key.options)}))


@lru_cache(maxsize=16)
def _design(key: _Key, slugs: tuple[str, ...], contents: tuple[bytes, ...]) -> Design:
    return Design(key.options, _Contents(dict(zip(slugs, contents, strict=True))), key.settings)


class _Contents:
    """Assets that were read already."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self._contents = contents

    def read(self, slug: str) -> bytes:
        """That of the slug."""
        return self._contents[slug]
