"""A MariaDB server of our own, on a loopback port of its own, for as long as a block or a command runs.

`python -m tests.services.mariadb COMMAND …` runs a command with DATABASE_URL set to it. Django speaks to it through
mysqlclient, which is compiled where it is installed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.postgresql import free_port

DATABASE, USER, PASSWORD = "conferral", "conferral", "tests"


class Missing(Exception):
    """MariaDB is not installed here."""


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Missing("MariaDB is not installed; Debian: apt install mariadb-server")
    return found


@contextmanager
def running() -> Iterator[str]:
    """The DATABASE_URL of a fresh server; it is stopped, and its files are removed, at the end.

    It has a directory for temporary tables of its own: a server that starts removes those that it finds there, and in
    the common one they are other servers'.
    """
    install, server_program, client = (program(name) for name in ("mariadb-install-db", "mariadbd", "mariadb"))
    directory = Path(tempfile.mkdtemp(prefix="conferral-mariadb-"))
    data, socket_file, port = directory / "data", directory / "socket", free_port()
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(directory, "mysql", "mysql")
        as_user = {"user": "mysql", "group": "mysql", "extra_groups": []}
    own_tables = os.environ | {"TMPDIR": str(directory)}
    server = None
    try:
        subprocess.run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--skip-test-db",
                "--auth-root-authentication-method=normal",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            env=own_tables,
            cwd=directory,
            **as_user,
        )
        options = [f"--datadir={data}", f"--socket={socket_file}", f"--port={port}", "--bind-address=127.0.0.1"]
        # As the LMS has it; and no care for power failures, which tests do not have.
        options += ["--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve"]
        server = subprocess.Popen(
            [server_program, "--no-defaults", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=own_tables,
            cwd=directory,
            **as_user,
        )
        _set_up([client, "--no-defaults", f"--socket={socket_file}", "--user=root"], server)
        yield f"mysql://{USER}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}"
    finally:
        if server:
            server.terminate()
            server.wait(timeout=30)
        shutil.rmtree(directory, ignore_errors=True)


def _set_up(client: list[str], server: subprocess.Popen[bytes]) -> None:
    """Waits until it answers, and makes our user, who may make the tests' databases."""
    statements = (
        f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;"
        f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';"
        f"GRANT ALL ON *.* TO '{USER}'@'127.0.0.1';"
    )
    while True:
        ended = subprocess.run(client, input=statements.encode(), capture_output=True, check=False)
        if ended.returncode == 0:
            return
        if server.poll() is not None:
            raise RuntimeError(f"mariadbd ended with status {server.returncode}")
        time.sleep(0.1)


def main() -> int:
    """Runs the rest of the command line with the server."""
    with running() as url:
        return subprocess.run(sys.argv[1:], check=False, env=os.environ | {"DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main())
