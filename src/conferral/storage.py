"""Files: put, read, remove. The only door to Django storage."""

import json
import logging
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from hashlib import sha256
from pathlib import PurePath
from typing import TypeVar

from django.conf import DEFAULT_STORAGE_ALIAS
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages
from django.utils.crypto import salted_hmac
from django.utils.http import content_disposition_header

from conferral import bucket
from conferral.bucket import Listed
from conferral.contract import ConferralError, TransientError
from conferral.settings import current

logger = logging.getLogger(__name__)

AT_ONCE = 8
"""How many objects a storage elsewhere is given at the same time; botocore keeps ten connections."""
CHUNK = 1 << 20
R = TypeVar("R")
_OURS = re.compile(r"[a-z]+/[0-9a-f]{2}/[0-9a-f]{30}(\.[^/]*|/[^/]+)?")

_provisional: ContextVar["Provisional | None"] = ContextVar("provisional", default=None)


class Unavailable(TransientError):
    """The storage did not do it, or does not have it: a bucket comes back, a disk is cleared."""

    left: str = ""
    """What was to be written and may be there all the same: remove it before the next try."""


class Lost(Unavailable):
    """The storage answers, and does not have the object."""


def put(content: bytes, *, folder: str, suffix: str, media_type: str = "application/octet-stream") -> str:
    """Puts the content away as a new object and returns its name, which nobody can guess."""
    return put_at(f"{spread(folder, secrets.token_hex(16))}{suffix}", content, media_type=media_type)


def spread(folder: str, token: str) -> str:
    """The token's place in the folder: on two levels, so that a million files do not share a directory."""
    return f"{folder}/{token[:2]}/{token[2:]}"


def put_at(name: str, content: bytes, *, media_type: str) -> str:
    """Puts the content away under that name, and returns the name that the storage gave it.

    A storage that fails, or that would show it to everybody, is Unavailable, and nothing of the file is left there. The
    error names what may be left all the same, for it cannot be removed either.
    """
    name = _save(name, content, media_type)
    if (files := _provisional.get()) is not None:
        files.names.append(name)
    return name


def side_by_side(calls: Sequence[Callable[[], R]]) -> list[R | Exception]:
    """What each of the calls returned or raised: several at once where each waits for a storage elsewhere.

    On local disk one after the other, in this thread: there is nothing to wait for.
    """
    if len(calls) == 1 or at_once() == 1:
        return [_outcome(call) for call in calls]
    with ThreadPoolExecutor(at_once(), thread_name_prefix="storage") as pool:
        # Each in a copy of the context, so that what it puts away is known to the block around it.
        running = [pool.submit(copy_context().run, _outcome, call) for call in calls]
        return [each.result() for each in running]


def at_once() -> int:
    """How many objects are worth putting away at the same time: one on local disk."""
    try:
        storage = _storage()
    except Exception:  # whoever puts something away is told
        return 1
    return 1 if is_local(storage) else AT_ONCE


def withdraw(name: str, media_type: str) -> str:
    """Moves an object to where no link leads that was given out before, and returns its new name.

    The new name follows from the old one and the site's secret: a move that was interrupted anywhere is done again
    with the same result, and leaves nothing behind. Lost when neither is there.
    """
    new = withdrawn(name)
    try:
        content = read(name)
    except Lost:
        if exists(new):
            return new
        raise
    remove(new)  # what an interrupted move has left, perhaps not whole
    new = _save(new, content, media_type)
    remove(name)
    return new


def withdrawn(name: str) -> str:
    """The name to which `withdraw` moves an object; without the site's secret nobody can tell it."""
    token = salted_hmac("conferral.storage", name, algorithm="sha256").hexdigest()[:32]
    return f"{spread(PurePath(name).parts[0], token)}{PurePath(name).suffix}"


def read(name: str) -> bytes:
    """The content of an object; Lost when the storage does not have it, Unavailable when it fails."""
    try:
        with _storage().open(name) as file:
            return bytes(file.read())
    except FileNotFoundError:
        raise Lost(f"storage: the file {name} is missing") from None
    except Exception as error:  # as above
        raise Unavailable(f"storage: the file {name} could not be read: {error}") from error


