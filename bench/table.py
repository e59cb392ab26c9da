"""How benches print: a table for people, or JSON."""

import json

Row = tuple[str, str, str, bool | None]
"""Figure, what was measured, the limit, and whether it holds (None: there is no limit, or it could not be measured)."""

VERDICTS = {None: "", True: "holds", False: "falls short"}


def show(rows: list[Row], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([dict(zip(("figure", "measured", "limit", "holds"), row, strict=True)) for row in rows]))
        return
    width, measured, limit = (max(len(row[column]) for row in rows) for column in range(3))
    for figure, *values, holds in rows:
        print(f"{figure:<{width}}  {values[0]:>{measured}}  {values[1]:>{limit}}  {VERDICTS[holds]}".rstrip())
