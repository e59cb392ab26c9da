"""Files: put, read, remove. The only door to Django storage."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.core.files.storage.handler import InvalidStorageError

from conferral.contract import PermanentError, TransientError
from conferral.settings import current

_provisional: ContextVar["Provisional | None"] = ContextVar("provisional", default=None)


def digest(content: bytes) -> str:
    """The SHA-256 of the content, in hexadecimal."""
    return sha256(content).hexdigest()


def put(content: bytes, *, folder: str, suffix: str, media_type: str = "application/octet-stream") -> str:
    """Puts the content away as a new object and returns its name, which nobody can guess.

    A storage that fails in whatever way is a TransientError: a bucket comes back, a disk is cleared.
    """
    token = secrets.token_hex(16)
    # Two levels, so that a million files do not share a directory.
    name = f"{folder}/{token[:2]}/{token[2:]}{suffix}"
    file = ContentFile(content)
    file.content_type = media_type  # type: ignore[attr-defined]  # django-storages reads it, Django's do not mind
    try:
        name = _storage().save(name, file)
    except Exception as error:  # each backend has errors of its own, and no common base
        raise TransientError(f"storage: the file could not be written: {error}") from error
    if (files := _provisional.get()) is not None:
        files.names.append(name)
    return name


def read(name: str) -> bytes:
    """The content of an object; a PermanentError when it is gone, a TransientError when the storage fails."""
    try:
        with _storage().open(name) as file:
            return bytes(file.read())
    except FileNotFoundError:
        raise PermanentError(f"storage: the file {name} is missing") from None
    except Exception as error:  # as above
        raise TransientError(f"storage: the file {name} could not be read: {error}") from error


def remove(name: str) -> None:
    """Removes an object; one that is not there is removed already."""
    _storage().delete(name)


def location(name: str) -> str:
    """Where an operator finds the object: a path on local disk, else its name in the bucket."""
    storage = _storage()
    try:
        return storage.path(name)
    except NotImplementedError:
        return name


class Provisional:
    """Objects put away within a block, which stay only if somebody says so."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def keep(self) -> None:
        """They stay."""
        self.names.clear()


@contextmanager
def provisional() -> Iterator[Provisional]:
    """What is put away inside is removed again unless it was kept: the files' side of a transaction."""
    files = Provisional()
    token = _provisional.set(files)
    try:
        yield files
    finally:
        _provisional.reset(token)
        for name in files.names:
            remove(name)


def _storage() -> Storage:
    try:
        return storages[current().storage_alias]
    except InvalidStorageError:
        return storages["default"]
