"""Servers that the stories under fire share, and sites that end with their story."""

import os
from contextlib import ExitStack

import pytest

from tests.acceptance.conftest import site as site  # noqa: PLC0414 - the fixture
from tests.fire import databases
from tests.fire.ground import prepared
from tests.services import mariadb, postgresql, rabbitmq, redis, smtp, swift

MISSING = (mariadb.Missing, postgresql.Missing, rabbitmq.Missing, redis.Missing, swift.Missing)


@pytest.fixture(scope="session")
def server():
    """The server of that kind: started once, or the reason why it cannot be."""
    stack, started = ExitStack(), {}

    def of(kind):
        if kind not in started:
            context = {"rabbitmq": rabbitmq.running, "redis": redis.running, "swift": swift.running}.get(kind)
            started[kind] = stack.enter_context(context() if context else databases.serving(kind))
        return started[kind]

    with stack:
        yield of


@pytest.fixture(scope="session")
def swift_server(server):
    """The options of buckets on an S3 server that guards what it keeps."""
    try:
        return server("swift")
    except swift.Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest.fixture
def tell(request):
    """Says what was seen, for the table in the documentation: shown by `pytest -rA`, kept in the report."""
    return lambda seen: request.node.add_report_section("call", "seen", seen)


@pytest.fixture
def mails():
    with smtp.running() as running:
        yield running


@pytest.fixture
def fire(site, server, mails):
    """Makes the site of a story; whatever it started is gone afterwards."""
    grounds = []

    def make(database, broker, learners, **more):
        try:
            made = server(database)(f"fire_{os.getpid()}_{os.urandom(4).hex()}", site.home)
            url = server(broker).url if broker else ""
        except MISSING as missing:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(missing))
        site.home.mkdir(exist_ok=True)
        grounds.append(prepared(site, made, url, mails, learners=learners, **more))
        return grounds[-1]

    yield make
    for ground in grounds:
        ground.clear()
