"""The databases of the stories under fire, read and written from outside, without Django."""

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.services import mariadb, postgresql
from tests.services.s3 import ROOT


class Database:
    """One database: its address for the site, and statements as an operator would type them."""

    url = ""
    settings = "conferral.service.settings"
    environment: dict[str, str] = {}
    Refused: type[Exception] | tuple[type[Exception], ...] = ()
    """What a statement raises that is broken off for somebody else's sake."""

    def rows(self, query):
        """What it answers, asked over a connection of ours that stays open."""
        raise NotImplementedError

    def close(self):
        """Nothing is asked any more."""

    def do(self, statement):
        self.rows(statement)

    def cut(self):
        """Ends every connection but our own; how many."""
        return 0

    def deadlocks(self):
        """How many it has found so far."""
        return 0

    def connect(self):
        """A connection as of another program: it locks what it reads for update, until it rolls back."""
        raise NotImplementedError


class SQLite(Database):
    """The embedded one, a file of the site."""

    def __init__(self, path):
        self.path = path

    def rows(self, query):
        with sqlite3.connect(self.path, timeout=20, isolation_level=None) as connection:
            return connection.execute(query).fetchall()


class PostgreSQL(Database):
    """One of a server's databases."""

    Refused = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)

    def __init__(self, server, name):
        self.name = name
        self.url = re.sub(r"/postgres$", f"/{name}", server)
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"create database {name}")

    def rows(self, query):
        found = self._watching.execute(query)
        return found.fetchall() if found.description else []

    @cached_property
    def _watching(self):
        # Who watches takes no part: a serializable transaction that only reads can be refused, too.
        isolation = r"-c default_transaction_isolation=read\ committed"
        return psycopg.connect(self.url, autocommit=True, options=isolation)

    def close(self):
        self._watching.close()

    def deadlocks(self):
        ((found,),) = self.rows(f"select deadlocks from pg_stat_database where datname = '{self.name}'")
        return found

    def connect(self):
        return psycopg.connect(self.url)

    def cut(self):
        others = f"from pg_stat_activity where datname = '{self.name}' and pid <> pg_backend_pid()"
        return len(self.rows(f"select pg_terminate_backend(pid) {others}"))


class MySQL(Database):
    """One of a MariaDB server's, with rows inserted as MySQL 8 does it: their keys are not returned."""

    settings = "tests.fire.as_mysql8"
    Refused = Exception  # the driver is not imported before it is known to be there

    def __init__(self, server, name):
        parts = urlsplit(server)
        self.name, self._port, self._user = name, parts.port, parts.username
        self.url = server.removesuffix(f"/{mariadb.DATABASE}") + f"/{name}"
        (packages,) = driver()
        self.environment = {"PYTHONPATH": str(packages)}
        creating = self._connect("")
        creating.cursor().execute(f"create database {name} character set utf8mb4")
        creating.close()
        self._found_before = self._deadlocks()

    def _connect(self, database):
        (packages,) = driver()
        if str(packages) not in sys.path:
            sys.path.append(str(packages))
        import MySQLdb

        connection = MySQLdb.connect(
            host="127.0.0.1", port=self._port, user=self._user, password=mariadb.PASSWORD, database=database
        )
        connection.autocommit(True)
        return connection

    def rows(self, query):
        cursor = self._watching.cursor()
        cursor.execute(query)
        return list(cursor.fetchall())

    @cached_property
    def _watching(self):
        return self._connect(self.name)

    def close(self):
        self._watching.close()

    def deadlocks(self):
        return self._deadlocks() - self._found_before

    def connect(self):
        connection = self._connect(self.name)
        connection.autocommit(False)
        return connection

    def _deadlocks(self):  # of all databases of the server, one story after the other
        ((_, found),) = self.rows("show global status like 'Innodb_deadlocks'")
        return int(found)

    def cut(self):
        ours = self._watching.thread_id()
        listed = f"select id from information_schema.processlist where db = '{self.name}' and id <> {ours}"
        others = [number for (number,) in self.rows(listed)]
        for number in others:
            with suppress(self.Refused):  # it has ended by itself
                self.do(f"kill {number}")
        return len(others)


def driver():
    """Where mysqlclient is: in an environment of its own, as it has to be compiled."""
    found = list((ROOT / ".venv-mariadb" / "lib").glob("python3*/site-packages"))
    if not found:
        raise mariadb.Missing("mysqlclient is not installed; make .venv-mariadb")
    return found


@contextmanager
def serving(kind) -> Iterator[object]:
    """A server of that kind; calling what it yields with a name and a site's home makes a database."""
    match kind:
        case "sqlite":
            yield lambda name, home: SQLite(Path(home) / "conferral.sqlite3")
        case "postgresql":
            with postgresql.running() as url:
                yield lambda name, home: PostgreSQL(url, name)
        case "mysql":
            driver()
            with mariadb.running() as url:
                yield lambda name, home: MySQL(url, name)