def open_file(name: str) -> "File[bytes]":
    """The object, opened to be streamed; errors as for `read`. The caller closes it."""
    try:
        return _storage().open(name)
    except FileNotFoundError:
        raise Lost(f"storage: the file {name} is missing") from None
    except Exception as error:  # as above
        raise Unavailable(f"storage: the file {name} could not be read: {error}") from error


def link(name: str, filename: str, media_type: str, *, as_attachment: bool) -> str:
    """An address at the storage itself, signed and short-lived; empty when it gives none, and the file is streamed.

    Lost when the object is missing: a link that leads nowhere is never given out.
    """
    storage, seconds = _storage(), current().link_seconds
    if not seconds or not bucket.is_s3(storage) or bucket.exposure(storage):
        return ""
    if not exists(name):
        raise Lost(f"storage: the file {name} is missing")
    if bucket.is_elsewhere(storage):
        return ""
    disposition = content_disposition_header(as_attachment=as_attachment, filename=filename)
    return bucket.signed(storage, name, str(disposition), media_type, seconds)


def exists(name: str) -> bool:
    """Whether the object is there; Unavailable when the storage fails."""
    try:
        return _storage().exists(name)
    except Exception as error:  # as above
        raise Unavailable(f"storage: the file {name} could not be looked for: {error}") from error


def check() -> None:
    """Makes the storage, without asking it for anything; a ConferralError when it is not set up right.

    One that would show every file to everybody is not.
    """
    try:
        storage = _storage()
    except Exception as error:  # whatever a backend raises that is missing, or does not know an option
        raise ConferralError(f"storage {_alias()!r} is not set up right: {error}") from error
    if public := bucket.exposure(storage):
        raise ConferralError(f"storage {_alias()!r} is not private: {public}")
    if bucket.is_s3(storage) and (why := bucket.unsupported(storage)):
        raise ConferralError(f"storage {_alias()!r} cannot be used: {why}")


def ask(name: str) -> None:
    """Asks for as little as can be: whether the object is there; Unavailable when nobody answers, or it is denied.

    An object that is not there is no trouble of the storage's; its bucket is asked for then, and without a name.
    """
    if name and exists(name):
        return
    try:
        storage = _storage()
        if bucket.is_s3(storage):
            bucket.ask(storage)
    except Exception as error:  # as above
        raise Unavailable(f"storage: the bucket does not answer: {error}") from error


def troubles() -> list[str]:
    """What a bucket says of itself that is wrong, with the way out: its region. Unavailable when it does not answer."""
    storage = _storage()
    try:
        found = bucket.region_trouble(storage) if bucket.is_s3(storage) else ""
    except Exception as error:  # as above
        raise Unavailable(f"storage: the bucket does not answer: {error}") from error
    return [found] if found else []


def open_doors(name: str) -> list[str]:
    """How anybody gets the object without a key, whatever our settings say, with the way out: from a bucket alone."""
    storage = _storage()
    return list(bucket.open_doors(storage, name)) if bucket.is_s3(storage) else []


def listing(folder: str) -> Iterator[Listed]:
    """What is there under that folder, in no order, never held in memory whole; Unavailable when the storage fails."""
    try:
        storage = _storage()
        yield from bucket.listing(storage, folder) if bucket.is_s3(storage) else _walk(storage, folder)
    except Exception as error:  # as above
        raise Unavailable(f"storage: the files cannot be listed: {error}") from error


def content_digest(name: str) -> str:
    """The SHA-256 of an object; errors as for `read`."""
    found = sha256()
    with open_file(name) as file:
        try:
            while chunk := file.read(CHUNK):
                found.update(chunk)
        except Exception as error:  # as above
            raise Unavailable(f"storage: the file {name} could not be read: {error}") from error
    return found.hexdigest()


