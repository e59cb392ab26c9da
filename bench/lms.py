"""`make bench-lms`: what it costs to read a course, inside the LMS and over HTTP, for small and large courses.

Inside is the `platform` gateway on the tests' stand-in for the LMS, on SQLite; over HTTP is the `rest` gateway beside a
server that answers from memory. So the figures are ours: what a real LMS needs for its answers comes on top. `--json`
prints a list of `{figure, measured, limit, holds}`; `--sizes 200,2000` chooses the courses' learners.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from table import show

ROOT = Path(__file__).parent.parent
SMALL, LARGE = 28, 720
SUBSECTIONS = {SMALL: 8, LARGE: 60}
GRADED = {SMALL: 6, LARGE: 12}
KEY = "course-v1:Bench+B{blocks}+{size}"
POLICY = {
    "Homework": {"weight": 0.5, "min_count": 3, "drop_count": 1},
    "Final Exam": {"weight": 0.5, "min_count": 1, "drop_count": 0},
}
REPEATS = 3
PAGE = 1000
QUERIES_PER_PAGE = 4
CALLS_LIMIT = 40
MINUTES = 10


def set_up(home):
    """Django, with the stand-in for the LMS as its project."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests/lms_double")]
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = str(home / "bench.sqlite3")
    settings.CONFERRAL_PAGE_SIZE = PAGE
    django.setup()
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)


@contextmanager
def counted(counts):
    from django.db import connection

    def count(execute, *arguments):
        counts["queries"] += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        yield


def inside(size, blocks):
    """Queries, and ms per learner, of reading everything of everybody; median of a few."""
    from campus import Campus
    from conferral.contract import Need
    from conferral.lms.platform.gateway import PlatformGateway

    graded = GRADED[blocks]
    categories = ["Homework"] * (graded - 1) + ["Final Exam"] + [None] * (SUBSECTIONS[blocks] - graded)
    key = KEY.format(blocks=blocks, size=size)
    course = Campus(key, POLICY, categories, blocks=blocks)
    course.many(size, first=blocks * 1_000_000 + size * 10)
    needs = frozenset({Need.COMPLETION, Need.GRADES})
    seconds, counts = [], Counter()
    for _ in range(REPEATS):
        counts.clear()
        with counted(counts), PlatformGateway().reading() as lms:
            context = lms.describe(key)
            counts.clear()
            begun = time.perf_counter()
            read = sum(len(page) for page in lms.progress(context, needs))
            seconds.append(time.perf_counter() - begun)
        assert read == size
    return counts["queries"], statistics.median(seconds) * 1000 / size


def over_http(size, blocks):
    """Calls, and ms per learner; the server's own time for making its pages is left out by a first reading."""
    from tests.services.lms_http import generated, serving

    from conferral.contract import Need
    from conferral.lms.rest.gateway import RestGateway
    from conferral.lms.rest.settings import RestSettings

    key = KEY.format(blocks=blocks, size=size)
    needs = frozenset({Need.COMPLETION, Need.GRADES})
    seconds = []
    with serving(generated(size, key, subsections=GRADED[blocks])) as server:
        gateway = RestGateway()
        gateway.settings = RestSettings(**server.settings(page_size=PAGE))
        for _ in range(REPEATS + 1):
            server.forget()
            with gateway.reading() as lms:
                context = lms.describe(key)
                begun = time.perf_counter()
                read = sum(len(page) for page in lms.progress(context, needs))
                seconds.append(time.perf_counter() - begun)
            assert read == size
        calls = server.calls.total()
    return calls, statistics.median(seconds[1:]) * 1000 / size


def measure(sizes):
    for blocks in (SMALL, LARGE):
        for size in sizes:
            pages = -(-size // PAGE)
            what = f"{size:,} learners, {blocks} blocks"
            queries, each = inside(size, blocks)
            limit = pages * QUERIES_PER_PAGE + 1  # the page after the last, where the last is full
            yield f"inside: queries, {what}", str(queries), f"≤ {limit}", queries <= limit
            minutes = each * 10_000 / 60_000
            yield f"inside: ms per learner, {what}", f"{each:.3f}", f"10,000 in ≤ {MINUTES} min", minutes <= MINUTES
            calls, each = over_http(size, blocks)
            yield f"over HTTP: calls, {what}", str(calls), f"≤ {CALLS_LIMIT}", calls <= CALLS_LIMIT
            yield f"over HTTP: ms per learner, {what}", f"{each:.3f}", "", None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", default="200,2000,10000")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conferral-bench-") as home:
        set_up(Path(home))
        rows = list(measure([int(size) for size in options.sizes.split(",")]))
        show(rows, as_json=options.json)


if __name__ == "__main__":
    main()
