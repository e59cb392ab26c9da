"""One of the processes that `conferral serve` keeps: `python -m conferral.service.process web|worker|beat …`.

It ends when its parent does, however that ended: the parent holds the other end of its standard input.
"""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable

CONCURRENCY = 4
WEB_THREADS = 8
QUIET = ("--quiet",)


def main(part: str, *arguments: str) -> None:
    """Runs that part until it is told to stop."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    PARTS[part](*arguments)


def _web(host: str, port: str) -> None:
    from waitress import serve  # noqa: PLC0415 - each part loads only what it needs

    from conferral.service.wsgi import application  # noqa: PLC0415

    serve(application, host=host, port=int(port), threads=WEB_THREADS, ident=None)


def _worker() -> None:
    # Celery warns of root, which containers are; its own messages are trusted here, they carry ids alone.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    from conferral.service.celery import app  # noqa: PLC0415

    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")  # it has no neighbours to talk to
    app.start([*QUIET, "worker", "--pool", "threads", "--concurrency", str(CONCURRENCY), *alone])


def _beat() -> None:
    from conferral.service.celery import app  # noqa: PLC0415

    app.start([*QUIET, "beat", "--pidfile="])


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


PARTS: dict[str, Callable[..., None]] = {"web": _web, "worker": _worker, "beat": _beat}

if __name__ == "__main__":
    main(*sys.argv[1:])
