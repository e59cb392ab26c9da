"""Tables for spreadsheets: CSV in which no cell is a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: a learner may be called `=HYPERLINK(…)`."""


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a CSV file, one by one; the first has a byte order mark, by which spreadsheets know UTF-8."""
    yield "\N{ZERO WIDTH NO-BREAK SPACE}" + _line(header)
    for row in rows:
        yield _line(row)


def defused(value: object) -> str:
    """The cell's text, with an apostrophe before it where a spreadsheet would take it for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([defused(cell) for cell in cells])
    return out.getvalue()
