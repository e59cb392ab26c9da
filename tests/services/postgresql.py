"""A PostgreSQL server of our own, on a loopback port of its own, for as long as a block or a command runs.

`python -m tests.services.postgresql COMMAND …` runs a command with DATABASE_URL set to it.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

USER = "conferral"


class Missing(Exception):
    """PostgreSQL is not installed here."""


def binaries() -> Path:
    """Where initdb and postgres are: Debian keeps them off the path, by version."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not places or not (places[-1] / "postgres").exists():
        raise Missing("PostgreSQL is not installed; Debian: apt install postgresql")
    return places[-1]


@contextmanager
def running() -> Iterator[str]:
    """The DATABASE_URL of a fresh server; it is stopped, and its files are removed, at the end."""
    programs = binaries()
    directory = Path(tempfile.mkdtemp(prefix="conferral-pg-"))
    data = directory / "data"
    as_user = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(directory, "postgres", "postgres")
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    port = free_port()
    server = None
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=directory,
            **as_user,
        )
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", directory, "-F"],
            stderr=subprocess.DEVNULL,
            cwd=directory,
            **as_user,
        )
        url = f"postgres://{USER}@127.0.0.1:{port}/postgres"
        _wait(url, server)
        yield url
    finally:
        if server:
            server.send_signal(signal.SIGINT)  # a fast shutdown: connections are closed
            server.wait(timeout=30)
        shutil.rmtree(directory, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise RuntimeError(f"postgres ended with status {server.returncode}") from None
            time.sleep(0.05)
        else:
            return


def main() -> int:
    """Runs the rest of the command line with the server."""
    with running() as url:
        return subprocess.run(sys.argv[1:], check=False, env=os.environ | {"DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main())
