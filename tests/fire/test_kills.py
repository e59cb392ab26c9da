"""`kill -9` of workers at thirty random moments, each time of one that has something in its hands."""

import random
import signal
import time
from itertools import count

import pytest

from tests.fire.buckets import Bucket
from tests.services import faulty

LEARNERS = 2000
KILLS = 30
IN_THE_RUN, IN_FILES, IN_MAILS = 6, 10, 14
"""Of the kills: while learners are evaluated and issued to, while files are made, while mails are sent."""


@pytest.mark.parametrize(
    ("database", "broker"), [("postgresql", "redis"), ("mysql", "rabbitmq")], ids=lambda name: name
)
def test_a_worker_is_killed_at_thirty_random_moments(fire, tell, database, broker):
    chance = random.Random(f"{database} {broker}")
    site = fire(database, broker, LEARNERS, CONFERRAL_BATCH_SIZE="25")
    two_workers(site)
    site.make_due()
    for _ in range(IN_THE_RUN):
        site.wait(lambda: site.number("select count(*) from conferral_run where active"), "a run", nudging=1)
        time.sleep(chance.uniform(0, 0.5))
        site.strike(chance, at=("run",))
    kill_at_moments(site, chance, IN_FILES, of=LEARNERS, done=site.stored, at="file")
    kill_at_moments(site, chance, IN_MAILS, of=LEARNERS, done=site.sent, at="mail")
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=1)
    repeats = site.assert_right(LEARNERS)
    lost = site.number("select count(*) from conferral_run where status = 'lost'")
    assert lost == IN_THE_RUN
    assert site.struck == {"run": IN_THE_RUN, "file": IN_FILES, "mail": IN_MAILS}
    tell(f"{database}, {broker}: {KILLS} kills; {lost} runs lost; {repeats} mails repeated")


def test_a_worker_is_killed_that_keeps_files_in_a_bucket(fire, swift_server, tell):
    """What a killed worker has put there, and nobody has recorded, is removed by whoever takes over."""
    learners = 400
    chance = random.Random("bucket")
    site = fire("postgresql", "redis", learners, bucket=Bucket(swift_server), CONFERRAL_BATCH_SIZE="10")
    two_workers(site)
    site.make_due()
    kill_at_moments(site, chance, KILLS, of=learners, done=site.stored, at="file")
    site.wait(lambda: site.done(learners), "all certificates and mails", nudging=1)
    site.assert_right(learners)
    assert site.struck == {"file": KILLS}
    tell(f"{learners} objects, killed {KILLS} times in making them: none superfluous in the bucket")


def two_workers(site):
    """Each has one process: who kills it kills one that works, and the other goes on."""
    for _ in range(2):
        site.worker(concurrency=1)


def kill_at_moments(site, chance, kills, *, of, done, at):
    """At random moments, by how much is done by then, of a process that has such work in its hands."""
    for moment in sorted(chance.uniform(done(), of * 0.95) for _ in range(kills)):
        site.wait(lambda moment=moment: done() >= moment, f"{moment:.0f} of {of}", nudging=1)
        site.strike(chance, at=(at,))


def test_a_worker_is_killed_that_withdraws_files(fire, swift_server, tell):
    """A whole course is issued again, and its old files are moved to where no old link leads."""
    learners, kills = 200, 14
    chance = random.Random("withdrawal")
    bucket = Bucket(swift_server)
    site = fire("postgresql", "redis", learners, bucket=bucket, CONFERRAL_BATCH_SIZE="10")
    worker = site.worker()
    site.make_due()
    site.wait(lambda: site.done(learners), "all certificates and mails", nudging=1)
    site.kill(worker)
    before = bucket.hashes()
    revoke_all(site)
    two_workers(site)
    kill_at_moments(site, chance, kills, of=learners, done=lambda: moved(site), at="move")
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


STEPS = {
    "before it is read": ("GET", 1, False),
    "before the copy": ("PUT", 1, False),
    "after the copy": ("PUT", 1, True),
    "before the old one goes": ("DELETE", 2, False),
    "after it went": ("DELETE", 2, True),
}
"""Of a move: what is asked of the bucket, for which time, and whether it is done before the kill."""


def test_a_revocation_is_killed_at_each_step_of_the_move(fire, swift_server, tell):
    """The bucket is behind somebody who kills the command as it asks for that step, or when that is done."""
    with faulty.before(swift_server["endpoint_url"]) as proxy:
        bucket = Bucket(swift_server, proxy.address)
        site = fire("sqlite", "", len(STEPS), bucket=bucket)
        site.ok("run")
        before = bucket.hashes()
        numbers = [number for (number,) in site.rows("select verification_id from conferral_credential")]
        for number, (method, which, after) in zip(numbers, STEPS.values(), strict=True):
            revoke_and_kill(site, number, proxy, method, which, after=after)
        assert moved(site) == 0
        site.worker(concurrency=1)
        site.wait(lambda: moved(site) == len(STEPS), "the moves")
        after = bucket.hashes()
        assert not after.keys() & before.keys(), "an old link leads to one"
        assert sorted(after.values()) == sorted(before.values())
        site.assert_files(len(STEPS))
        tell(f"killed {', '.join(STEPS)}: moved by the next worker, nothing left behind")


def revoke_and_kill(site, number, proxy, method, which, *, after):
    """The command does as it is told until it asks for that for that time."""
    asked = count()

    def kill(handler):
        turn = next(asked) + 1
        if turn < which:
            handler.say(*handler.ask())
            return
        if after:
            handler.ask()
        command.kill()
        command.wait()
        handler.cut()

    proxy.spoil(kill, method)
    command = site.start("revoke", number, "--reason", "cheated")
    command.communicate(timeout=60)
    assert command.returncode == -signal.SIGKILL
    proxy.heal()
