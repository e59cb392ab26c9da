"""The sweep: what messages and workers dropped, the database still knows, and this makes good."""

from conferral.issuance.generate import generate
from conferral.issuance.run import close_lost_runs


def sweep() -> tuple[int, int]:
    """Closes lost runs and makes every artifact that is due; returns how many of each."""
    return close_lost_runs(), generate()
