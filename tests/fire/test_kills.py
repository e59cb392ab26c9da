"""`kill -9` of workers at thirty random moments of a run of 2,000."""

import random
import time

import pytest

LEARNERS = 2000
KILLS = 30
IN_THE_RUN = 6
"""Of the kills: while learners are evaluated and issued to. The others fall into making and sending."""
LATEST = "select coalesce(max(id), 0) from conferral_run"


@pytest.mark.parametrize(
    ("database", "broker"), [("postgresql", "redis"), ("mysql", "rabbitmq")], ids=lambda name: name
)
def test_a_worker_is_killed_at_thirty_random_moments(fire, tell, database, broker):
    chance = random.Random(f"{database} {broker}")
    site = fire(database, broker, LEARNERS)
    site.make_due()
    moments = sorted(chance.uniform(0, 2 * LEARNERS * 0.97) for _ in range(KILLS - IN_THE_RUN))
    worker = site.worker()
    for before in range(IN_THE_RUN):
        site.wait(lambda before=before: site.number(LATEST) > before, "a run", nudging=1)
        time.sleep(chance.uniform(0, 0.5))
        site.kill(worker)
        worker = site.worker()
    for moment in moments:
        site.wait(lambda moment=moment: site.progress() >= moment, f"{moment:.0f} files and mails", nudging=1)
        worker = strike(site, worker, chance)
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=1)
    repeats = site.assert_right(LEARNERS)
    lost = site.number("select count(*) from conferral_run where status = 'lost'")
    tell(f"{database}, {broker}: {KILLS} kills, {site.killed} processes, {lost} runs lost, {repeats} mails repeated")


def strike(site, worker, chance):
    """One process of the pool, or the worker with all of it, which is started again."""
    if chance.random() < 0.6:
        site.kill_a_child(worker, chance)
        return worker
    site.kill(worker)
    return site.worker()
