"""Databases that cut connections, find deadlocks, and refuse what is not serializable."""

import threading
import time

import pytest

from tests.fire.databases import PostgreSQL

LEARNERS = 400
LEASE = 5
ROUNDS = 30
"""In which all connections are cut."""
BALLAST = 1000
"""Rows that weigh more than all that a batch writes."""


@pytest.mark.parametrize(("database", "broker"), [("postgresql", "redis"), ("mysql", "redis")], ids=lambda name: name)
def test_connections_are_cut(fire, tell, database, broker):
    """All of them, twice a second, from the run to the last mail."""
    learners = 2 * LEARNERS  # so many that there is something to do in each round
    site = fire(database, broker, learners, CONFERRAL_LEASE_SECONDS=str(LEASE))
    site.worker()
    site.worker()
    site.make_due()
    cut = cuts = 0
    site.wait(lambda: site.number("select count(*) from conferral_run where active"), "a run", nudging=1)
    while not site.done(learners) and (cuts < ROUNDS or cut < ROUNDS):
        cut, cuts = cut + site.database.cut(), cuts + 1
        if cuts % 4 == 0:
            site.nudge()
        time.sleep(0.5)
    site.wait(lambda: site.done(learners), "all certificates and mails", nudging=2)
    assert cuts >= ROUNDS
    assert cut >= ROUNDS / 3  # a busy machine has not always opened new ones by the next round
    site.assert_right(learners)
    tell(f"{database}: {cut} connections cut in {cuts} rounds; no mail repeated")


@pytest.mark.parametrize("database", ["postgresql", "mysql"])
def test_deadlocks(fire, tell, database):
    """Somebody locks credentials and files in the other order, again and again."""
    site = fire(database, "redis", LEARNERS, CONFERRAL_LEASE_SECONDS=str(LEASE))
    if database == "postgresql":
        site.database.do(f"alter database {site.database.name} set deadlock_timeout = '20ms'")
    done = threading.Event()
    troublemaker = threading.Thread(target=lock_backwards, args=(site.database, done))
    troublemaker.start()
    try:
        for _ in range(2):
            site.worker()
        site.make_due()
        site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=2)
    finally:
        done.set()
        troublemaker.join()
    found = site.database.deadlocks()
    assert found > 0
    site.assert_right(LEARNERS)
    at_once = site.log_count("the database broke something off, which is tried again")
    later = site.log_count("\nOperationalError")
    assert at_once + later > 0
    tell(f"{database}: {found} deadlocks, of which {at_once} done again at once, {later} by the next; no mail repeated")


def lock_backwards(database, done):
    connection = database.connect()
    cursor = connection.cursor()
    if isinstance(database, PostgreSQL):  # who looks first is broken off: the workers
        cursor.execute("set deadlock_timeout = '10s'")
        weight = "select 1"
    else:  # who has written less is: the workers
        cursor.execute("create table ballast (id int primary key, weight int)")
        cursor.executemany("insert into ballast values (%s, 0)", [(number,) for number in range(BALLAST)])
        weight = "update ballast set weight = weight + 1"
    connection.commit()
    while not done.is_set():
        cursor.execute(weight)
        for table in ("conferral_credentialartifact", "conferral_credential"):
            try:
                cursor.execute(f"select id from {table} where state in ('pending', 'held') order by id desc limit 60")
                for (pk,) in cursor.fetchall():
                    cursor.execute(f"select 1 from {table} where id = {pk} for update")
            except database.Refused:
                connection.rollback()
        connection.rollback()
    connection.close()


def test_everything_serializable(fire, tell):
    """A database that lets nothing through that could not have happened one after the other."""
    site = fire("postgresql", "redis", LEARNERS, CONFERRAL_LEASE_SECONDS=str(LEASE))
    site.database.do(f"alter database {site.database.name} set default_transaction_isolation = 'serializable'")
    site.database.cut()
    for _ in range(2):
        site.worker()
    site.make_due()
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=1)
    site.assert_right(LEARNERS)
    at_once = site.log_count("the database broke something off, which is tried again")
    later = site.log_count("\nOperationalError")
    assert at_once + later > 0
    tell(f"{at_once} transactions refused and done again at once, {later} by the next message; no mail repeated")
