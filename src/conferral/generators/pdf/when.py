"""Conditions of elements: `evidence.total >= 0.9 and locale == "de"`, read once, never evaluated as code."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from conferral.contract import GenerationRequest
from conferral.contract.errors import NotAccepted

PLAIN = ("locale", "context", "context_key", "type", "organisation", "issuer", "start", "end", "expires")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {">=": ge, "<=": le, "==": eq, "!=": ne, ">": gt, "<": lt}
_TOKEN = re.compile(
    r"""\s*(?:(?P<operator>>=|<=|==|!=|>|<)
    |(?P<number>\d+(?:\.\d+)?%?)
    |"(?P<text>[^"]*)"
    |(?P<name>[a-z_]+(?:\.[^\s<>=!"()]+)?))""",
    re.VERBOSE,
)
_WAY_OUT = NotAccepted(
    'write like: evidence.total >= 0.9 and locale == "de"; known: evidence.KEY, field.KEY, %(names)s',
    names=", ".join(PLAIN),
)

Value = str | Decimal
"""What is compared: texts with texts, numbers with numbers."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison, or with `operator` empty the question whether there is a value at all."""

    name: str
    operator: str = ""
    wanted: Value = ""
    negated: bool = False

    def holds(self, request: GenerationRequest) -> bool:
        """In this credential. What it does not have, or what is of another sort, meets no comparison."""
        found = _value(self.name, request)
        if not self.operator:
            return bool(found) is not self.negated
        if self.operator in ("==", "!=") and self.name == "locale":
            same = _is_locale(str(found), str(self.wanted))
            return same is (self.operator == "==")
        if isinstance(self.wanted, Decimal):
            found = _as_number(found)
        if found is None or type(found) is not type(self.wanted):
            return self.operator == "!="
        return _OPERATORS[self.operator](found, self.wanted)


@dataclass(frozen=True, slots=True)
class Condition:
    """Alternatives (`or`), of which one has to hold whole (`and`)."""

    alternatives: tuple[tuple[Comparison, ...], ...]

    def holds(self, request: GenerationRequest) -> bool:
        """In this credential."""
        return any(all(one.holds(request) for one in every) for every in self.alternatives)


def parse(text: str) -> Condition:
    """The condition that the text writes; a ValueError says what is wrong and how it is written."""
    tokens = _tokens(text)
    alternatives: list[list[Comparison]] = [[]]
    while True:
        comparison, tokens = _comparison(tokens)
        alternatives[-1].append(comparison)
        if not tokens:
            return Condition(tuple(map(tuple, alternatives)))
        kind, word = tokens.pop(0)
        if (kind, word) == ("name", "or"):
            alternatives.append([])
        elif (kind, word) != ("name", "and"):
            raise NotAccepted("%(word)r was not expected; %(way_out)s", word=word, way_out=_WAY_OUT)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        if not (match := _TOKEN.match(text, position)):
            raise NotAccepted(
                "%(text)r was not understood; %(way_out)s", text=text[position:].strip(), way_out=_WAY_OUT
            )
        kind = match.lastgroup
        assert kind is not None  # every alternative of the pattern is named
        found.append((kind, match[kind]))
        position = match.end()
    return found


def _comparison(tokens: list[tuple[str, str]]) -> tuple[Comparison, list[tuple[str, str]]]:
    tokens = list(tokens)
    negated = tokens[:1] == [("name", "not")]
    if negated:
        tokens.pop(0)
    if not tokens or tokens[0][0] != "name" or tokens[0][1] in ("and", "or", "not"):
        if tokens:
            raise NotAccepted("a name was expected and not %(text)r; %(way_out)s", text=tokens[0][1], way_out=_WAY_OUT)
        raise NotAccepted("a name was expected; %(way_out)s", way_out=_WAY_OUT)
    name = tokens.pop(0)[1]
    group, dot, key = name.partition(".")
    if not (name in PLAIN or (group in ("evidence", "field") and dot and key)):
        raise NotAccepted("%(name)r is not known; %(way_out)s", name=name, way_out=_WAY_OUT)
    if negated or not tokens or tokens[0][0] != "operator":
        return Comparison(name, negated=negated), tokens
    operator = tokens.pop(0)[1]
    if not tokens or tokens[0][0] not in ("number", "text"):
        raise NotAccepted(
            'after %(operator)s a number, a percentage or a text in "quotes" was expected; %(way_out)s',
            operator=operator,
            way_out=_WAY_OUT,
        )
    kind, written = tokens.pop(0)
    wanted: Value = written
    if kind == "number":
        wanted = Decimal(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    return Comparison(name, operator, wanted), tokens


def _value(name: str, request: GenerationRequest) -> object:
    snapshot = request.snapshot
    group, _, key = name.partition(".")
    match group:
        case "evidence":
            found = [fact.actual for fact in snapshot.evidence if fact.key == key and fact.actual is not None]
            # A pathway has one figure for each step: the lowest never claims more than was shown everywhere.
            return min(found, key=lambda actual: _as_number(actual) or Decimal(0), default=None)
        case "field":
            return snapshot.fields.get(key)
        case "locale":
            return request.locale
        case "issuer":
            return snapshot.issuer.name
        case _:
            return getattr(snapshot, group)


def _as_number(value: object) -> Decimal | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _is_locale(locale: str, wanted: str) -> bool:
    """`de` is every German, `de-AT` that of Austria alone."""
    have, want = locale.replace("_", "-").lower(), wanted.replace("_", "-").lower()
    return have == want or have.startswith(f"{want}-")
