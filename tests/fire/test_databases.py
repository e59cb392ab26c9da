"""Databases that cut connections, find deadlocks, and refuse what is not serializable."""

import threading
import time

import psycopg
import pytest

LEARNERS = 400
LEASE = 5


@pytest.mark.parametrize(("database", "broker"), [("postgresql", "redis"), ("mysql", "redis")], ids=lambda name: name)
def test_connections_are_cut(fire, tell, database, broker):
    """All of them, twice a second, from the run to the last mail."""
    site = fire(database, broker, LEARNERS, CONFERRAL_LEASE_SECONDS=str(LEASE))
    site.worker()
    site.worker()
    site.make_due()
    cut = cuts = 0
    site.wait(lambda: site.number("select count(*) from conferral_run where active"), "a run", nudging=1)
    while not site.done(LEARNERS) and cuts < 30:
        cut, cuts = cut + site.database.cut(), cuts + 1
        if cuts % 4 == 0:
            site.nudge()
        time.sleep(0.5)
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=2)
    assert cut >= 10
    repeats = site.assert_right(LEARNERS, repeats=cut)
    tell(f"{database}: {cut} connections cut in {cuts} rounds; {repeats} mails repeated")


def test_deadlocks(fire, tell):
    """Somebody locks credentials and files in the other order, again and again."""
    site = fire("postgresql", "redis", LEARNERS, CONFERRAL_LEASE_SECONDS=str(LEASE))
    site.database.do(f"alter database {site.database.name} set deadlock_timeout = '20ms'")
    done = threading.Event()
    troublemaker = threading.Thread(target=lock_backwards, args=(site.database.url, done))
    troublemaker.start()
    try:
        for _ in range(2):
            site.worker()
        site.make_due()
        site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=2)
    finally:
        done.set()
        troublemaker.join()
    found = site.number(f"select deadlocks from pg_stat_database where datname = '{site.database.name}'")
    assert found > 0
    repeats = site.assert_right(LEARNERS, repeats=0)
    tell(f"{found} deadlocks; {repeats} mails repeated")


def lock_backwards(url, done):
    with psycopg.connect(url) as connection:
        while not done.is_set():
            for table in ("conferral_credentialartifact", "conferral_credential"):
                try:
                    pending = f"select id from {table} where state in ('pending', 'held') order by id desc limit 60"
                    for (pk,) in connection.execute(pending).fetchall():
                        connection.execute(f"select 1 from {table} where id = %s for update", [pk])
                except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
                    connection.rollback()
            connection.rollback()


def test_everything_serializable(fire, tell):
    """A database that lets nothing through that could not have happened one after the other."""
    site = fire("postgresql", "redis", LEARNERS, CONFERRAL_LEASE_SECONDS=str(LEASE))
    site.database.do(f"alter database {site.database.name} set default_transaction_isolation = 'serializable'")
    site.database.cut()
    for _ in range(2):
        site.worker()
    site.make_due()
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=1)
    site.assert_right(LEARNERS, repeats=0)
    refused = site.number(f"select xact_rollback from pg_stat_database where datname = '{site.database.name}'")
    said = site.log_count("could not serialize access") + site.log_count("broke something off")
    tell(f"{refused} transactions rolled back, {said} of them said in the log")
