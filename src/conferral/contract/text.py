"""Text that databases store and paper shows."""

import re
import unicodedata

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


def storable(text: str) -> str:
    """The text with U+FFFD for what databases refuse: NUL and lone surrogates. For messages that others wrote."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def check_storable(text: str) -> str:
    """The text, when databases take it; else a ValueError."""
    return _refuse(_UNSTORABLE.search(text), text)


def check_line(text: str) -> str:
    """The text, when it is one line without control or direction characters; else a ValueError."""
    control = next((character for character in text if unicodedata.category(character) in ("Cc", "Cs")), None)
    if control is not None:
        raise ValueError(f"it has a control character (U+{ord(control):04X}); remove it")
    return _refuse(_DIRECTION.search(text), text)


def is_visible(text: str) -> bool:
    """Whether anything of it would be seen: spaces, marks and joiners alone are no name."""
    return any(unicodedata.category(character)[0] in "LNPS" for character in text)


def _refuse(found: re.Match[str] | None, text: str) -> str:
    if found:
        raise ValueError(f"it has a character (U+{ord(found[0]):04X}) that cannot be stored or shown; remove it")
    return text
