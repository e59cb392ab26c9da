"""Uploaded files: checked, in versions, read by slug."""

import io
import re
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from xml.etree import ElementTree as ET

from django.db import transaction
from django.db.models import Max
from PIL import Image, UnidentifiedImageError

from conferral import plugins, storage
from conferral.contract import ConferralError, PermanentError
from conferral.contract.options import SLUG_PATTERN
from conferral.models import CredentialAsset

MAX_BYTES = 20 * 1024 * 1024
MAX_DRAWING_BYTES = 1024 * 1024
_SVG = "http://www.w3.org/2000/svg"
_ACTIVE = frozenset({"script", "foreignObject", "iframe", "object", "embed", "audio", "video", "handler", "listener"})
KINDS = {
    ".pdf": CredentialAsset.Kind.PDF,
    ".ttf": CredentialAsset.Kind.FONT,
    ".otf": CredentialAsset.Kind.FONT,
    ".png": CredentialAsset.Kind.IMAGE,
    ".jpg": CredentialAsset.Kind.IMAGE,
    ".jpeg": CredentialAsset.Kind.IMAGE,
    ".svg": CredentialAsset.Kind.IMAGE,
}


class AssetError(ConferralError):
    """A file that is refused, or a slug that names none."""


def upload(slug: str, filename: str, content: bytes, description: str = "") -> tuple[CredentialAsset, bool]:
    """The asset with this content as its current version, and whether that is a new version.

    The content is checked by every installed generator first. The same content again makes no version, but puts a
    stored file that was lost back in its place.
    """
    if not re.fullmatch(SLUG_PATTERN, slug):
        raise AssetError(f"asset {slug!r}: a slug has lower-case letters, digits, - and _ only")
    kind = kind_of(slug, filename)
    existing = CredentialAsset.objects.filter(slug=slug, current=True).first()
    sha256 = storage.digest(content)
    if existing and existing.sha256 == sha256 and existing.kind == kind:
        if not storage.exists(existing.storage_name):
            existing.storage_name = storage.put(content, folder="assets", suffix=PurePath(filename).suffix.lower())
            existing.save(update_fields=["storage_name"])
        return existing, False
    _check(slug, filename, kind, content)
    name = storage.put(content, folder="assets", suffix=PurePath(filename).suffix.lower())
    with transaction.atomic():
        latest = CredentialAsset.objects.filter(slug=slug).aggregate(latest=Max("version"))["latest"] or 0
        CredentialAsset.objects.filter(slug=slug, current=True).update(current=None)
        asset = CredentialAsset.objects.create(
            slug=slug,
            version=latest + 1,
            description=description,
            kind=kind,
            filename=PurePath(filename).name,
            storage_name=name,
            size=len(content),
            sha256=sha256,
        )
    return asset, True


def find(slug: str, kind: str) -> CredentialAsset:
    """The current version; an AssetError when there is none, or when it is of another kind."""
    asset = CredentialAsset.objects.filter(slug=slug, current=True).first()
    if asset is None:
        known = CredentialAsset.objects.filter(kind=kind, current=True).order_by("slug").values_list("slug", flat=True)
        raise AssetError(f"{slug!r} is not among the assets; there as {kind}: {', '.join(known) or 'none'}")
    if asset.kind != kind:
        raise AssetError(f"{slug!r} is a {asset.kind} asset ({asset.filename}); a {kind} is needed here")
    return asset


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
            if storage.digest(content) != asset.sha256:
                raise PermanentError(
                    f"asset {slug!r}, version {asset.version}: the stored file is not the uploaded one"
                )
            self._contents[slug] = content
        return self._contents[slug]


def kind_of(slug: str, filename: str) -> CredentialAsset.Kind:
    """What the file says that it is, by the ending of its name."""
    suffix = PurePath(filename).suffix.lower()
    if suffix not in KINDS:
        raise AssetError(f"asset {slug!r}: {filename} does not end in one of {' '.join(KINDS)}")
    return KINDS[suffix]


def _check(slug: str, filename: str, kind: CredentialAsset.Kind, content: bytes) -> None:
    where = f"asset {slug!r}: {filename}"
    if len(content) > MAX_BYTES:
        raise AssetError(f"{where} has {len(content):,} bytes; at most {MAX_BYTES:,} are accepted")
    try:
        if kind == CredentialAsset.Kind.IMAGE:
            _check_image(content)
        for name, generator in plugins.generators():
            with plugins.blamed(plugins.GENERATORS, name):
                generator.check_asset(kind, content)
    except PermanentError as error:
        raise AssetError(f"{where} {error}") from None


def _check_image(content: bytes) -> None:
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
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
    if len(content) > MAX_DRAWING_BYTES:
        raise PermanentError(f"has {len(content):,} bytes; at most {MAX_DRAWING_BYTES:,} are accepted of an SVG")
    if re.search(rb"<!(DOCTYPE|ENTITY)[^>]*\[", content):
        raise PermanentError("declares entities; export it without a document type")
    try:
        root = ET.fromstring(content)  # noqa: S314 - without entities nothing is expanded or fetched
    except ET.ParseError as error:
        raise PermanentError(f"is not an SVG drawing, or is damaged: {error}") from None
    if root.tag != f"{{{_SVG}}}svg":
        raise PermanentError("is not an SVG drawing; its root has to be <svg>")
    for element in root.iter():
        tag = str(element.tag).rsplit("}", 1)[-1]
        if tag in _ACTIVE:
            raise PermanentError(f"has <{tag}>, which runs or fetches something; export it as a plain SVG")
        for attribute, value in element.attrib.items():
            name = attribute.rsplit("}", 1)[-1].lower()
            if name.startswith("on"):
                raise PermanentError(f"has a script ({name}); export it as a plain SVG")
            if name == "href" and not value.strip().startswith(("#", "data:image/png", "data:image/jpeg")):
                raise PermanentError(f"refers to another file ({value[:60]}); embed its pictures")
