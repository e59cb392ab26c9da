"""Roster files: CSV or JSON → checked rows. A wrong file is refused whole, with the file, the row and the way out."""

import csv
import json
import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection

from conferral.contract import ConferralError
from conferral.contract.options import share
from conferral.contract.text import check_line

PERSON_COLUMNS = ("email", "name", "language", "active")
COLUMNS = ("username", *PERSON_COLUMNS, "completion")
GRADE = "grade:"
LENGTHS = {"username": 255, "name": 255, "email": 254, "language": 35}
LARGEST_JSON = 4_000_000
LONGEST_LINE = 1_000_000
"""Bytes: JSON is read whole, and takes thirty times its size in memory; CSV is read by the line, however long it is."""
_ACTIVE = {"": True, "yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class RosterError(ConferralError):
    """A roster file that is refused."""


@dataclass(frozen=True, slots=True)
class Row:
    """One learner. `person` has the columns of PERSON_COLUMNS that the file has; shares are decimal strings."""

    username: str
    person: dict[str, Any] = field(default_factory=dict)
    completion: str = ""
    grades: dict[str, str] = field(default_factory=dict)


class Seen:
    """The usernames of a file, on disk: a million of them take no memory. A temporary file, gone when it is closed."""

    def __init__(self) -> None:
        # SQLite makes a file without a name, and spills to it what does not fit its cache.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("CREATE TABLE seen (folded TEXT PRIMARY KEY, username TEXT, place TEXT) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, username: str, place: str) -> str:
        """Where it was before, in whatever case: some databases do not tell, and no person should have to. Else ""."""
        folded = _folded(username)
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (folded, username, place))
        if added.rowcount:
            return ""
        first, spelt = self._found(username)
        return first if spelt == username else f"{first}, as {spelt!r}"

    def has(self, username: str) -> bool:
        """Whether it was added, in exactly this spelling."""
        return self._found(username)[1] == username

    def place(self, username: str) -> str:
        """Where it is, in whatever spelling."""
        return self._found(username)[0]

    def close(self) -> None:
        """Removes the file."""
        self._database.close()

    def _found(self, username: str) -> tuple[str, str]:
        found = self._database.execute("SELECT place, username FROM seen WHERE folded = ?", (_folded(username),))
        place, spelt = found.fetchone() or ("", "")
        return str(place), str(spelt)


def _folded(username: str) -> str:
    """Without what tells no two usernames apart: case, and accents where the database minds none."""
    if connection.vendor != "mysql":
        return username.casefold()
    apart = unicodedata.normalize("NFKD", username.casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))


def read(path: Path, seen: Seen) -> Iterator[Row]:
    """The rows of a CSV or JSON file, one after the other; a RosterError for the first thing that is wrong.

    CSV is read line by line, however long it is. `seen` then has the usernames.
    """
    records = _json(path) if path.suffix.lower() == ".json" else _csv(path)
    count = 0
    for place, record in records:
        row = _row(place, record)
        if first := seen.add(row.username, place):
            raise RosterError(f"{place}: username {row.username!r} is there already ({first}); remove one of the two")
        yield row
        count += 1
    if not count:
        raise RosterError(f"{path}: has no learners; add a row for each below the header")


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise RosterError(
                        f"{path}: line {number}: is longer than {LONGEST_LINE:,} bytes; is it a CSV file?"
                    )
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError:
                    raise RosterError(
                        f"{path}: line {number}: is not UTF-8; save the file as CSV with the encoding UTF-8"
                    ) from None
    except OSError as error:
        raise RosterError(f"{path}: cannot be read: {error.strerror}") from None


