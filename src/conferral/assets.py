"""Uploaded files: checked, in versions, read by slug."""

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import PurePath
from xml.etree import ElementTree as ET

from django.db import transaction
from django.db.models import Max
from PIL import Image, UnidentifiedImageError

from conferral import plugins, storage
from conferral.contract import ConferralError, PermanentError, Phrase
from conferral.contract.options import SLUG_PATTERN
from conferral.fingerprint import fingerprint
from conferral.models import CredentialAsset

SVG_TYPE, PNG_TYPE, JPEG_TYPE = "image/svg+xml", "image/png", "image/jpeg"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_BYTES = 20 * 1024 * 1024
MAX_DRAWING_BYTES = 1024 * 1024
_SVG = "http://www.w3.org/2000/svg"
_XHTML = "http://www.w3.org/1999/xhtml"
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_ACTIVE = frozenset(
    {
        *("script", "foreignObject", "iframe", "object", "embed", "audio", "video", "handler", "listener"),
        # They set attributes of others, links and scripts among them, and paper does not move.
        *("animate", "animateColor", "animateMotion", "animateTransform", "set"),
    }
)
_DECLARES = re.compile(rb"<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)|<!DOCTYPE[^>]*\[")
_OWN = r"\s*[\"']?\s*(?:#|data:)"
_FETCHES = re.compile(rf"@import|\\|\burl\((?!{_OWN})|\b(?:image-set|image|src)\s*\(", re.IGNORECASE)
"""What a style sheet has others fetched by; a backslash may hide it."""
_EMBEDDED = ("#", "data:image/png", "data:image/jpeg")
KINDS = {
    ".pdf": CredentialAsset.Kind.PDF,
    ".ttf": CredentialAsset.Kind.FONT,
    ".otf": CredentialAsset.Kind.FONT,
    ".png": CredentialAsset.Kind.IMAGE,
    ".jpg": CredentialAsset.Kind.IMAGE,
    ".jpeg": CredentialAsset.Kind.IMAGE,
    ".svg": CredentialAsset.Kind.IMAGE,
}


_tried: ContextVar[CredentialAsset | None] = ContextVar("tried", default=None)


class AssetError(ConferralError):
    """A file that is refused, or a slug that names none."""


def upload(
    slug: str, filename: str, content: bytes, description: str = "", *, active: bool = True
) -> tuple[CredentialAsset, bool]:
    """The asset with this content as its current version, and whether that is a new version.

    With `active` off a new version waits until it is activated; the first of a slug is current at once.

    The content is checked by every installed generator first. The same content again makes no version, but puts a
    stored file that was lost back in its place.
    """
    if not re.fullmatch(SLUG_PATTERN, slug):
        raise AssetError("a slug has lower-case letters, digits, - and _ only", where=f"asset {slug!r}")
    kind = kind_of(slug, filename)
    existing = CredentialAsset.objects.filter(slug=slug, current=True).first()
    sha256 = fingerprint(content)
    if existing and existing.sha256 == sha256 and existing.kind == kind:
        if not storage.exists(existing.storage_name):
            existing.storage_name = storage.put(content, folder="assets", suffix=PurePath(filename).suffix.lower())
            existing.save(update_fields=["storage_name"])
        return existing, False
    _check(slug, filename, kind, content)
    active = active or existing is None
    name = storage.put(content, folder="assets", suffix=PurePath(filename).suffix.lower())
    with transaction.atomic():
        latest = CredentialAsset.objects.filter(slug=slug).aggregate(latest=Max("version"))["latest"] or 0
        if active:
            CredentialAsset.objects.filter(slug=slug, current=True).update(current=None)
        asset = CredentialAsset.objects.create(
            slug=slug,
            current=True if active else None,
            version=latest + 1,
            description=description,
            kind=kind,
            filename=PurePath(filename).name,
            storage_name=name,
            size=len(content),
            sha256=sha256,
        )
    return asset, True


def current(slugs: Iterable[str]) -> dict[str, CredentialAsset]:
    """The current version of each of these that there is, in one query."""
    wanted, tried = set(slugs), _tried.get()
    found = {asset.slug: asset for asset in CredentialAsset.objects.filter(slug__in=wanted, current=True)}
    return found | {tried.slug: tried} if tried and tried.slug in wanted else found


@contextmanager
def as_if(asset: CredentialAsset) -> Iterator[None]:
    """Within the block that version is taken for the current one; nothing is written, and nobody else sees it so."""
    token = _tried.set(asset)
    try:
        yield
    finally:
        _tried.reset(token)


def fitting(asset: CredentialAsset | None, slug: str, kind: str) -> CredentialAsset:
    """That asset; an AssetError when there is none, or when it is of another kind."""
    if asset is None:
        known = CredentialAsset.objects.filter(kind=kind, current=True).order_by("slug").values_list("slug", flat=True)
        raise AssetError(
            "%(slug)r is not among the assets; there as %(kind)s: %(names)s",
            slug=slug,
            kind=kind,
            names=", ".join(known) or Phrase("none"),
        )
    if asset.kind != kind:
        raise AssetError(
            "%(slug)r is of kind %(kind)s (%(filename)s); one of kind %(wanted)s is needed here",
            slug=slug,
            kind=asset.kind,
            filename=asset.filename,
            wanted=kind,
        )
    return asset


def find(slug: str, kind: str) -> CredentialAsset:
    """The current version; an AssetError when there is none, or when it is of another kind."""
    return fitting(current([slug]).get(slug), slug, kind)


