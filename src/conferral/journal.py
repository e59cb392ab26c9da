"""What the log says: events with the ids of what they are about, and failures without anybody's name or address."""

import json
import logging
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, quote_plus

from conferral.contract import ConferralError

HIDDEN = "(hidden)"
SHORTEST = 2
"""Characters of what is hidden: fewer would hide every second word."""
LETTER = r"[^\W\d_]"
WORD = re.compile(rf"{LETTER}{{3,}}")
"""What is hidden of a name by itself, where it stands as a word."""
ESCAPED: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: json.dumps(text)[1:-1],
)
"""How addresses and JSON write what is hidden."""
MOST_IN_WORDS = 3
"""Ids that a line for people has."""
ADDRESS = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")
KEY = re.compile(r"(?<=/sign-in/)[\w:.=-]{20,}")
"""What a link to sign in ends with: whoever reads it has the account, for as long as it is good."""
PACKAGE = __name__.partition(".")[0]

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
    """The text without what is hidden here, and without any e-mail address or link to sign in."""
    if personal := _hidden.get():
        text = _traces_of(personal).sub(HIDDEN, text)
    return KEY.sub(HIDDEN, ADDRESS.sub(HIDDEN, text))


def _traces_of(personal: Iterable[str]) -> re.Pattern[str]:
    """Wherever one of them stands, or a word of it by itself: the first name alone; longest first."""
    whole = {escape(each): "{}" for each in personal for escape in ESCAPED}
    words = {word for each in personal for word in WORD.findall(each.partition("@")[0])}
    alone = {escape(word): f"(?<!{LETTER}){{}}(?!{LETTER})" for word in words for escape in ESCAPED}
    forms = sorted((alone | whole).items(), key=lambda form: len(form[0]), reverse=True)
    return re.compile("|".join(around.replace("{}", re.escape(text)) for text, around in forms))


class Discreet(logging.Filter):
    """Lets no failure that Django or a library logs as it was raised reach a handler with its words and variables.

    Every line loses its addresses. With `ours_alone` a failure in which our code had no part, and whatever is no
    failure, stays as it is: for a logger that others use, too.
    """

    def __init__(self, *, ours_alone: bool = False) -> None:
        """Made by `LOGGING`, or by the app for an LMS."""
        super().__init__()
        self._ours_alone = ours_alone

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record, whatever handlers it goes to, and lets it pass."""
        error = record.exc_info[1] if record.exc_info else None
        if self._ours_alone and not (error and any(map(_is_ours, _modules(error)))):
            return True
        told = f"\n{_without_words(error)}" if error else ""
        record.msg, record.args = discreet(f"{record.getMessage()}{told}"), ()
        record.exc_info = record.exc_text = None
        record.__dict__.pop("request", None)  # Django's, with the form that was sent and the address that was asked for
        return True


def _without_words(error: BaseException) -> str:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    earlier = f"{_without_words(before)}\n\nand then:\n" if before else ""
    said = f": {_own_words(error)}" if isinstance(error, ConferralError) else ""
    return f"{earlier}{''.join(traceback.format_tb(error.__traceback__))}{type(error).__name__}{said}"


def _own_words(error: ConferralError) -> str:
    """Ours name no learner but by a key. A plugin raises the same kinds in words of its own, and ours quote others."""
    if not _are_ours(error):
        return HIDDEN
    said = str(error)
    for before in _earlier(error):
        if not _are_ours(before):
            for quoted in filter(None, (repr(before), str(before))):
                said = said.replace(quoted, HIDDEN)
    return said


def _are_ours(error: BaseException) -> bool:
    return isinstance(error, ConferralError) and _is_ours([PACKAGE, *_modules(error)][-1])


def _earlier(error: BaseException) -> Iterator[BaseException]:
    """What led to it, and what it quotes, also where a traceback would not tell of it."""
    while before := error.__cause__ or error.__context__:
        yield before
        error = before


def _modules(error: BaseException) -> list[str]:
    """Through which it came, the one that raised it last."""
    return [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE


def _in_words(about: dict[str, Any]) -> str:
    return "".join(f" {name}={_in_short(value)}" for name, value in about.items())


def _in_short(value: Any) -> Any:
    """Of many ids the first and the last; a handler that writes JSON has them all."""
    if not isinstance(value, list):
        return value
    return f"{value[0]}…{value[-1]}" if len(value) > MOST_IN_WORDS else ",".join(map(str, value)) or "none"
