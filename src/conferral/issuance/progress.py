"""How far a run is: what a page shows while it goes on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from conferral.models import CredentialConfiguration, DryRun, Run

MOST = 0.99
"""A run that goes on is never shown as whole: what the last one looked at is what it expects, not what it knows."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Learners looked at, of how many if that is known, how many a second, how much is done (0..1) and time left."""

    evaluated: int
    expected: int | None
    seconds: float
    rate: float
    share: float | None
    left: timedelta | None


def expected_of(configuration: CredentialConfiguration) -> int | None:
    """How many learners the last run looked at; before any has, the last dry run that is still there."""
    ended = configuration.runs.filter(status__in=(Run.Status.FINISHED, Run.Status.HELD, Run.Status.REFUSED))
    tried = configuration.dry_runs.filter(status=DryRun.Status.FINISHED)
    for found in (ended.exclude(evaluated=0), tried):
        evaluated: int | None = found.order_by("-pk").values_list("evaluated", flat=True).first()
        if evaluated:
            return evaluated
    return None


def progress_of(run: Run, now: datetime | None = None) -> Progress:
    """How far the run is, or was when it ended."""
    until = run.ended or now or timezone.now()
    seconds = max((until - run.started).total_seconds(), 0.0)
    rate = run.evaluated / seconds if seconds else 0.0
    if run.ended:
        return Progress(run.evaluated, run.evaluated, seconds, rate, 1.0, timedelta())
    expected = max(run.expected, run.evaluated) if run.expected else None
    share = min(run.evaluated / expected, MOST) if expected else None
    left = timedelta(seconds=round((expected - run.evaluated) / rate)) if expected and rate else None
    return Progress(run.evaluated, expected, seconds, rate, share, left)
