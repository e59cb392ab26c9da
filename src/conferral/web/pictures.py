"""Pictures of stored certificates, for pages."""

from django.core.cache import cache

from conferral import pictures, storage
from conferral.models import CredentialArtifact

WIDTH = 1400
"""Pixels: sharp on a screen of twice the usual density."""
KEPT = 600
"""Seconds: no longer, because a learner may be retired."""
MEDIA_TYPES = (pictures.PDF, "image/png", "image/jpeg")


def can_show(artifact: CredentialArtifact) -> bool:
    """Whether there is a picture of it."""
    return artifact.media_type in MEDIA_TYPES and bool(artifact.storage_name)


def picture_of(artifact: CredentialArtifact) -> tuple[bytes, str]:
    """The picture and its media type: a PDF's first page as JPEG, which is made in a tenth of a PNG's time.

    A TransientError when the file cannot be had, a PictureError when it cannot be drawn.
    """
    if artifact.media_type != pictures.PDF:
        return storage.read(artifact.storage_name), artifact.media_type
    key = f"conferral:jpeg:{artifact.pk}:{artifact.sha256}"
    jpeg = cache.get(key)
    if jpeg is None:
        jpeg = pictures.encoded(pictures.draw(storage.read(artifact.storage_name), width=WIDTH), "JPEG")
        cache.set(key, jpeg, KEPT)
    return jpeg, "image/jpeg"
