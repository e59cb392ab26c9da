"""What is done once a day: dates of courses are followed, and what is too old to keep is removed."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from conferral.issuance import dry_run, opening, prune


@dataclass(frozen=True, slots=True)
class Done:
    """How many configurations have other dates now, and how many runs and mails were removed."""

    moved: int
    runs: int
    mails: int


def daily(now: datetime | None = None) -> Done:
    """Does all of it; again changes nothing. It may be asked for at any time."""
    now = now or timezone.now()
    dry_run.forget_old(now)
    removed = prune.prune(now)  # first: the source may be slow
    return Done(moved=opening.follow_all(now), **removed)