def remove(name: str) -> None:
    """Removes an object; one that is not there is removed already. Unavailable when the storage fails."""
    try:
        _storage().delete(name)
    except Exception as error:  # as above
        raise Unavailable(f"storage: the file {name} could not be removed: {error}") from error


def discard(name: str) -> bool:
    """Removes an object that nothing names any more; one that cannot be removed now is logged and left: False."""
    try:
        remove(name)
    except Unavailable as error:  # what is under way matters more than a superfluous file
        logger.warning("a superfluous file is left: %s", error)
        return False
    return True


def discard_beginning(place: str) -> None:
    """Removes the files whose names begin with that, of one folder, and the folder once it is empty.

    Unavailable when the storage fails. One that never tells what is in a folder leaves them, which is logged: nobody
    can guess their names.
    """
    folder, beginning = place.rsplit("/", 1)
    try:
        storage = _storage()
        files = storage.listdir(folder)[1]
        ours = [name for name in files if name.startswith(beginning)]
        for name in ours:
            storage.delete(f"{folder}/{name}")
        if len(ours) == len(files):
            storage.delete(folder)
    except FileNotFoundError:
        pass
    except Exception as error:  # as above
        if not (isinstance(error, NotImplementedError) or bucket.denies(error)):
            raise Unavailable(f"storage: superfluous files in {folder} could not be removed: {error}") from error
        logger.warning("superfluous files are left in %s: %s", folder, error)


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
    except Unavailable as failed:
        failed.left = next((name for name in (failed.left, *_refused(files)) if name), "")
        raise
    finally:
        _provisional.reset(token)
        _refused(files)


def _refused(files: Provisional) -> list[str]:
    """Removes what was not kept; the names of what cannot be removed now."""
    names, files.names = files.names, []
    return [name for name in names if not discard(name)]


def is_ours(name: str) -> bool:
    """Whether it is a name as `spread` makes them: a bucket may hold more than is Conferral's."""
    return bool(_OURS.fullmatch(name))


def is_local(storage: Storage) -> bool:
    """Whether its files are files of this machine."""
    try:
        storage.path("x")
    except NotImplementedError:
        return False
    return True


def _save(name: str, content: bytes, media_type: str) -> str:
    file = ContentFile(content)
    file.content_type = media_type  # type: ignore[attr-defined]  # django-storages reads it, Django's do not mind
    try:
        storage = _storage()
    except Exception as error:  # whatever a backend raises that is missing, or does not know an option
        raise Unavailable(f"storage: the file could not be written: {error}") from error
    if public := bucket.exposure(storage):
        raise Unavailable(f"storage: nothing is written, for it would not be private: {public}")
    try:
        return storage.save(name, file)
    except Exception as error:  # each backend has errors of its own, and no common base
        failed = Unavailable(f"storage: the file could not be written: {error}")
        # A disk that is full keeps what was written so far; a bucket has all of it when only its answer was lost.
        failed.left = "" if discard(name) else name
        raise failed from error


def _outcome(call: Callable[[], R]) -> R | Exception:
    try:
        return call()
    except Exception as error:  # whoever asked for all of them deals with each
        return error


def _walk(storage: Storage, folder: str) -> Iterator[Listed]:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in files:
        path = f"{folder}/{name}"
        try:
            yield Listed(path, storage.size(path), storage.get_modified_time(path).timestamp())
        except FileNotFoundError:
            continue  # removed since
    for name in folders:
        yield from _walk(storage, f"{folder}/{name}")


def _storage() -> Storage:
    alias = _alias()
    entry = current().storage
    if alias == DEFAULT_STORAGE_ALIAS and not entry:
        return storages[alias]  # the site's own, which is not ours to change
    made = _made(json.dumps(entry, sort_keys=True)) if alias == DEFAULT_STORAGE_ALIAS else storages[alias]
    if bucket.is_s3(made):
        bucket.complete(made)
    return made


@cache
def _made(entry: str) -> Storage:
    return storages.create_storage(json.loads(entry))


def _alias() -> str:
    alias = current().storage_alias
    return alias if alias in storages.backends else DEFAULT_STORAGE_ALIAS
