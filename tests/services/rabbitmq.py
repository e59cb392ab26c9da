"""A RabbitMQ server of our own, on loopback ports of its own, for as long as a block runs."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.smtp import free_port

PATIENCE = 90


class Missing(Exception):
    """RabbitMQ is not installed here."""


def program() -> Path:
    """Debian's script on the path changes the user; the one behind it does not."""
    found = shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin") or shutil.which("rabbitmq-server")
    if found is None:
        raise Missing("RabbitMQ is not installed; Debian: apt install rabbitmq-server")
    return Path(found)


class Server:
    """It can be stopped and started again, and has then what is durable."""

    def __init__(self, directory: Path) -> None:
        self.port, distribution, self.names = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._environment = os.environ | {
            "HOME": str(directory),
            "RABBITMQ_NODENAME": f"conferral-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(directory / "none"),
            "ERL_EPMD_PORT": str(self.names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [program()], env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as asked:
                    asked.sendall(b"AMQP\0\0\x09\x01")
                    if asked.recv(1):
                        return
            except OSError:
                time.sleep(0.2)
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("rabbitmq-server did not start")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    def forget_names(self) -> None:
        """The server leaves its name server behind; ours has a port of its own."""
        subprocess.run(["epmd", "-port", str(self.names), "-kill"], capture_output=True, check=False)


@contextmanager
def running() -> Iterator[Server]:
    """A fresh server, started."""
    program()
    with tempfile.TemporaryDirectory(prefix="conferral-rabbitmq-", ignore_cleanup_errors=True) as directory:
        server = Server(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.stop()
            server.forget_names()
