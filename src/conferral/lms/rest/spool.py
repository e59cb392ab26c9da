"""What was read of courses, on disk: a run keeps hundred thousand learners without keeping them in memory."""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from conferral.contract import Grades, Need, Progress

BATCH = 500
"""Learners that are looked up by one statement."""


class Spool:
    """One course's learners with the figures of each source. A temporary file, gone when it is closed."""

    def __init__(self) -> None:
        # SQLite makes a file without a name, and spills to it what does not fit its cache.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._lock = threading.Lock()
        self._database.execute(
            "CREATE TABLE learner (id INTEGER PRIMARY KEY, username TEXT UNIQUE, "
            "total TEXT, passing INTEGER, categories TEXT, completion TEXT)"
        )

    def close(self) -> None:
        """Removes the file."""
        self._database.close()

    def put(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Figures of a page: the username, then those columns. A learner who comes twice is one."""
        names = ", ".join(columns)
        marks = ", ".join("?" * (len(columns) + 1))
        update = ", ".join(f"{name} = excluded.{name}" for name in columns) or "username = excluded.username"
        statement = (
            f"INSERT INTO learner (username{', ' + names if names else ''}) VALUES ({marks}) "  # noqa: S608 - our names  # nosec B608
            f"ON CONFLICT (username) DO UPDATE SET {update}"
        )
        with self._lock:
            self._database.execute("BEGIN")
            self._database.executemany(statement, rows)
            self._database.execute("COMMIT")

    def pages(self, needs: frozenset[Need], size: int, learners: Collection[str] | None) -> Iterator[list[Progress]]:
        """What was asked for of everybody, or of those learners."""
        for rows in self._rows(size) if learners is None else self._chosen(list(learners)):
            if rows:
                yield [_progress(row).only(needs) for row in rows]

    def _rows(self, size: int) -> Iterator[list[Any]]:
        last = 0
        while rows := self._fetch("id > ? ORDER BY id LIMIT ?", (last, size)):
            yield rows
            last = rows[-1][0]

    def _chosen(self, learners: list[str]) -> Iterator[list[Any]]:
        for start in range(0, len(learners), BATCH):
            part = learners[start : start + BATCH]
            yield self._fetch(f"username IN ({', '.join('?' * len(part))})", part)

    def _fetch(self, where: str, values: Sequence[Any]) -> list[Any]:
        statement = f"SELECT id, username, total, passing, categories, completion FROM learner WHERE {where}"  # noqa: S608  # nosec B608
        with self._lock:
            return self._database.execute(statement, values).fetchall()


def _progress(row: Sequence[Any]) -> Progress:
    _, username, total, passing, categories, completion = row
    by_category = {name: Decimal(share) for name, share in json.loads(categories or "{}").items()}
    grades = Grades(_decimal(total), None if passing is None else bool(passing), by_category=by_category)
    return Progress(username, completion=_decimal(completion), grades=grades)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
