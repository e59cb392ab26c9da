"""An S3 server of our own, on a loopback port of its own, for as long as a block runs.

`moto_server` comes from an environment of its own, because its dependencies are many: `make .venv-services`.
"""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.smtp import free_port

ROOT = Path(__file__).parent.parent.parent


class Missing(Exception):
    """There is no moto_server here."""


def program() -> str:
    """Where moto_server is."""
    ours = ROOT / ".venv-services" / "bin" / "moto_server"
    found = str(ours) if ours.exists() else shutil.which("moto_server")
    if found is None:
        raise Missing("moto_server is not installed; make .venv-services")
    return found


@contextmanager
def running() -> Iterator[str]:
    """The endpoint of a fresh server."""
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([program(), "-H", "127.0.0.1", "-p", str(port)], **quiet)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        while server.poll() is None:
            try:
                urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5).close()
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
            else:
                break
        yield endpoint
    finally:
        server.terminate()
        server.wait(timeout=30)
