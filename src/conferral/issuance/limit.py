"""How long other people's code may take: what hangs fails, and the rest goes on."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextvars import Context, copy_context
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, TypeVar

from django.db import connections

from conferral.contract import TransientError

T = TypeVar("T")
AGAIN = 1.0
"""Seconds after which it is interrupted once more, if it did not mind the first time."""
MOST_LEFT = 8
"""Threads of other people's code that hang, in one process."""


class TookTooLong(TransientError):
    """It was interrupted."""


@dataclass(slots=True, eq=False)
class Limit:
    """Until when something may take, on the monotonic clock."""

    until: float
    seconds: float
    what: str


class _Interrupted(BaseException):
    """On its way to the block whose time is over: neither other people's code nor a block within stops it."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit


class _Thread(threading.local):
    """Of each thread: its limits, the innermost last, and when its alarm goes off."""

    def __init__(self) -> None:
        self.limits: list[Limit] = []
        self.alarm = math.inf
        self.before: Any = None


_thread = _Thread()
_left: list[threading.Thread] = []


def limits() -> list[Limit]:
    """Those of this thread; the list stays the same one, for whoever watches it from elsewhere."""
    return _thread.limits


class limited:  # noqa: N801 - it reads as a word: `with limited(60, "making it")`
    """Raises TookTooLong in the block after so many seconds, where Python can: in the main thread of its process.

    What cannot be interrupted, in another thread or in compiled code, ends with its process: see `Lease`.
    """

    __slots__ = ("_limit", "_seconds", "_what")

    def __init__(self, seconds: float, what: str) -> None:
        """`what` is told when it took too long."""
        self._seconds, self._what = seconds, what

    def __enter__(self) -> None:
        self._limit = Limit(time.monotonic() + self._seconds, self._seconds, self._what)
        here = _thread
        if threading.current_thread() is threading.main_thread():
            if not here.limits:
                here.before = signal.signal(signal.SIGALRM, _interrupt)
            if self._limit.until < here.alarm:  # else there is one before, and then is time enough to look again
                _set_alarm(self._limit.until)
        here.limits.append(self._limit)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        here = _thread
        here.limits.remove(self._limit)
        if not here.limits and threading.current_thread() is threading.main_thread():
            _set_alarm(math.inf)
            signal.signal(signal.SIGALRM, here.before)
        if isinstance(error, _Interrupted) and error.limit is self._limit:
            raise TookTooLong(f"{self._what} took longer than {self._seconds:g} s") from None


def within(seconds: float, what: str, call: Callable[[], T]) -> T:
    """What the call returns; TookTooLong after so many seconds, in whichever thread.

    A web server's threads cannot be interrupted: for them it is done in a thread of its own, which is left behind
    when it hangs. With MOST_LEFT of those nothing more is begun.
    """
    if threading.current_thread() is threading.main_thread():
        with limited(seconds, what):
            return call()
    if sum(thread.is_alive() for thread in _left) >= MOST_LEFT:
        raise TookTooLong(f"{what} is not begun, for {MOST_LEFT} others hang")
    _left[:] = [thread for thread in _left if thread.is_alive()]
    future: Future[T] = Future()
    thread = threading.Thread(target=_answer, args=(future, copy_context(), call), name=what, daemon=True)
    thread.start()
    if not wait([future], seconds).done:
        _left.append(thread)
        raise TookTooLong(f"{what} took longer than {seconds:g} s")
    return future.result()


def _answer(future: "Future[T]", context: Context, call: Callable[[], T]) -> None:
    try:
        future.set_result(context.run(call))
    except BaseException as error:  # raised again by whoever waits
        future.set_exception(error)
    finally:
        connections.close_all()  # those of this thread


def each(source: Iterator[T], seconds: float, what: str) -> Iterator[T]:
    """What the source yields; each may take so long."""
    while True:
        with limited(seconds, what):
            try:
                found = next(source)
            except StopIteration:
                return
        yield found


def _set_alarm(at: float) -> None:
    _thread.alarm = at
    rest = max(at - time.monotonic(), 0.001) if at < math.inf else 0
    signal.setitimer(signal.ITIMER_REAL, rest, AGAIN if rest else 0)


def _interrupt(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    over = [limit for limit in _thread.limits if limit.until <= now]
    if over:
        raise _Interrupted(over[0])
    _set_alarm(min((limit.until for limit in _thread.limits), default=math.inf))