def _csv(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    lines = _lines(path)
    header = next(lines, "")
    if not header.strip() and not any(line.strip() for line in lines):
        raise _empty(path)
    # Spreadsheets export what the computer's region uses between columns.
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
    try:
        columns = [_column(column) for column in next(reader)]
        _check_columns(f"{path}: line 1", columns)
        for cells in reader:
            if not any(cells):
                continue
            place = f"{path}: line {reader.line_num}"
            if len(cells) != len(columns):
                raise RosterError(f"{place}: has {len(cells)} cells, the header has {len(columns)} columns")
            yield place, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise RosterError(f"{path}: line {reader.line_num}: is not CSV: {error}") from None


def _empty(path: Path) -> RosterError:
    return RosterError(f"{path}: is empty; the first line names the columns, for example username,email,name")


def _json_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_JSON:
            limit = LARGEST_JSON // 1_000_000
            raise RosterError(f"{path}: is larger than {limit} MB; save it as CSV, which is read line by line")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RosterError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RosterError(f"{path}: is not UTF-8; save the file with the encoding UTF-8") from None
    if not text.strip():
        raise _empty(path)
    return text


def _json(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    text = _json_text(path)
    try:
        records = json.loads(text, parse_float=str, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError) as error:
        raise RosterError(f"{path}: is not JSON: {error}") from None
    if not isinstance(records, list):
        raise RosterError(f'{path}: a list of learners is expected: [{{"username": …}}, …]')
    for number, record in enumerate(records, 1):
        place = f"{path}: learner {number}"
        if not isinstance(record, Mapping):
            raise RosterError(f'{place}: {record!r} is no object; write {{"username": …, "name": …}}')
        columns = [_column(key) for key in record]
        _check_columns(place, columns)
        cells = [_cell(place, column, value) for column, value in zip(columns, record.values(), strict=True)]
        yield place, dict(zip(columns, cells, strict=True))


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key is there twice in one object")
    return record


def _column(name: str) -> str:
    """A column's name without the spaces that people add, in one spelling."""
    prefix, colon, rest = unicodedata.normalize("NFC", name).partition(":")
    return f"{prefix.strip()}{colon}{rest.strip()}"


def _cell(place: str, column: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int):
        return str(value)
    raise RosterError(f"{place}: {column}: {value!r} is not accepted; write a text or a number")


def _check_columns(place: str, columns: list[str]) -> None:
    if "username" not in columns:
        raise RosterError(
            f"{place}: there is no column `username`; the first line names the columns: {','.join(COLUMNS)},grade:…"
        )
    for column in columns:
        _text(place, "a column's name", column)
        if column not in COLUMNS and not (column.startswith(GRADE) and column != GRADE):
            raise RosterError(
                f"{place}: unknown column {column!r}; known: {', '.join(COLUMNS)}, grade:TYPE, grade:total"
            )
        if columns.count(column) > 1:
            raise RosterError(f"{place}: the column {column!r} is there twice")


def _row(place: str, record: Mapping[str, str]) -> Row:
    cells = {column: _text(place, column, value) for column, value in record.items()}
    if not cells.get("username"):
        raise RosterError(f"{place}: username is empty")
    person: dict[str, Any] = {column: cells[column] for column in PERSON_COLUMNS if column in cells}
    if person.get("email"):
        try:
            validate_email(person["email"])
        except ValidationError:
            raise RosterError(
                f"{place}: email: {person['email']!r} is not an address; correct it or leave it empty"
            ) from None
    if "active" in person:
        person["active"] = _yes_or_no(place, person["active"])
    return Row(
        username=cells["username"],
        person=person,
        completion=_share(place, "completion", cells["completion"]) if "completion" in cells else "",
        grades={
            column.removeprefix(GRADE): _share(place, column, value)
            for column, value in cells.items()
            if column.startswith(GRADE)
        },
    )


def _text(place: str, column: str, value: str) -> str:
    """The cell trimmed and composed (NFC), so that one name has one spelling."""
    text = unicodedata.normalize("NFC", value.strip())
    limit = LENGTHS.get(column)
    if limit and len(text) > limit:
        raise RosterError(f"{place}: {column}: {text[:30]!r}… has {len(text)} characters, at most {limit} are allowed")
    try:
        return check_line(text)
    except ValueError as error:
        raise RosterError(f"{place}: {column}: {text!r} is not accepted: {error}") from None


def _yes_or_no(place: str, value: str) -> bool:
    try:
        return _ACTIVE[value.lower()]
    except KeyError:
        raise RosterError(f"{place}: active: {value!r} is not accepted; write yes or no") from None


def _share(place: str, column: str, value: str) -> str:
    """A share as the file has it; nothing attempted is zero, as on the platform."""
    try:
        return f"{share(value or 0):f}"
    except ValueError:
        raise RosterError(
            f"{place}: {column}: {value!r} is not a share; write a number from 0 to 1, for example 0.795"
        ) from None
