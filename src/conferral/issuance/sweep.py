"""The sweep: what messages and workers dropped, the database still knows, and this makes good."""

from dataclasses import dataclass

from conferral.issuance import deliver, generate, work
from conferral.issuance.run import close_lost_runs, due


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due now: configurations by id, how many artifacts, how many messages."""

    configurations: list[int]
    artifacts: int
    messages: int


def sweep() -> Waiting:
    """Closes lost runs, frees what killed workers held, and says what is due: the caller does or nudges it."""
    close_lost_runs()
    work.release_abandoned(generate.waiting_artifacts())
    work.release_abandoned(deliver.waiting_messages())
    return Waiting(due(), generate.due(), deliver.due())
