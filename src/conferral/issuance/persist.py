"""What the database broke off, tried again: connections that were cut, deadlocks, serialization failures."""

import logging
import random
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

T = TypeVar("T")
PAUSES = (0.05, 0.3, 1.5, 6.0)
"""Seconds before each further try, give or take a half: a server that restarts is back within them."""
BROKEN_OFF = (OperationalError, InterfaceError)


def persistently(do: Callable[[], T], patience: float = 0) -> T:
    """Does it, one statement or one transaction, again while the database breaks it off; what it returned.

    With `patience` it goes on for so many seconds at least.

    Of a connection that was cut at the very end nobody knows whether it was committed: `do` has to bear being done
    twice. Within a transaction of the caller's there is one try, since that is broken off as well.
    """
    if connection.in_atomic_block:
        return do()
    began = time.monotonic()
    for tries, pause in enumerate(chain(PAUSES, repeat(PAUSES[-1]))):
        try:
            return do()
        except BROKEN_OFF as error:
            if tries >= len(PAUSES) and time.monotonic() - began >= patience:
                raise
            logger.warning("the database broke something off, which is tried again: %s", type(error).__name__)
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that two never meet again  # nosec B311
    raise AssertionError  # the loop has returned or raised
