"""Pictures of stored certificates, for pages."""

import io
import threading

import pypdfium2
from django.core.cache import cache

from conferral import storage
from conferral.models import CredentialArtifact

WIDTH = 1400
"""Pixels: sharp on a screen of twice the usual density."""
KEPT = 600
"""Seconds: no longer, because a learner may be retired."""
MEDIA_TYPES = ("application/pdf", "image/png", "image/jpeg")
_pdfium = threading.Lock()
"""PDFium is for one thread at a time."""


def can_show(artifact: CredentialArtifact) -> bool:
    """Whether there is a picture of it."""
    return artifact.media_type in MEDIA_TYPES and bool(artifact.storage_name)


def picture_of(artifact: CredentialArtifact) -> tuple[bytes, str]:
    """The picture and its media type: a PDF's first page as PNG. A TransientError when the file cannot be had."""
    if artifact.media_type != "application/pdf":
        return storage.read(artifact.storage_name), artifact.media_type
    key = f"conferral:picture:{artifact.pk}:{artifact.sha256}"
    png = cache.get(key)
    if png is None:
        png = _first_page(storage.read(artifact.storage_name))
        cache.set(key, png, KEPT)
    return png, "image/png"


def _first_page(content: bytes) -> bytes:
    with _pdfium:
        document = pypdfium2.PdfDocument(content)
        try:
            page = document[0]
            image = page.render(scale=WIDTH / page.get_width()).to_pil()
        finally:
            document.close()
    written = io.BytesIO()
    image.convert("RGB").save(written, "PNG")
    return written.getvalue()