def activate(asset: CredentialAsset) -> None:
    """Makes that version the current one of its slug; within the transaction that decides it."""
    CredentialAsset.objects.filter(slug=asset.slug, current=True).exclude(pk=asset.pk).update(current=None)
    CredentialAsset.objects.filter(pk=asset.pk).update(current=True, activates=None)
    asset.current, asset.activates = True, None


def remove(slug: str) -> None:
    """Removes every version of an asset that no edition uses; who uses it now is for the caller to ask."""
    versions = list(CredentialAsset.objects.filter(slug=slug))
    CredentialAsset.objects.filter(slug=slug).delete()
    for version in versions:
        transaction.on_commit(partial(storage.remove, version.storage_name))


class AssetReader:
    """The `Assets` of the contract, over chosen versions; each file is read once and must have its recorded hash."""

    def __init__(self, versions: Mapping[str, CredentialAsset]) -> None:
        self._versions = versions
        self._contents: dict[str, bytes] = {}

    def read(self, slug: str) -> bytes:
        """The bytes of that version."""
        if slug not in self._contents:
            asset = self._versions[slug]
            content = storage.read(asset.storage_name)
            if fingerprint(content) != asset.sha256:
                raise PermanentError(
                    "asset %(slug)r, version %(version)s: the stored file is not the uploaded one",
                    slug=slug,
                    version=asset.version,
                )
            self._contents[slug] = content
        return self._contents[slug]


def kind_of(slug: str, filename: str) -> CredentialAsset.Kind:
    """What the file says that it is, by the ending of its name."""
    suffix = PurePath(filename).suffix.lower()
    if suffix not in KINDS:
        raise AssetError(
            "%(filename)s does not end in one of %(names)s",
            where=f"asset {slug!r}",
            filename=filename,
            names=" ".join(KINDS),
        )
    return KINDS[suffix]


def _check(slug: str, filename: str, kind: CredentialAsset.Kind, content: bytes) -> None:
    where = f"asset {slug!r}"
    if len(content) > MAX_BYTES:
        raise AssetError(
            "%(filename)s has %(count)s bytes; at most %(most)s are accepted",
            where=where,
            filename=filename,
            count=f"{len(content):,}",
            most=f"{MAX_BYTES:,}",
        )
    try:
        if kind == CredentialAsset.Kind.IMAGE:
            _check_image(content)
        for name, generator in plugins.generators():
            with plugins.blamed(plugins.GENERATORS, name):
                generator.check_asset(kind, content)
    except PermanentError as error:
        raise AssetError("%(filename)s %(error)s", where=where, filename=filename, error=error) from None


def media_type_of(content: bytes) -> str:
    """What a picture is by its bytes: its name may end like another. What is none at all is taken for a JPEG."""
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return SVG_TYPE
    return PNG_TYPE if content.startswith(_PNG_SIGNATURE) else JPEG_TYPE


def _check_image(content: bytes) -> None:
    if media_type_of(content) == SVG_TYPE:
        _check_drawing(content)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
                image.verify()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise PermanentError("has too many pixels; make it smaller") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise PermanentError("is not a PNG, JPEG or SVG picture, or is damaged") from None


def _check_drawing(content: bytes) -> None:
    """An SVG that only draws: it may be shown on a page, so it must not run or fetch anything."""
    for element in _root(content).iter():
        namespace, _, tag = str(element.tag).rpartition("}")
        if tag in _ACTIVE or namespace == f"{{{_XHTML}":
            raise PermanentError("has <%(tag)s>, which runs or fetches something; export it as a plain SVG", tag=tag)
        if tag == "style":
            _check_style("".join(element.itertext()))
        for attribute, value in element.attrib.items():
            _check_attribute(attribute, value)


def _root(content: bytes) -> ET.Element:
    """Of a file in which all that a browser would read can be seen: nothing is declared, or in another encoding."""
    if len(content) > MAX_DRAWING_BYTES:
        raise PermanentError(
            "has %(count)s bytes; at most %(most)s are accepted of an SVG",
            count=f"{len(content):,}",
            most=f"{MAX_DRAWING_BYTES:,}",
        )
    if b"\0" in content:
        raise PermanentError("is not written in UTF-8; export it again")
    if _DECLARES.search(content):
        raise PermanentError("declares entities; export it without a document type")
    if b"<?xml-stylesheet" in content:
        raise PermanentError("has a style sheet in another file; export it as a plain SVG")
    try:
        root = ET.fromstring(content)  # noqa: S314 - nothing is expanded or fetched  # nosec B314
    except ET.ParseError as error:
        raise PermanentError("is not an SVG drawing, or is damaged: %(error)s", error=error) from None
    if root.tag != f"{{{_SVG}}}svg":
        raise PermanentError("is not an SVG drawing; its root has to be <svg>")
    return root


def _check_attribute(attribute: str, value: str) -> None:
    name = attribute.rsplit("}", 1)[-1].lower()
    if name.startswith("on"):
        raise PermanentError("has a script (%(name)s); export it as a plain SVG", name=name)
    elsewhere = name in ("src", "ping") or attribute == _BASE
    if elsewhere or (name == "href" and not value.strip().startswith(_EMBEDDED)):
        raise PermanentError("refers to another file (%(value)s); embed its pictures", value=value[:60])
    if name == "style" or "(" in value:
        _check_style(value)


def _check_style(text: str) -> None:
    if found := _FETCHES.search(text):
        raise PermanentError("has a style that fetches something (%(text)s); embed it", text=text[found.start() :][:60])
