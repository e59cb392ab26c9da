"""Leases: who holds a piece of work, until when, and who may take it over.

A holder's token names the host, the process and one piece of work. Every write of the holder names its token, so a
holder that lost its lease can write nothing (a fencing token).
"""

import faulthandler
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from django.db import Error as DatabaseFailure
from django.db import connection
from django.utils import timezone

from conferral.contract import ConferralError
from conferral.issuance.limit import Limit, limits
from conferral.settings import current

logger = logging.getLogger(__name__)

STDERR = 2
GRACE = 10
"""Seconds that whoever was interrupted has to end."""


class LeaseLost(ConferralError):
    """Somebody else has taken over; nothing more may be written."""


def new_token() -> str:
    """A token of this process for one piece of work, which nobody can guess."""
    return f"{_host()}:{os.getpid()}:{secrets.token_hex(16)}"


def heir_of(token: str) -> str:
    """A token of this process for what the other one left: its secret is the same, and the holder is another."""
    return f"{_host()}:{os.getpid()}:{secret_of(token)}.{secrets.token_hex(4)}"


def secret_of(token: str) -> str:
    """What names the files of the holder, and of whoever cleans up after it."""
    return token.rsplit(":", 1)[-1].split(".", 1)[0]


def until() -> datetime:
    """When a lease taken now ends."""
    return timezone.now() + timedelta(seconds=current().lease_seconds)


def holder_is_gone(token: str) -> bool:
    """Whether the token's process ran on this host and runs no more; its work can be taken over at once."""
    host, pid, _ = token.rsplit(":", 2)
    if host != _host():  # a number of a process says nothing elsewhere
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs, as somebody else
        return False
    return False


@cache
def _host() -> str:
    """This host, and what tells its process ids from those of others of that name: containers count for themselves.

    Each container has a namespace of process ids; machines have the same first one, and tell themselves apart by how
    they were started.
    """
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        ids = started + str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # no Linux, and so no containers either
        return socket.gethostname()[:56]
    return f"{socket.gethostname()[:56]}/{sha256(ids.encode()).hexdigest()[:8]}"


class Lease:
    """Renews a lease from a thread of its own while the block works, three times in its length.

    A process whose work does not end though its time is over, or which hangs so that not even its threads run, ends
    itself: its work is taken over, and it holds no worker for ever.
    """

    def __init__(self, renew: Callable[[], int]) -> None:
        """`renew` writes the new end of the lease and returns how many rows this holder still has; 0 ends it."""
        self._renew = renew
        self._done = threading.Event()
        self._limits = limits()
        self._asking: Limit | None = None
        # Two: a renewal may wait for a lock that the work itself has, as a run's does while it is closed.
        self._threads = [
            threading.Thread(target=self._keep, name="lease", daemon=True),
            threading.Thread(target=self._watch, name="lease-watch", daemon=True),
        ]

    def __enter__(self) -> Self:
        self._watch_these_threads()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()
        faulthandler.cancel_dump_traceback_later()

    def _keep(self) -> None:
        try:
            while not self._done.wait(current().lease_seconds / 3):
                seconds = current().page_seconds
                self._asking = Limit(time.monotonic() + seconds, seconds, "renewing a lease")
                try:
                    if not self._renew():
                        return
                except DatabaseFailure as error:
                    # The work itself will meet the same database; if it comes back in time, the lease does too.
                    logger.warning("a lease could not be renewed: %s", type(error).__name__)
                    connection.close()  # a connection that was cut does not mend itself
                finally:
                    self._asking = None
        finally:
            connection.close()

    def _watch(self) -> None:
        """Asks nothing of the database: whatever waits there, this goes on."""
        while not self._done.wait(current().lease_seconds / 3):
            self._watch_these_threads()
            self._end_what_does_not_end()

    def _watch_these_threads(self) -> None:
        # Counted outside of Python. What it prints has names of functions alone, no values.
        faulthandler.dump_traceback_later(current().lease_seconds, exit=True, file=STDERR)

    def _end_what_does_not_end(self) -> None:
        known = [*self._limits, *filter(None, (self._asking,))]
        over = [limit for limit in known if time.monotonic() > limit.until + GRACE]
        if over:
            logger.critical(
                "%s took longer than %g s and does not end: the process ends", over[-1].what, over[-1].seconds
            )
            faulthandler.dump_traceback(STDERR)
            os._exit(os.EX_SOFTWARE)
