"""The inventory: what the database names and what the storage has, held beside each other, however many there are.

What the database names is written down in a temporary SQLite file, page by page. Then the storage's list is read once,
in whatever order it comes, and each object is ticked off. So neither is ever in memory whole, and no database needs an
index for it.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from conferral import storage
from conferral.bucket import Listed
from conferral.contract import ConferralError
from conferral.models import CredentialArtifact, CredentialAsset
from conferral.models.verification import shown

FOLDERS = ("assets", "credentials")
PAGE = 500
"""Names that a database is asked about at a time; SQLite takes no more than 999."""
REMEMBERED = 1000
"""Troubles of one kind that are told one by one; all are counted."""
MISSING, SIZE, CONTENT, ORPHAN = "missing", "size", "content", "orphan"
DAY = 86400
"""Seconds."""
GONE = "it is not in the storage"
T = TypeVar("T")
_SCHEMA = "CREATE TABLE named (name TEXT, size INTEGER, sha256 TEXT, model TEXT, pk INTEGER, kind TEXT, said TEXT)"


class Trouble(NamedTuple):
    """One object, what is wrong with it, and which credential or asset it belongs to."""

    kind: str
    name: str
    said: str
    owner: str = ""


@dataclass(slots=True)
class Found:
    """What an inventory found. `young` are objects that nobody names yet, written lately: work in progress."""

    named: int = 0
    objects: int = 0
    size: int = 0
    young: int = 0
    removed: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys((MISSING, SIZE, CONTENT, ORPHAN), 0))
    troubles: list[Trouble] = field(default_factory=list)

    def note(self, trouble: Trouble) -> None:
        """Counts it, and remembers it if there are not too many."""
        self.counts[trouble.kind] += 1
        if self.counts[trouble.kind] <= REMEMBERED:
            self.troubles.append(trouble)


def take(*, content: bool = False, remove_orphans: bool = False, older_than: float = DAY) -> Found:
    """Compares both sides; with `content`, every file is read and hashed. Unavailable when the storage fails.

    An orphan is an object of ours that nobody names, written more than `older_than` seconds ago: what is being made
    now is stored before it is recorded. Only these are removed, and only if there are fewer of them than of the others:
    else the bucket is rather another site's, too.
    """
    found, before = Found(), time.time() - older_than
    with closing(sqlite3.connect("")) as book:  # a file of its own, which is gone when it is closed
        book.execute(_SCHEMA)
        book.execute("CREATE TABLE orphan (name TEXT)")
        for row in _named():
            book.execute("INSERT INTO named VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, MISSING, GONE))
            found.named += 1
        book.execute("CREATE INDEX by_name ON named (name)")
        for folder in FOLDERS:
            for page in _pages(storage.listing(folder)):
                _tick_off(book, page, found, before, content=content)
        for trouble in _still_wrong(book):
            found.note(trouble)
        if remove_orphans:
            _remove(book, found)
    return found


def _named() -> Iterator[tuple[str, int | None, str, str, int]]:
    for model in (CredentialAsset, CredentialArtifact):
        last = 0
        rows: Any = model.objects.exclude(storage_name="").order_by("pk")
        rows = rows.values_list("storage_name", "size", "sha256", "pk")
        while page := list(rows.filter(pk__gt=last)[: PAGE * 10]):
            for name, size, sha256, pk in page:
                yield name, size, sha256, model.__name__, pk
            last = page[-1][-1]


def _tick_off(book: sqlite3.Connection, page: Sequence[Listed], found: Found, before: float, *, content: bool) -> None:
    """What is as it was recorded leaves the book; what differs is marked, with how; what nobody names is an orphan."""
    for each in page:
        row = book.execute("SELECT size, sha256 FROM named WHERE name = ?", (each.name,)).fetchone()
        if row is None and not storage.is_ours(each.name):
            continue
        found.objects += 1
        found.size += each.size
        if row is None and each.written > before:
            found.young += 1
        elif row is None:
            book.execute("INSERT INTO orphan VALUES (?)", (each.name,))
            found.note(Trouble(ORPHAN, each.name, f"{each.size:,} bytes that nobody names"))
        elif difference := _difference(each, *row, content=content):
            book.execute("UPDATE named SET kind = ?, said = ? WHERE name = ?", (*difference, each.name))
        else:
            book.execute("DELETE FROM named WHERE name = ?", (each.name,))


def _difference(each: Listed, size: int | None, sha256: str, *, content: bool) -> tuple[str, str] | None:
    if size is not None and each.size != size:
        return SIZE, f"it has {each.size:,} bytes instead of {size:,}"
    try:
        if content and sha256 and storage.content_digest(each.name) != sha256:
            return CONTENT, "its SHA-256 is another one"
    except storage.Lost:  # removed since it was listed: whoever did so has changed the row as well
        return MISSING, GONE
    return None


def _still_wrong(book: sqlite3.Connection) -> Iterator[Trouble]:
    """What was not ticked off, if the database still says what it said: meanwhile, others work."""
    left, last = "SELECT rowid, name, model, pk, kind, said FROM named WHERE rowid > ? ORDER BY rowid LIMIT ?", 0
    while page := book.execute(left, (last, PAGE)).fetchall():
        last = page[-1][0]
        for model, still in STILL.items():
            marked = {pk: (name, kind, said) for _, name, of, pk, kind, said in page if of == model}
            for row in still().filter(pk__in=marked):
                name, kind, said = marked[row.pk]
                if row.storage_name == name:
                    yield Trouble(kind, name, said, _owner(row))


def _assets() -> Any:
    return CredentialAsset.objects.all()


def _artifacts() -> Any:
    """Without those that are to be made again, or moved: they are taken care of."""
    ready = CredentialArtifact.objects.filter(state=CredentialArtifact.State.STORED, next_try=None)
    return ready.select_related("credential")


def _owner(row: CredentialAsset | CredentialArtifact) -> str:
    return str(row) if isinstance(row, CredentialAsset) else shown(row.credential.verification_id)


def _remove(book: sqlite3.Connection, found: Found) -> None:
    right = found.objects - found.counts[ORPHAN] - found.young
    if found.counts[ORPHAN] > right:
        raise ConferralError(
            f"{found.counts[ORPHAN]:,} objects are orphans and {right:,} are not: none is removed, for they rather "
            "belong to another site that shares the bucket; give each site its `location`"
        )
    orphans = (name for (name,) in book.execute("SELECT name FROM orphan"))
    for page in _pages(orphans):
        named = {
            name
            for model in (CredentialAsset, CredentialArtifact)
            for name in model.objects.filter(storage_name__in=page).values_list("storage_name", flat=True)
        }
        for name in page:
            if name not in named:
                storage.remove(name)
                found.removed += 1


def _pages(items: Iterable[T]) -> Iterator[list[T]]:
    items = iter(items)
    while page := list(islice(items, PAGE)):
        yield page


STILL: dict[str, Callable[[], Any]] = {"CredentialAsset": _assets, "CredentialArtifact": _artifacts}
"""By model: the rows whose file has to be there."""
