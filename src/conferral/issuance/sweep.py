"""The sweep: what messages and workers dropped, the database still knows, and this makes good."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from conferral import journal
from conferral.issuance import deliver, dry_run, generate, reissue, versions, withdraw, work
from conferral.issuance import run as runs

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due now: configurations by id, how many artifacts, messages, and files to be moved.

    And by id the runs, dry runs and reissues that people asked for, and the versions of assets whose date has come.
    """

    configurations: Sequence[int]
    artifacts: int
    messages: int
    withdrawals: int = 0
    asked: Sequence[int] = ()
    dry_runs: Sequence[int] = ()
    reissues: Sequence[int] = ()
    versions: Sequence[int] = ()


def sweep() -> Waiting:
    """Frees what killed workers held, closes lost runs, and says what is due: the caller does or nudges that.

    It asks the database alone. What goes wrong in one step is logged, and keeps no other from being done.
    """
    for what in (generate.waiting_artifacts, deliver.waiting_messages, withdraw.waiting_files):
        _guarded(partial(_release, what), None)
    _guarded(runs.close_lost_runs, 0)
    return Waiting(
        configurations=_guarded(runs.due, []),
        artifacts=_guarded(generate.due, 0),
        messages=_guarded(deliver.due, 0),
        withdrawals=_guarded(withdraw.due, 0),
        asked=_guarded(runs.asked, []),
        dry_runs=_guarded(dry_run.waiting, []),
        reissues=_guarded(reissue.waiting, []),
        versions=_guarded(versions.due, []),
    )


def _release(waiting: Callable[[], work.Waiting]) -> None:
    work.release_abandoned(waiting())


def _guarded(step: Callable[[], T], otherwise: T) -> T:
    try:
        return step()
    except Exception as error:  # the next sweep tries it again
        journal.breakdown(logger, "a step of the sweep failed", error)
        return otherwise
