"""The main job on a real PostgreSQL: the same command, the same outcome, killed and completed."""

import os
import signal

import psycopg
import pytest

from tests.acceptance.conftest import COURSE, site  # noqa: F401 - the fixture
from tests.services import postgresql


@pytest.fixture(scope="module")
def database_url():
    try:
        with postgresql.running() as url:
            yield url
    except postgresql.Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


def test_the_main_job_killed_and_completed(site, database_url):  # noqa: F811 - pytest's way with fixtures
    site.environment |= {"DATABASE_URL": database_url, "CONFERRAL_PAGE_SIZE": "10", "CONFERRAL_BATCH_SIZE": "10"}
    site.set_up([(f"learner-{number}", f"Learner {number}", "1") for number in range(60)])

    process = site.start("run", "--json")
    while not any(credential["state"] == "available" for credential in site.json("credentials", COURSE)):
        assert process.poll() is None or site.json("credentials", COURSE)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    (run,) = site.json("run")
    assert run["status"] == "finished"
    issued = site.json("credentials", COURSE)
    assert len(issued) == len({credential["username"] for credential in issued}) == 60
    assert {credential["state"] for credential in issued} == {"available"}


def test_a_run_that_takes_long_to_be_closed_is_left_in_peace(site, database_url):  # noqa: F811 - as above
    """Longer than the lease, while its row is locked: as for a hundred thousand learners on a slow disk."""
    site.environment |= {"DATABASE_URL": database_url, "CONFERRAL_LEASE_SECONDS": "5"}
    site.set_up([("ana", "Ana", "1")])
    slowly = "begin perform pg_sleep(11); return null; end"
    when = "after update on conferral_credential for each statement when (pg_trigger_depth() = 0)"
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute(f"create function slowly() returns trigger language plpgsql as $$ {slowly} $$")
        database.execute(f"create trigger slowly {when} execute function slowly()")
    process = site.start("run", "--json")
    _, complaints = process.communicate(timeout=100)
    assert process.returncode == 0, complaints
    with psycopg.connect(database_url) as database:
        assert database.execute("select status from conferral_run order by id desc limit 1").fetchone() == ("finished",)
        database.execute("drop function slowly cascade")
