"""Verification ids: what people type, scan and print.

16 symbols of Crockford's base32 alphabet, shown in fours: 15 random ones (75 bits), and a check symbol by the Luhn
algorithm for 32 symbols, which notices every single mistyped symbol and nearly every swapped pair of neighbours.
"""

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
_DASHES = "-‐‑–— \t\u00a0"
_WITHIN = re.compile(rf"(?<![0-9A-Za-z])(?=([0-9A-Za-z]{{4}}(?:[{_DASHES}]*[0-9A-Za-z]{{4}}){{3}})(?![0-9A-Za-z]))")
_FORGIVING = str.maketrans("OIL", "011", _DASHES)


def new_id() -> str:
    """A new id as it is stored: 16 symbols without dashes."""
    payload = "".join(ALPHABET[byte % len(ALPHABET)] for byte in secrets.token_bytes(LENGTH - 1))  # 32 divides 256
    return payload + _check_symbol(payload)


def shown(verification_id: str) -> str:
    """The id as people see it: `K7QF-2M9X-4TBD-HW33`."""
    return "-".join(verification_id[start : start + 4] for start in range(0, len(verification_id), 4))


def normalised(text: str) -> str | None:
    """The stored form of what somebody typed: in lower case, with dashes or without, with O for 0, I or L for 1.

    None when it cannot be an id: wrong length, a symbol outside the alphabet, or a check symbol that does not agree.
    """
    symbols = text.strip().upper().translate(_FORGIVING)
    if len(symbols) != LENGTH or not set(symbols) <= set(ALPHABET) or _check_symbol(symbols[:-1]) != symbols[-1]:
        return None
    return symbols


def found_in(text: str) -> str | None:
    """The first id within a text, such as a link that was pasted or `No. …`, as it is stored; None without one."""
    ids = (normalised(each) for each in (text, *_WITHIN.findall(text)))
    return next((each for each in ids if each), None)


def is_whole(text: str) -> bool:
    """Whether something within has the length of an id: then one that leads nowhere has a symbol that is wrong."""
    return _WITHIN.search(text) is not None


def _check_symbol(payload: str) -> str:
    base = len(ALPHABET)
    total = 0
    for position, symbol in enumerate(reversed(payload)):
        value = ALPHABET.index(symbol) * (2 if position % 2 == 0 else 1)
        total += value // base + value % base
    return ALPHABET[-total % base]
