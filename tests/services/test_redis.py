"""`conferral serve` on a broker of production: a configuration runs at its time, and its mails go out."""

import os
import signal

import pytest

from tests.acceptance.conftest import site  # noqa: F401 - the fixture
from tests.acceptance.test_serve import wait_until
from tests.services import redis, smtp


@pytest.fixture
def broker():
    try:
        with redis.running() as server:
            yield server.url
    except redis.Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


def test_a_configuration_runs_at_its_time(site, broker):  # noqa: F811 - pytest's way with fixtures
    with smtp.running() as server:
        site.environment |= {"CELERY_BROKER_URL": broker, "EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
        site.set_up([("ana", "Ana", "1"), ("bo", "Bo", "0.1")], ', schedule: {crontab: "* * * * *"}')
        process = site.start("serve", "--port", str(smtp.free_port()))
        try:
            wait_until(lambda: server.recipients == ["ana@example.com"], "the mail")
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
        assert process.returncode == 0
        assert not (site.home / "broker").exists()
