"""A Redis server of our own, on a loopback port of its own, for as long as a block runs."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services.smtp import free_port


class Missing(Exception):
    """Redis is not installed here."""


@contextmanager
def running() -> Iterator[str]:
    """The URL of a fresh server."""
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("redis-server is not installed; Debian: apt install redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="conferral-redis-") as directory:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        try:
            while server.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                except OSError:
                    time.sleep(0.05)
                else:
                    break
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(timeout=30)
