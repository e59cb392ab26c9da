"""The main job on a real PostgreSQL: the same command, the same outcome, killed and completed."""

import os
import signal

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
