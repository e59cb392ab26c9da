"""What the log says: events with the ids of what they are about, and failures without anybody's name or address."""

import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

HIDDEN = "(hidden)"
SHORTEST = 2
"""Characters of what is hidden: fewer would hide every second word."""
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


def failure(logger: logging.Logger, what: str, error: BaseException, **about: Any) -> None:
    """Logs it with its traceback, as text: what collects errors and their variables gets no learner's data."""
    told = "".join(traceback.format_exception(error)).rstrip()
    logger.error("%s%s\n%s", what, _in_words(about), discreet(told), extra=about)


def discreet(text: str) -> str:
    """The text without what is hidden here, and without any e-mail address."""
    for each in sorted(_hidden.get(), key=len, reverse=True):
        text = text.replace(each, HIDDEN)
    return ADDRESS.sub(HIDDEN, text)


def _in_words(about: dict[str, Any]) -> str:
    return "".join(f" {name}={value}" for name, value in about.items())
