"""`kill -9` of workers at thirty random moments, each time of one that has something in its hands."""

import random
import signal
import time

import pytest

from tests.fire.buckets import Bucket
from tests.services import faulty

LEARNERS = 2000
KILLS = 30
IN_THE_RUN, IN_FILES = 6, 10
"""Of the kills: while learners are evaluated and issued to; while files are made. The others: until the last mail."""


@pytest.mark.parametrize(
    ("database", "broker"), [("postgresql", "redis"), ("mysql", "rabbitmq")], ids=lambda name: name
)
def test_a_worker_is_killed_at_thirty_random_moments(fire, tell, database, broker):
    chance = random.Random(f"{database} {broker}")
    site = fire(database, broker, LEARNERS)
    two_workers(site)
    site.make_due()
    for _ in range(IN_THE_RUN):
        site.wait(lambda: site.number("select count(*) from conferral_run where active"), "a run", nudging=1)
        time.sleep(chance.uniform(0, 0.5))
        site.strike(chance, at=("run",))
    kill_by_progress(site, chance, IN_FILES, LEARNERS, at=("file",))
    kill_by_progress(site, chance, KILLS - IN_THE_RUN - IN_FILES, LEARNERS)
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=1)
    repeats = site.assert_right(LEARNERS)
    lost = site.number("select count(*) from conferral_run where status = 'lost'")
    assert lost == IN_THE_RUN
    assert site.struck.total() == KILLS
    tell(f"{database}, {broker}: killed at {dict(site.struck)}; {lost} runs lost; {repeats} mails repeated")


def test_a_worker_is_killed_that_keeps_files_in_a_bucket(fire, swift_server, tell):
    """What a killed worker has put there, and nobody has recorded, is removed by whoever takes over."""
    learners = 400
    chance = random.Random("bucket")
    site = fire("postgresql", "redis", learners, bucket=Bucket(swift_server), CONFERRAL_BATCH_SIZE="20")
    two_workers(site)
    site.make_due()
    kill_by_progress(site, chance, KILLS, learners, at=("file",))
    site.wait(lambda: site.done(learners), "all certificates and mails", nudging=1)
    repeats = site.assert_right(learners)
    assert site.struck.total() == KILLS
    tell(f"{learners} objects, killed at {dict(site.struck)}; {repeats} mails repeated; none superfluous in the bucket")


def two_workers(site):
    """Each has one process: who kills it kills one that works, and the other goes on."""
    for _ in range(2):
        site.worker(concurrency=1)


def kill_by_progress(site, chance, kills, learners, **more):
    """At moments by how many files and mails are done by then, or files alone."""
    done, of = (site.stored, learners) if "at" in more else (site.progress, 2 * learners)
    for moment in sorted(chance.uniform(done(), of * 0.95) for _ in range(kills)):
        site.wait(lambda moment=moment: done() >= moment, f"{moment:.0f} of {of}", nudging=1)
        site.strike(chance, **more)


def test_a_worker_is_killed_that_withdraws_files(fire, swift_server, tell):
    """A whole course is issued again, and its old files are moved to where no old link leads."""
    learners, kills = 200, 14
    chance = random.Random("withdrawal")
    bucket = Bucket(swift_server)
    site = fire("postgresql", "redis", learners, bucket=bucket, CONFERRAL_BATCH_SIZE="20")
    worker = site.worker()
    site.make_due()
    site.wait(lambda: site.done(learners), "all certificates and mails", nudging=1)
    site.kill(worker)
    before = bucket.hashes()
    revoke_all(site)
    two_workers(site)
    for moment in sorted(chance.uniform(0, learners * 0.9) for _ in range(kills)):
        site.wait(lambda moment=moment: moved(site) >= moment, f"{moment:.0f} moved", nudging=1)
        site.strike(chance, at=("move",))
    site.wait(lambda: moved(site) == learners, "all moves", nudging=1)
    after = bucket.hashes()
    assert not after.keys() & before.keys(), "an old link leads to one"
    assert sorted(after.values()) == sorted(before.values())
    site.assert_files(learners)
    assert site.struck == {"move": kills}
    tell(f"{learners} objects moved, killed {kills} times in it: each there once, none where an old link leads")


def revoke_all(site):
    """As a revocation says of each; one by one by the command it would take a quarter of an hour."""
    site.database.do("update conferral_credential set revoked = issued, revoked_reason = 'the exam was leaked'")
    site.database.do("update conferral_credentialartifact set next_try = '2026-01-01 00:00:00', attempts = 0")


def moved(site):
    return site.number("select count(*) from conferral_credentialartifact where state = 'stored' and next_try is null")


@pytest.mark.parametrize(
    "step",
    [("GET", 1, False), ("PUT", 1, False), ("PUT", 1, True), ("DELETE", 2, False), ("DELETE", 2, True)],
    ids=["before it is read", "before the copy", "after the copy", "before the old one goes", "after it went"],
)
def test_a_revocation_is_killed_at_each_step_of_the_move(fire, swift_server, tell, step):
    """The bucket is behind somebody who kills the command as it asks for that step, or when that is done."""
    method, which, after = step
    with faulty.before(swift_server["endpoint_url"]) as proxy:
        bucket = Bucket(swift_server, proxy.address)
        site = fire("sqlite", "", 1, bucket=bucket)
        site.ok("run")
        ((old, sha256),) = bucket.hashes().items()
        ((number,),) = site.rows("select verification_id from conferral_credential")
        killed = []

        def kill(handler):
            killed.append(proxy.count(method) - seen)
            answer = handler.ask() if killed[-1] < which or after else None
            if killed[-1] < which:
                handler.say(*answer)
                return
            command.send_signal(signal.SIGKILL)
            command.wait()
            handler.cut()

        seen = proxy.count(method)
        proxy.spoil(kill, method)
        command = site.start("revoke", number, "--reason", "cheated")
        command.communicate(timeout=60)
        assert command.returncode == -signal.SIGKILL
        proxy.heal()
        site.worker(concurrency=1)
        site.wait(lambda: moved(site) == 1, "the move")
        ((new, same),) = bucket.hashes().items()
        assert (new != old, same) == (True, sha256)
        site.assert_files(1)
        tell(f"killed {'after' if after else 'before'} {method}: moved by the next worker, nothing left behind")
