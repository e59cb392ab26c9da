"""Files: put, read, remove. The only door to Django storage."""

import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from hashlib import sha256
from typing import Any

from django.conf import DEFAULT_STORAGE_ALIAS
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages
from django.utils.http import content_disposition_header

from conferral.contract import ConferralError, TransientError
from conferral.settings import current

logger = logging.getLogger(__name__)

_provisional: ContextVar["Provisional | None"] = ContextVar("provisional", default=None)


def digest(content: bytes) -> str:
    """The SHA-256 of the content, in hexadecimal."""
    return sha256(content).hexdigest()


def put(content: bytes, *, folder: str, suffix: str, media_type: str = "application/octet-stream") -> str:
    """Puts the content away as a new object and returns its name, which nobody can guess.

    A storage that fails is a TransientError: a bucket comes back, a disk is cleared.
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
    """The content of an object; a TransientError when the storage fails, or does not have it (a disk comes back)."""
    try:
        with _storage().open(name) as file:
            return bytes(file.read())
    except FileNotFoundError:
        raise TransientError(f"storage: the file {name} is missing") from None
    except Exception as error:  # as above
        raise TransientError(f"storage: the file {name} could not be read: {error}") from error


def open_file(name: str) -> "File[bytes]":
    """The object, opened to be streamed; a TransientError as for `read`. The caller closes it."""
    try:
        return _storage().open(name)
    except FileNotFoundError:
        raise TransientError(f"storage: the file {name} is missing") from None
    except Exception as error:  # as above
        raise TransientError(f"storage: the file {name} could not be read: {error}") from error


def link(name: str, filename: str, media_type: str, *, as_attachment: bool) -> str:
    """An address at the storage itself, signed and short-lived; empty when it gives none, and the file is streamed.

    A TransientError when the object is missing: a link that leads nowhere is never given out.
    """
    storage: Any = _storage()
    seconds = current().link_seconds
    signs = getattr(storage, "querystring_auth", False) and not getattr(storage, "custom_domain", None)
    if not seconds or not signs:
        return ""
    if not exists(name):
        raise TransientError(f"storage: the file {name} is missing")
    disposition = content_disposition_header(as_attachment=as_attachment, filename=filename)
    said = {"ResponseContentDisposition": disposition, "ResponseContentType": media_type}
    return str(storage.url(name, parameters=said, expire=seconds))


def exists(name: str) -> bool:
    """Whether the object is there; a TransientError when the storage fails."""
    try:
        return _storage().exists(name)
    except Exception as error:  # as above
        raise TransientError(f"storage: the file {name} could not be looked for: {error}") from error


def check() -> None:
    """Makes the storage, without asking it for anything; a ConferralError when it is not set up right."""
    try:
        _storage()
    except Exception as error:  # whatever a backend raises that is missing, or does not know an option
        raise ConferralError(f"storage {_alias()!r} is not set up right: {error}") from error


def remove(name: str) -> None:
    """Removes an object; one that is not there is removed already. A TransientError when the storage fails."""
    try:
        _storage().delete(name)
    except Exception as error:  # as above
        raise TransientError(f"storage: the file {name} could not be removed: {error}") from error


def discard(name: str) -> None:
    """Removes an object that nothing names any more; one that cannot be removed now is logged and left."""
    try:
        remove(name)
    except Exception:  # whatever the backend raises: what is under way matters more than a superfluous file
        logger.warning("the superfluous file %s could not be removed", name, exc_info=True)


def location(name: str) -> str:
    """Where an operator finds the object: a path on local disk, else its name in the bucket."""
    storage = _storage()
    try:
        return storage.path(name)
    except NotImplementedError:
        return name


class Provisional:
    """Objects put away within a block, which stay only if somebody says so."""

    def __init__(self, outer: "Provisional | None") -> None:
        self.names: list[str] = []
        self._outer = outer

    def keep(self) -> None:
        """They stay, as far as this block goes; a block around it has its own say."""
        if self._outer:
            self._outer.names += self.names
        self.names = []


@contextmanager
def provisional() -> Iterator[Provisional]:
    """What is put away inside is removed again unless it was kept: the files' side of a transaction."""
    files = Provisional(_provisional.get())
    token = _provisional.set(files)
    try:
        yield files
    finally:
        _provisional.reset(token)
        for name in files.names:
            discard(name)


def _storage() -> Storage:
    alias = _alias()
    entry = current().storage
    if alias == DEFAULT_STORAGE_ALIAS and entry:
        return _made(json.dumps(entry, sort_keys=True))
    return storages[alias]


@cache
def _made(entry: str) -> Storage:
    return storages.create_storage(json.loads(entry))


def _alias() -> str:
    alias = current().storage_alias
    return alias if alias in storages.backends else DEFAULT_STORAGE_ALIAS
