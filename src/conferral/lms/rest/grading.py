"""Category grades from the gradebook, as the platform computes them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any


def averages(breakdown: Sequence[Mapping[str, Any]], policy: Mapping[str, Mapping[str, Any]]) -> dict[str, Decimal]:
    """A learner's share of each assignment type.

    Of a type's subsections, the percentages in course order; not attempted is zero, attempted without possible points
    is left out; padded with zeros to `min_count`; the `drop_count` lowest dropped, of equals the later ones.
    """
    found = {}
    for category, rule in policy.items():
        shares = [
            float(each["percent"])
            for each in breakdown
            if each["category"] == category and (each["score_possible"] or not each["attempted"])
        ]
        shares += [0.0] * (int(rule["min_count"]) - len(shares))
        found[category] = min(Decimal(str(_average(shares, int(rule["drop_count"])))), Decimal(1))
    return found


def _average(shares: list[float], drop: int) -> float:
    lowest = sorted(range(len(shares)), key=lambda index: -shares[index])[-drop:] if drop else []
    # Floats, summed in course order: the platform's own arithmetic, to its last digit.
    total = sum(share for index, share in enumerate(shares) if index not in set(lowest))
    return total / (len(shares) - drop) if len(shares) > drop else total
