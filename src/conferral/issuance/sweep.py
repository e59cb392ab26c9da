"""The sweep: what messages and workers dropped, the database still knows, and this makes good."""

from collections.abc import Sequence
from dataclasses import dataclass

from conferral.issuance import deliver, dry_run, generate, reissue, versions, withdraw, work
from conferral.issuance.run import asked, close_lost_runs, due


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due now: configurations by id, how many artifacts, messages, and files to be moved.

    And by id the runs, dry runs and reissues that people asked for.
    """

    configurations: list[int]
    artifacts: int
    messages: int
    withdrawals: int = 0
    asked: Sequence[int] = ()
    dry_runs: Sequence[int] = ()
    reissues: Sequence[int] = ()


def sweep() -> Waiting:
    """Closes lost runs, frees what killed workers held, activates versions whose date has come, and says what is due.

    The caller does or nudges that.
    """
    close_lost_runs()
    versions.activate_due()
    work.release_abandoned(generate.waiting_artifacts())
    work.release_abandoned(deliver.waiting_messages())
    work.release_abandoned(withdraw.waiting_files())
    return Waiting(due(), generate.due(), deliver.due(), withdraw.due(), asked(), dry_run.waiting(), reissue.waiting())
