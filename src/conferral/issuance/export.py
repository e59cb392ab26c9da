"""Tables for spreadsheets: CSV in which no cell is a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

SIGNS = r"=+\-@＝＋－＠"
"""What a spreadsheet takes for the beginning of a formula, as one types it anywhere: a learner is `=HYPERLINK(…)`."""
_FORMULA = re.compile(rf"[{SIGNS}\t\r\n]")
_FURTHER = re.compile(rf"([;\t\r\n]\s*)(?=[{SIGNS}])")
"""Where one begins for a spreadsheet that parts cells at semicolons or tabs, as many languages have it."""


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a CSV file, one by one; the first has a byte order mark, by which spreadsheets know UTF-8."""
    yield "\N{ZERO WIDTH NO-BREAK SPACE}" + _line(header)
    for row in rows:
        yield _line(row)


def defused(value: object) -> str:
    """The cell's text, with an apostrophe before what a spreadsheet would take for a formula."""
    text = _FURTHER.sub(r"\1'", "" if value is None else str(value))
    return f"'{text}" if _FORMULA.match(text) else text


def _line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([defused(cell) for cell in cells])
    return out.getvalue()
