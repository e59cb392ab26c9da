"""What brokers and clocks do to messages: lose, repeat, reorder, keep too long."""

import random
import time
from math import ceil

import pytest

from tests.fire.ground import held_by

LEARNERS = 400
LEASE = 10
BEAT = 60
"""Seconds between two sweeps."""
QUIET = 3
"""Seconds after which nothing goes on any more."""
PAIRS = ((1, 2), (2, 1))
"""Versions of a message, and of the worker that gets it."""


@pytest.mark.parametrize(
    ("database", "broker"), [("postgresql", "rabbitmq"), ("mysql", "redis")], ids=lambda name: name
)
def test_two_clocks_and_every_message_many_times(fire, tell, database, broker):
    """Two beats and two workers; and somebody who sends every message again and again, in any order."""
    chance = random.Random("two clocks")
    site = fire(database, broker, LEARNERS, schedule=', schedule: {crontab: "* * * * *"}')
    ((configuration,),) = site.rows("select id from conferral_credentialconfiguration")
    for start in (site.beat, site.beat, site.worker, site.worker):
        start()
    site.make_due()
    sent, since = 0, time.monotonic()
    end = since + 65  # beyond a whole minute: both clocks have woken the configuration by then
    while time.monotonic() < end or not site.done(LEARNERS):
        assert time.monotonic() < end + 120, site.log()
        for name in chance.choices(("run_if_due", "generate", "deliver", "sweep"), k=5):
            site.nudge(f"conferral.{name}", *((configuration,) if name == "run_if_due" else ()))
            sent += 1
        time.sleep(0.05)
    site.assert_right(LEARNERS)
    runs = site.number("select count(*) from conferral_run where status = 'finished'")
    issuing = site.number("select count(*) from conferral_run where issued > 0")
    assert issuing == 1
    minutes = ceil((time.monotonic() - since) / 60)
    assert runs <= 2 + minutes  # the one that was overdue, and one for each minute that began
    assert sent > 100
    tell(f"{database}, {broker}: 2 beats, 2 workers, {sent} superfluous messages: {runs} runs, 1 issued")


def test_what_a_killed_worker_has_not_acknowledged_is_delivered_again(fire, tell):
    """With acknowledgements after the work, as some sites have them, the broker sends a dead worker's message again."""
    kills = 10
    chance = random.Random("again")
    site = fire("postgresql", "rabbitmq", LEARNERS, DJANGO_SETTINGS_MODULE="tests.fire.acknowledging_late")
    for _ in range(2):
        site.worker(concurrency=1)
    site.make_due()
    for moment in sorted(chance.uniform(0, 2 * LEARNERS * 0.9) for _ in range(kills)):
        site.wait(lambda moment=moment: site.progress() >= moment, f"{moment:.0f} files and mails", nudging=1)
        site.strike(chance)
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=1)
    again = site.log_count("delivered again: conferral.")
    assert again >= kills / 2
    repeats = site.assert_right(LEARNERS)
    tell(f"killed at {dict(site.struck)}: {again} messages delivered again; {repeats} mails repeated")


@pytest.mark.parametrize(
    ("database", "broker"), [("postgresql", "redis"), ("mysql", "rabbitmq")], ids=lambda name: name
)
def test_the_broker_is_restarted_and_has_forgotten(fire, server, tell, database, broker):
    """One worker lives through it, another is killed before; Redis forgets all, RabbitMQ closes its connections."""
    chance = random.Random(broker)
    site = fire(database, broker, LEARNERS, CONFERRAL_LEASE_SECONDS=str(LEASE), CONFERRAL_BATCH_SIZE="10")
    beat = site.beat()
    workers = [site.worker(concurrency=1) for _ in range(2)]
    site.make_due()
    site.nudge()
    site.wait(lambda: site.progress() > 40, "some files")
    # What it held is held by another machine, as far as anybody here knows: it has to wait for its lease.
    killed = site.strike(chance, at=("file", "mail"), whole=1, replaced=False)
    elsewhere = "regexp_replace(claim, '^[^:]*', 'elsewhere.example')"
    for table in ("conferral_credentialartifact", "conferral_delivery"):
        site.database.do(f"update {table} set claim = {elsewhere} where {held_by(killed)}")
    broken = server(broker)
    broken.stop()
    time.sleep(2)
    assert not site.done(LEARNERS)
    broken.start()
    since = time.monotonic()
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", patience=LEASE + 2 * BEAT)
    took = time.monotonic() - since
    assert beat.poll() is None
    assert sum(site.lives(worker) for worker in workers) == 1
    repeats = site.assert_right(LEARNERS)
    tell(f"{broker}: complete {took:.0f} s after it came back, allowed {LEASE + 2 * BEAT} s; {repeats} mails repeated")


