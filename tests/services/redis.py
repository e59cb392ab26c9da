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


class Server:
    """It can be stopped and started again, and has forgotten everything then."""

    def __init__(self, program: str, directory: str) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        self._address = ("127.0.0.1", port)
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "no"]
        self._command = [program, *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        while self._process.poll() is None:
            try:
                socket.create_connection(self._address, timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("redis-server did not start")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def forget(self) -> None:
        """Everything, as an operator's FLUSHALL does."""
        with socket.create_connection(self._address, timeout=10) as asked:
            asked.sendall(b"FLUSHALL\r\n")
            if asked.recv(16) != b"+OK\r\n":
                raise RuntimeError("redis-server did not forget")


@contextmanager
def running() -> Iterator[Server]:
    """A fresh server, started."""
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("redis-server is not installed; Debian: apt install redis-server")
    with tempfile.TemporaryDirectory(prefix="conferral-redis-") as directory:
        server = Server(program, directory)
        try:
            server.start()
            yield server
        finally:
            server.stop()
