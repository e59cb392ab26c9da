"""A course read over HTTP, whole or for one learner: each source in a thread of its own, joined on disk."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import quote

from conferral.contract import Need
from conferral.lms.rest.client import Client, LMSError, NotThere
from conferral.lms.rest.grading import averages
from conferral.lms.rest.spool import Spool

Row = tuple[Any, ...]
Pages = Callable[[str], Iterator[list[Any]]]
"""Reads a source, whose path it is given."""
GRADES = "/api/grades/v1/courses/{key}/"
GRADEBOOK = "/api/grades/v1/gradebook/{key}/"
INFO = "/api/grades/v1/gradebook/{key}/grading-info"
COMPLETION = "/completion-aggregator/v1/course/{key}/"
COURSE = "/api/courses/v1/courses/{key}/"


def address(pattern: str, key: str) -> str:
    """The path of an API for that course."""
    return pattern.format(key=quote(key, safe=""))


def of_everybody(client: Client, page_size: int) -> Pages:
    """Pages of everybody enrolled."""
    return lambda path: client.pages(path, page_size=page_size)


def of_one(client: Client, username: str) -> Pages:
    """What is known of one learner: as an object, in a list, or in a page, by source; no page where nothing is."""

    def pages(path: str) -> Iterator[list[Any]]:
        with suppress(NotThere):
            found = client.get(path, username=username)
            with known_shape(path):
                rows = found.get("results", [found]) if isinstance(found, dict) else found
                yield [{"username": username, **row} for row in rows]

    return pages


def read(client: Client, key: str, needs: frozenset[Need], pages: Pages) -> Spool:
    """Whom the pages tell of, with those figures; an error when any page of any source could not be read."""
    sources: list[Callable[[], None]] = []
    spool = Spool()
    if Need.COMPLETION in needs:
        sources.append(partial(_read, spool, ("completion",), _completion(pages(address(COMPLETION, key)))))
    if Need.GRADES in needs:
        policy = grading_info(client, key)["assignment_types"]
        sources.append(partial(_read, spool, ("categories",), _gradebook(pages(address(GRADEBOOK, key)), policy)))
    if needs & {Need.GRADES, Need.TOTAL} or not sources:
        sources.append(partial(_read, spool, ("total", "passing"), _grades(pages(address(GRADES, key)))))
    try:
        client.at_once(lambda source: source(), sources)
    except BaseException:
        spool.close()
        raise
    return spool


def grading_info(client: Client, key: str) -> Any:
    """Cutoffs by letter, and assignment types with `weight`, `min_count`, `drop_count`."""
    return client.get(address(INFO, key), graded_only="true")


def _read(spool: Spool, columns: Sequence[str], pages: Iterator[list[Row]]) -> None:
    for rows in pages:
        spool.put(columns, rows)


def _grades(pages: Iterator[list[Any]]) -> Iterator[list[Row]]:
    for page in pages:
        with known_shape(GRADES):
            rows = [(each["username"], _share(each["percent"]), bool(each["letter_grade"])) for each in page]
        yield rows


def _gradebook(pages: Iterator[list[Any]], policy: Any) -> Iterator[list[Row]]:
    for page in pages:
        with known_shape(GRADEBOOK):
            rows = [(each["username"], _as_text(averages(each["section_breakdown"], policy))) for each in page]
        yield rows


def _completion(pages: Iterator[list[Any]]) -> Iterator[list[Row]]:
    for page in pages:
        with known_shape(COMPLETION):
            rows = [(each["username"], _share(each["completion"]["percent"])) for each in page]
        yield rows


def _as_text(shares: Mapping[str, Decimal]) -> str:
    return json.dumps({name: f"{share:f}" for name, share in shares.items()})


def _share(value: Any) -> str:
    """A share as it was sent, to its last digit; extra credit beyond the whole is the whole."""
    return f"{min(Decimal(0 if value is None else value), Decimal(1)):f}"


@contextmanager
def known_shape(path: str) -> Iterator[None]:
    """An answer of another shape is an LMSError that says which API gave it."""
    try:
        yield
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise LMSError(f"{path}: answers in another shape than is known ({error!r})") from error
