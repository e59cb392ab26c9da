"""A roster as large as they come is imported, and takes no more memory than one that is not."""

import os
import subprocess
import time
from itertools import count

import pytest

from tests.acceptance.conftest import COMMAND, COURSE, DECLARATIONS

MEGABYTE = 1_000_000
SMALL, LARGE = (int(size) for size in os.environ.get("ROSTERS", "20,200").split(","))
MORE = 30
"""Megabytes that the large one may take beyond the small one."""
HEADER = "username,email,name,completion,grade:Homework,grade:Exam,grade:total\n"


def write(path, megabytes):
    """A roster of that size; how many learners it has."""
    size, numbers = 0, count()
    with path.open("w") as file:
        size += file.write(HEADER)
        while size < megabytes * MEGABYTE:
            n = next(numbers)
            address = f"learner-{n:08}@students.example.org"
            size += file.write(f"learner-{n:08},{address},Learner Number {n},0.{n % 1000:03},0.75,0.8,0.78\n")
    return next(numbers)


def peak(site, *arguments):
    """The megabytes that the command had at most, in a process of its own; and the seconds it took."""
    begun = time.monotonic()
    with (site.path / "out").open("wb") as out:
        process = subprocess.Popen([COMMAND, *arguments], cwd=site.path, env=site.environment, stdout=out, stderr=out)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (site.path / "out").read_text()
    return used.ru_maxrss * 1024 / MEGABYTE, time.monotonic() - begun


@pytest.mark.parametrize("megabytes", [(SMALL, LARGE)])
def test_a_large_roster_is_imported_within_the_memory_of_a_small_one(site, tell, megabytes):
    site.write("credentials.yaml", DECLARATIONS)
    site.ok("migrate", "--verbosity", "0")
    site.ok("apply", "credentials.yaml")
    seen = []
    for size in megabytes:
        learners = write(site.path / "roster.csv", size)
        memory, seconds = peak(site, "roster", "import", COURSE, "roster.csv")
        assert site.rows("select count(*) from conferral_rosterentry") == [(learners,)]
        seen.append((memory, f"{size} MB, {learners:,} learners: {memory:.0f} MB of memory, {seconds:.0f} s"))
    tell("; ".join(said for _, said in seen))
    (small, _), (large, _) = seen
    assert large < small + MORE
