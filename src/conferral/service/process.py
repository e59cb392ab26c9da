"""One of the processes that `conferral serve` keeps: `python -m conferral.service.process web|worker|beat …`.

It ends when its parent does, however that ended: the parent holds the other end of its standard input.
"""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable

MOST_WORKERS = 4
"""Each is a process of some 100 MB."""
WEB_THREADS = 8
LARGEST_REQUEST = 32 * 1024 * 1024
"""Bytes: an upload of the largest asset, and what a form says besides."""
QUIET = ("--quiet",)


def main(part: str, *arguments: str) -> None:
    """Runs that part until it is told to stop."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    PARTS[part](*arguments)


def _web(host: str, port: str) -> None:
    from waitress import serve  # noqa: PLC0415 - each part loads only what it needs

    from conferral.service.wsgi import application  # noqa: PLC0415

    serve(
        application,
        host=host,
        port=int(port),
        threads=WEB_THREADS,
        ident=None,
        max_request_body_size=LARGEST_REQUEST,
        # Which proxy is believed is for `proxy` to say; and that there is one at all has to be seen: `shows_mails`.
        clear_untrusted_proxy_headers=False,
    )


def _worker() -> None:
    # Celery warns of root, which containers are; its own messages are trusted here, they carry ids alone.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    from conferral.service.celery import app  # noqa: PLC0415

    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")  # it has no neighbours to talk to
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    app.start([*QUIET, "worker", "--concurrency", str(workers), *alone])


def _beat() -> None:
    from conferral.service.celery import app  # noqa: PLC0415

    app.start([*QUIET, "beat", "--pidfile="])


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):  # not sys.stdin.read, whose lock the worker's processes would inherit
        pass
    os.kill(os.getpid(), signal.SIGTERM)


PARTS: dict[str, Callable[..., None]] = {"web": _web, "worker": _worker, "beat": _beat}

if __name__ == "__main__":
    main(*sys.argv[1:])
