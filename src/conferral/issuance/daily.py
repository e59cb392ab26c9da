"""What is done once a day: courses' dates are followed, what is too old to keep is removed, names are made findable."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from conferral.issuance import dry_run, opening, prune
from conferral.models import Learner


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
    Learner.objects.note_missing_words()
    removed = prune.prune(now)  # first: the source may be slow
    return Done(moved=opening.follow_all(now), **removed)
