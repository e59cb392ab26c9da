"""Roster files: CSV or JSON → checked rows. A wrong file is refused whole, with the file, the row and the way out."""

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from conferral.contract import ConferralError
from conferral.contract.options import share
from conferral.contract.text import check_line

PERSON_COLUMNS = ("email", "name", "language", "active")
COLUMNS = ("username", *PERSON_COLUMNS, "completion")
GRADE = "grade:"
LENGTHS = {"username": 255, "name": 255, "email": 254, "language": 35}
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


def read(path: Path) -> list[Row]:
    """The rows of a CSV or JSON file; a RosterError for the first thing that is wrong."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RosterError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RosterError(f"{path}: line {line}: is not UTF-8; save the file as CSV with the encoding UTF-8") from None
    if not text.strip():
        raise RosterError(f"{path}: is empty; the first line names the columns, for example username,email,name")
    records = _json(path, text) if path.suffix.lower() == ".json" else _csv(path, text)
    rows: list[Row] = []
    places: dict[str, str] = {}
    for place, record in records:
        row = _row(place, record)
        # Some databases do not tell upper from lower case, and no person should have to.
        first = places.setdefault(row.username.casefold(), place)
        if first is not place:
            raise RosterError(f"{place}: username {row.username!r} is there already ({first}); remove one of the two")
        rows.append(row)
    if not rows:
        raise RosterError(f"{path}: has no learners; add a row for each below the header")
    return rows


def _csv(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    header = text.split("\n", 1)[0]
    # Spreadsheets export what the computer's region uses between columns.
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
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


def _json(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
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
