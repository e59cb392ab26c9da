"""Leases: who holds a piece of work, until when, and who may take it over.

A holder's token names the host, the process and one piece of work. Every write of the holder names its token, so a
holder that lost its lease can write nothing (a fencing token).
"""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from django.db import Error as DatabaseFailure
from django.db import connection
from django.utils import timezone

from conferral.contract import ConferralError
from conferral.settings import current

logger = logging.getLogger(__name__)


class LeaseLost(ConferralError):
    """Somebody else has taken over; nothing more may be written."""


def new_token() -> str:
    """A token of this process for one piece of work."""
    return f"{socket.gethostname()[:80]}:{os.getpid()}:{secrets.token_hex(8)}"


def until() -> datetime:
    """When a lease taken now ends."""
    return timezone.now() + timedelta(seconds=current().lease_seconds)


def holder_is_gone(token: str) -> bool:
    """Whether the token's process ran on this host and runs no more; its work can be taken over at once."""
    host, pid, _ = token.rsplit(":", 2)
    if host != socket.gethostname()[:80]:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs, as somebody else
        return False
    return False


class Lease:
    """Renews a lease from a thread of its own while the block works, three times in its length."""

    def __init__(self, renew: Callable[[], int]) -> None:
        """`renew` writes the new end of the lease and returns how many rows this holder still has; 0 ends it."""
        self._renew = renew
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _keep(self) -> None:
        try:
            while not self._done.wait(current().lease_seconds / 3):
                try:
                    if not self._renew():
                        return
                except DatabaseFailure:
                    # The work itself will meet the same database; if it comes back in time, the lease does too.
                    logger.warning("a lease could not be renewed", exc_info=True)
                    connection.close()  # a connection that was cut does not mend itself
        finally:
            connection.close()
