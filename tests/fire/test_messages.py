"""What brokers and clocks do to messages: lose, repeat, reorder, keep too long."""

import random
import socket
import time

import pytest

LEARNERS = 400
LEASE = 10
BEAT = 60
"""Seconds between two sweeps."""


def test_two_clocks_and_every_message_many_times(fire, tell):
    """Two beats and two workers; and somebody who sends every message again and again, in any order."""
    chance = random.Random("two clocks")
    site = fire("postgresql", "rabbitmq", LEARNERS, schedule=', schedule: {crontab: "* * * * *"}')
    ((configuration,),) = site.rows("select id from conferral_credentialconfiguration")
    for start in (site.beat, site.beat, site.worker, site.worker):
        start()
    site.make_due()
    sent = 0
    end = time.monotonic() + 65  # beyond a whole minute: both clocks have woken the configuration by then
    while time.monotonic() < end or not site.done(LEARNERS):
        assert time.monotonic() < end + 120, site.log()
        for name in chance.choices(("run_if_due", "generate", "deliver", "sweep"), k=5):
            site.nudge(f"conferral.{name}", *((configuration,) if name == "run_if_due" else ()))
            sent += 1
        time.sleep(0.05)
    site.assert_right(LEARNERS, repeats=0)
    runs = site.number("select count(*) from conferral_run where status = 'finished'")
    issuing = site.number("select count(*) from conferral_run where issued > 0")
    assert issuing == 1
    assert runs <= 3  # the one that was overdue, and one for each minute
    tell(f"2 beats, 2 workers, {sent} superfluous messages: {runs} runs, 1 issued")


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_the_broker_is_restarted_and_has_forgotten(fire, server, tell, broker):
    """Redis forgets all; RabbitMQ keeps its queues and closes its connections. The next sweep of beat makes it good."""
    site = fire("postgresql", broker, LEARNERS, CONFERRAL_LEASE_SECONDS=str(LEASE))
    site.beat()
    worker = site.worker()
    site.make_due()
    site.nudge()
    site.wait(lambda: site.progress() > 60, "some files")
    site.kill(worker)
    broken = server(broker)
    broken.stop()
    # What it held is held by another machine, as far as anybody here knows: it has to wait for its lease.
    host = socket.gethostname()
    for table in ("conferral_credentialartifact", "conferral_delivery"):
        site.database.do(f"update {table} set claim = replace(claim, '{host}', 'elsewhere.example') where claim <> ''")
    time.sleep(2)
    broken.start()
    since = time.monotonic()
    site.worker()
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", patience=LEASE + 2 * BEAT)
    took = time.monotonic() - since
    site.assert_right(LEARNERS)
    tell(f"{broker}: complete {took:.0f} s after it came back; allowed {LEASE + 2 * BEAT} s")


def test_old_and_new_code_at_once(fire, tell):
    """Messages of another version are dropped; the sweep asks for the same again, in words that are understood."""
    site = fire("postgresql", "redis", 100)
    site.worker()
    site.make_due()
    ((configuration,),) = site.rows("select id from conferral_credentialconfiguration")
    site.wait(lambda: site.number("select count(*) from conferral_run") == 0 and "ready" not in site.log(), "a start")
    for name in ("sweep", "generate", "deliver"):
        site.nudge(f"conferral.{name}", version=99)
    site.nudge("conferral.run_if_due", configuration, "an argument of the future", version=99)
    site.nudge("conferral.of_the_future", version=99)
    site.wait(lambda: site.done(100), "all certificates and mails", nudging=2)
    site.assert_right(100, repeats=0)
    assert site.log().count("Traceback") == site.log().count("KeyError: 'conferral.of_the_future'") == 1
    tell("5 messages of version 99, one of them of an unknown task: dropped; complete with the next sweep")