@pytest.mark.parametrize(
    ("database", "broker"), [("mysql", "redis"), ("postgresql", "rabbitmq")], ids=lambda name: name
)
def test_the_queues_are_emptied(fire, server, tell, database, broker):
    """In the middle of making; and before mails, so that no message about them is left. Beat's next tick brings one."""
    site = fire(database, broker, LEARNERS, CONFERRAL_BATCH_SIZE="10")
    empty = server(broker).forget if broker == "redis" else site.purge
    site.beat()
    worker = site.worker("--queues", "conferral,conferral.generate")
    site.make_due()
    site.nudge()
    site.wait(lambda: site.stored() > 40, "some files")
    empty()
    site.wait(lambda: site.stored() == LEARNERS, "all files", patience=2 * BEAT)
    empty()
    ticks, since = site.ticks(), time.monotonic()
    site.consume("conferral.deliver")
    site.wait(lambda: site.done(LEARNERS), "all mails", patience=2 * BEAT)
    took = time.monotonic() - since
    assert site.ticks() > ticks, "it was the sweep"
    assert site.lives(worker)
    site.assert_right(LEARNERS)
    tell(f"{broker}: complete {took:.0f} s after the queues were emptied, with the next tick of beat; no mail repeated")


def test_messages_of_old_and_new_code(fire, tell):
    """Those of another version are dropped, those from before there were versions are not, nor is any sweep."""
    site = fire("postgresql", "redis", 100)
    site.worker()
    site.wait(site.pool, "a start")
    time.sleep(QUIET)  # it has looked around by then
    site.make_due()
    ((configuration,),) = site.rows("select id from conferral_credentialconfiguration")
    for name in ("generate", "deliver"):
        site.nudge(f"conferral.{name}", version=99)
    site.nudge("conferral.run_if_due", configuration, "an argument of the future", version=99)
    site.nudge("conferral.of_the_future", version=99)
    site.wait(lambda: site.log_count("a message of version 99 was dropped") == 3, "the messages")
    assert site.number("select count(*) from conferral_run") == 0
    site.nudge(version=99)
    site.wait(lambda: site.stored() > 0, "some files")
    site.nudge(version=None)
    site.wait(lambda: site.done(100), "all certificates and mails")
    site.assert_right(100)
    assert site.log_count("unregistered task of type 'conferral.of_the_future'") == 1
    assert (site.log_count("\nKeyError"), site.log_count("Traceback")) == (1, 0)
    tell("4 messages of version 99, one of them of an unknown task: dropped; its sweep, and one of no version: obeyed")


def test_workers_of_old_and_new_code_on_one_queue(fire, tell):
    """As while a site is deployed: each gets messages of both. Then the old one is gone."""
    site = fire("postgresql", "redis", LEARNERS, CONFERRAL_BATCH_SIZE="10")
    old = site.worker()
    site.worker("--include", "tests.fire.next_version")
    site.make_due()
    versions = iter(range(10_000))
    ours_dropped, theirs_dropped = (f"a message of version {one} was dropped: this is {other}" for one, other in PAIRS)

    def half_way():
        site.nudge(version=1 + next(versions) % 2)
        return site.progress() > LEARNERS and site.log_count(ours_dropped) and site.log_count(theirs_dropped)

    site.wait(half_way, "half of it, and messages of both dropped")
    site.kill(old)
    while not site.done(LEARNERS):
        site.nudge(version=2)
        time.sleep(0.5)
    repeats = site.assert_right(LEARNERS)
    old_ones, new_ones = site.log_count(ours_dropped), site.log_count(theirs_dropped)
    seen = f"{old_ones} messages of the old code by the new, {new_ones} of the new by the old"
    tell(f"dropped: {seen}; {repeats} mails repeated")


def test_an_old_beat_keeps_new_workers_going(fire, tell):
    """The workers are restarted, and beat is not yet: its next sweep is obeyed."""
    site = fire("postgresql", "redis", 100)
    site.beat()
    site.worker("--include", "tests.fire.next_version")
    site.wait(lambda: site.pool() and site.ticks(), "a start")
    time.sleep(QUIET)  # they have looked around by then
    site.make_due()
    ticks = site.ticks()
    site.wait(lambda: site.done(100), "all certificates and mails", patience=3 * BEAT)
    assert site.ticks() > ticks, "it was the sweep"
    site.assert_right(100)
    tell(f"{site.ticks() - ticks} sweeps of the old beat: all done by the new worker")
