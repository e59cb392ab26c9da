"""The sweep: what messages and workers dropped, the database still knows, and this makes good."""

from dataclasses import dataclass

from conferral.issuance import deliver, generate
from conferral.issuance.run import close_lost_runs, due


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due now: configurations by id, how many artifacts, how many messages."""

    configurations: list[int]
    artifacts: int
    messages: int


def sweep() -> Waiting:
    """Closes lost runs, and says what else is due: the caller does it, or nudges somebody who does."""
    close_lost_runs()
    return Waiting(due(), generate.due(), deliver.due())
