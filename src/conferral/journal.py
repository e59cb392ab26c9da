"""What the log says: events with the ids of what they are about, and failures without anybody's name or address."""

import logging
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from conferral.contract import ConferralError

HIDDEN = "(hidden)"
SHORTEST = 2
"""Characters of what is hidden: fewer would hide every second word."""
MOST_IN_WORDS = 3
"""Ids that a line for people has."""
ADDRESS = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")

_hidden: ContextVar[frozenset[str]] = ContextVar("hidden", default=frozenset())


@contextmanager
def hiding(*personal: str) -> Iterator[None]:
    """Within the block no failure is logged with any of these: names, usernames, addresses."""
    token = _hidden.set(_hidden.get() | {each for each in personal if len(each) >= SHORTEST})
    try:
        yield
    finally:
        _hidden.reset(token)


def event(logger: logging.Logger, what: str, *, level: int = logging.INFO, **about: Any) -> None:
    """Logs it with the ids and figures that it is about: in words, and as fields for a handler that writes JSON."""
    logger.log(level, "%s%s", what, _in_words(about), extra=about)


def concerned(credentials: Iterable[Any]) -> dict[str, Any]:
    """The ids for an event about several credentials, and of the runs that they come from."""
    found = list(credentials)
    runs = sorted({one.run_id for one in found if one.run_id})
    return {"credentials": [one.pk for one in found], "runs": runs}


def failure(logger: logging.Logger, what: str, error: BaseException, **about: Any) -> None:
    """Logs it with its traceback, as text: what collects errors and their variables gets no learner's data."""
    told = "".join(traceback.format_exception(error)).rstrip()
    logger.error("%s%s\n%s", what, _in_words(about), discreet(told), extra=about)


def breakdown(logger: logging.Logger, what: str, error: BaseException, **about: Any) -> None:
    """The same where nobody knows whom it is about, and so whom to hide: other people's errors without their words."""
    logger.error("%s%s\n%s", what, _in_words(about), discreet(_without_words(error)), extra=about)


def discreet(text: str) -> str:
    """The text without what is hidden here, and without any e-mail address."""
    for each in sorted(_hidden.get(), key=len, reverse=True):
        text = text.replace(each, HIDDEN)
    return ADDRESS.sub(HIDDEN, text)


def _without_words(error: BaseException) -> str:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    earlier = f"{_without_words(before)}\n\nand then:\n" if before else ""
    said = f": {error}" if isinstance(error, ConferralError) else ""  # ours name no learner but by a key
    return f"{earlier}{''.join(traceback.format_tb(error.__traceback__))}{type(error).__name__}{said}"


def _in_words(about: dict[str, Any]) -> str:
    return "".join(f" {name}={_in_short(value)}" for name, value in about.items())


def _in_short(value: Any) -> Any:
    """Of many ids the first and the last; a handler that writes JSON has them all."""
    if not isinstance(value, list):
        return value
    return f"{value[0]}…{value[-1]}" if len(value) > MOST_IN_WORDS else ",".join(map(str, value)) or "none"
