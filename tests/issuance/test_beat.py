"""Beat's scheduler, when the clock is set back."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery import current_app
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from conferral.beat import Scheduler
from conferral.management.status import status

AT = datetime(2026, 5, 4, 10, 0, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def beat(transactional_db, monkeypatch):
    """A scheduler with a task of each minute and one of ten o'clock, and what it has sent."""
    for name, times in (("sweep", {}), ("ten", {"minute": "0", "hour": "10"})):
        crontab = CrontabSchedule.objects.create(timezone="UTC", **times)
        PeriodicTask.objects.create(name=name, task=f"conferral.{name}", crontab=crontab)
    sent = []
    monkeypatch.setattr(Scheduler, "apply_async", lambda self, entry, **_: sent.append(entry.task))
    monkeypatch.setattr(Scheduler, "producer", None)
    monkeypatch.setattr(Scheduler, "setup_schedule", lambda self: None)
    return sent


def ticking(scheduler, clock, since, seconds):
    """So many seconds of a clock that shows that time."""
    for second in range(seconds):
        clock.move_to(since + timedelta(seconds=second))
        scheduler.tick()


@pytest.mark.parametrize("restarted", [False, True], ids=["goes on", "restarted"])
def test_tasks_are_sent_in_the_hour_that_comes_twice(beat, restarted):
    with time_machine.travel(AT - timedelta(seconds=30), tick=False) as clock:
        scheduler = Scheduler(app=current_app)
        ticking(scheduler, clock, AT - timedelta(seconds=30), 60)
        assert sorted(beat) == ["conferral.sweep", "conferral.ten"]
        scheduler.sync()
        beat.clear()
        if restarted:
            scheduler = Scheduler(app=current_app)
        ticking(scheduler, clock, AT - HOUR, 180)
        assert beat == ["conferral.sweep"] * 3
        ticking(scheduler, clock, AT - timedelta(seconds=30), 60)
        assert "conferral.ten" in beat[3:], "whoever it wakes looks whether it was done"


def test_a_tick_in_the_future_is_no_sign_of_life(db):
    crontab = CrontabSchedule.objects.create()
    PeriodicTask.objects.create(name="x", task="conferral.sweep", crontab=crontab, last_run_at=AT)
    with time_machine.travel(AT - HOUR, tick=False):
        assert status()["beat"]["alive"] is False
    with time_machine.travel(AT + timedelta(seconds=70), tick=False):
        assert status()["beat"]["alive"] is True
