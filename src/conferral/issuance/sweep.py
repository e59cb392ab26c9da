"""The sweep: what messages and workers dropped, the database still knows, and this makes good."""

from collections.abc import Callable

from conferral.issuance.generate import generate
from conferral.issuance.run import close_lost_runs


def sweep(*, progressed: Callable[[int], None] | None = None) -> tuple[int, int]:
    """Closes lost runs and makes every artifact that is due; returns how many of each."""
    return close_lost_runs(), generate(progressed=progressed)
