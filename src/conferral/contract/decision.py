"""A processor's answer for one learner, and the facts that decided."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from conferral.contract.context import short_key
from conferral.contract.text import check_storable

EVIDENCE_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Fact:
    """One comparison: `actual` against `required`. Shares are decimal strings (0..1), other values words (`3 quizzes`).

    `actual` is None when the source has no such figure; `step` is the course's key in a pathway.
    """

    key: str
    actual: str | None
    required: str
    met: bool
    step: str = ""

    @classmethod
    def share(cls, key: str, actual: Decimal | None, required: Decimal) -> "Fact":
        """A threshold on a share: inclusive, on the exact value that the source stores."""
        met = actual is not None and actual >= required
        return cls(key, None if actual is None else exact(actual), exact(required), met)

    def __post_init__(self) -> None:
        # Facts are stored as JSON: a mistake is that of the learner at hand, not of the whole page.
        if not isinstance(self.required, str) or not isinstance(self.actual, str | None):
            raise TypeError(f"fact {self.key!r}: actual and required are texts, shares as decimal strings")
        check_storable(f"{self.key}{self.required}{self.actual}")

    def __str__(self) -> str:
        where = f"{short_key(self.step)}: " if self.step else ""
        actual = "unknown" if self.actual is None else readable(self.actual)
        required = readable(self.required)
        if actual == required and not self.met and self.actual is not None:
            actual, required = self.actual, self.required  # so close that only all digits tell them apart
        return f"{where}{self.key} {actual} ({required} required)"


@dataclass(frozen=True, slots=True)
class Decision:
    """The facts that decide, and since when they have been met (None where the source cannot tell)."""

    facts: tuple[Fact, ...] = ()
    earned: datetime | None = None

    def __post_init__(self) -> None:
        if self.earned is not None and self.earned.tzinfo is None:
            raise TypeError("earned: an instant has to say its time zone")

    @classmethod
    def on(cls, *facts: Fact, earned: datetime | None = None) -> "Decision":
        """The decision on these facts."""
        return cls(facts, earned)

    @property
    def eligible(self) -> bool:
        """There is a fact, and every one is met."""
        return bool(self.facts) and all(fact.met for fact in self.facts)

    @property
    def reason(self) -> str:
        """The facts that decided, in one line: those not met, or all when eligible."""
        return "; ".join(str(fact) for fact in self.facts if self.eligible or not fact.met)

    def evidence(self, processor: str, version: str) -> dict[str, Any]:
        """The facts as they are stored with a credential."""
        return {
            "schema": EVIDENCE_SCHEMA,
            "processor": processor,
            "version": version,
            "facts": [asdict(fact) for fact in self.facts],
        }


def exact(share: Decimal) -> str:
    """All digits of a share, and no more: whichever source told it, the same figure is the same text."""
    text = f"{share:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def combine(by_step: Mapping[str, Decision]) -> Decision:
    """A pathway's decision: every step must be met; earned when the last step was, if every source can tell."""
    nothing = (Fact("decision", "none", "a decision on facts", met=False),)
    facts = [replace(fact, step=step) for step, decision in by_step.items() for fact in decision.facts or nothing]
    dates = [decision.earned for decision in by_step.values() if decision.earned is not None]
    return Decision(tuple(facts), max(dates) if dates and len(dates) == len(by_step) else None)


def percentage(value: str) -> Decimal | None:
    """The percentage of a share, cut (never rounded up) to two decimals; None for a value that is no number."""
    try:
        # Cut first: a multiplication rounds to the context's digits. What is too long to cut is no share.
        share = Decimal(value).quantize(Decimal("0.0001"), ROUND_FLOOR)
    except InvalidOperation:
        return None
    return share * 100 if share.is_finite() else None


def readable(value: str) -> str:
    """A fact's value for people: `0.795` is `79.5 %`, a word stays a word."""
    figure = percentage(value)
    return value if figure is None else f"{figure.normalize():f} %"
