"""Text that databases store and paper shows."""

import re
import unicodedata

from conferral.contract.errors import NotAccepted, Phrase

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_HIDDEN = Phrase("it has a character (U+%(code)s) that cannot be stored or shown; remove it")


def storable(text: str) -> str:
    """The text with U+FFFD for what databases refuse: NUL and lone surrogates. For messages that others wrote."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def check_storable(text: str) -> str:
    """The text, when databases take it; else a ValueError."""
    return _refuse(_UNSTORABLE, text, _HIDDEN)


def check_line(text: str) -> str:
    """The text, when it is one line without control or direction characters; else a ValueError."""
    _refuse(_CONTROL, text, Phrase("it has a control character (U+%(code)s); remove it"))
    return _refuse(_DIRECTION, text, _HIDDEN)


def without_controls(text: str) -> str:
    """The text without what `check_line` refuses. For names that others wrote, where they leave by a header."""
    return _DIRECTION.sub("", _CONTROL.sub("", text))


def is_visible(text: str) -> bool:
    """Whether anything of it would be seen: spaces, marks and joiners alone are no name."""
    return any(unicodedata.category(character)[0] in "LNPS" for character in text)


def _refuse(pattern: re.Pattern[str], text: str, message: str) -> str:
    if found := pattern.search(text):
        raise NotAccepted(message, code=f"{ord(found[0]):04X}")
    return text
