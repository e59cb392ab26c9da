"""The generator: a design compiled once, certificates made from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from typing import Any

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
        key = _key(_Same(options), _Same(self.settings))
        contents = tuple([assets.read(slug) for slug in key.slugs])
        return _design(key, contents)

    def generate(self, prepared: Design, request: GenerationRequest) -> Sequence[Artifact]:
        """One PDF; a PermanentError when a text does not fit, or has a character that no font covers."""
        made = prepared.make(request)
        if made.problems and self.settings.problems == "fail":
            raise PermanentError("; ".join(made.problems))
        receipt = {"sizes": {name: round(size, 2) for name, size in made.sizes.items()}} if request.draft else {}
        return [Artifact(f"{request.slot}.pdf", MEDIA_TYPE, made.content, receipt=receipt, problems=made.problems)]


class _Same:
    """An object as a key: itself, and no other that is like it."""

    __slots__ = ("itself",)

    def __init__(self, itself: Any) -> None:
        self.itself = itself

    def __hash__(self) -> int:
        return id(self.itself)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.itself is other.itself


@dataclass(frozen=True, slots=True)
class _Key:
    """Options and settings: two that say the same are the same."""

    options: PDFOptions = field(compare=False)
    settings: PDFSettings = field(compare=False)
    slugs: tuple[str, ...]
    said: str


@lru_cache(maxsize=64)
def _key(options: _Same, settings: _Same) -> _Key:
    slugs = tuple(sorted({str(slug) for slug in assets_in(options.itself)}))
    said = f"{options.itself.model_dump_json()} {settings.itself.model_dump_json()}"
    return _Key(options.itself, settings.itself, slugs, said)


@lru_cache(maxsize=16)
def _design(key: _Key, contents: tuple[bytes, ...]) -> Design:
    return Design(key.options, _Contents(dict(zip(key.slugs, contents, strict=True))), key.settings)


class _Contents:
    """Assets that were read already."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self._contents = contents

    def read(self, slug: str) -> bytes:
        """That of the slug."""
        return self._contents[slug]
