"""The sweep: what anybody lost, the database still knows. Each minute it makes good what messages and workers dropped."""

from conferral.issuance.generate import generate
from conferral.issuance.run import close_lost_runs


def sweep() -> tuple[int, int]:
    """Closes lost runs and makes every artifact that is due; returns how many of each."""
    return close_lost_runs(), generate()
