"""Clocks that are set back, change over, or stood still for a week, as real beats and workers see them."""

import time
from datetime import UTC, datetime, timedelta

import pytest


class Clock:
    """The clock of whatever Python is started with its environment."""

    def __init__(self, path):
        self._path = path
        self.environment = {"CONFERRAL_TESTS_CLOCK": str(path)}

    def set(self, instant):
        """It goes on from there, for all of them."""
        new = self._path.with_suffix(".new")
        new.write_text(f"{time.monotonic()} {instant.isoformat()}")
        new.replace(self._path)


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / "clock")


def runs(site):
    return site.number("select count(*) from conferral_run where status = 'finished'")


def start(fire, clock, at, crontab, zone="UTC", *, on=("postgresql", "redis")):
    clock.set(at - timedelta(hours=1))  # it is set up before
    schedule = f", time_zone: {zone}, schedule: {{crontab: '{crontab}'}}"
    site = fire(*on, 5, schedule=schedule, clock=clock)
    clock.set(at)
    site.beat()
    site.worker(concurrency=1)
    return site


def wait_for_beat(site, ticks):
    """So many further minutes."""
    before = site.ticks()
    site.wait(lambda: site.ticks() >= before + ticks, f"{ticks} further ticks of beat", patience=60 * ticks + 30)


def next_run(site):
    ((instant,),) = site.rows("select next_run_at from conferral_credentialconfiguration")
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)  # MySQL tells no zone


@pytest.mark.parametrize("on", [("postgresql", "redis"), ("mysql", "rabbitmq")], ids=" ".join)
def test_the_clock_steps_back_an_hour(fire, clock, tell, on):
    at = datetime(2026, 5, 4, 9, 59, 50, tzinfo=UTC)
    site = start(fire, clock, at, "0 10 * * *", on=on)
    site.wait(lambda: runs(site) == 1, "the run at ten")
    site.wait(lambda: site.done(5), "its mails")
    clock.set(at - timedelta(hours=1))
    wait_for_beat(site, 2)  # though it ticked last in an hour that has not come yet
    assert runs(site) == 1
    clock.set(at)  # and ten comes a second time
    wait_for_beat(site, 2)
    assert runs(site) == 1
    assert next_run(site) == datetime(2026, 5, 5, 10, tzinfo=UTC)
    told = "set back an hour after a run at ten: beat goes on, ten came twice, one run; the next is tomorrow's"
    tell(f"{', '.join(on)}: {told}")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        # Paris, 29 March: at two it is three. What was to run at half past two runs at half past three.
        (datetime(2026, 3, 29, 1, 29, 50, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)),
        # Paris, 25 October: half past two comes twice. It runs the first time.
        (datetime(2026, 10, 25, 0, 29, 50, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)),
    ],
    ids=["spring", "autumn"],
)
def test_daylight_saving(fire, clock, tell, before, expected):
    site = start(fire, clock, before, "30 2 * * *", zone="Europe/Paris")
    site.wait(lambda: runs(site) == 1, "the run")
    assert next_run(site) == expected
    if expected.month == 10:
        clock.set(before + timedelta(hours=1))  # half past two for the second time
        wait_for_beat(site, 2)
        assert runs(site) == 1
    tell(f"{before:%d %B}: one run, the next at {expected:%d %B %H:%M} UTC")


def test_a_week_without_beat(fire, clock, tell):
    """Forty configurations, each due every five minutes: two thousand times each were missed, and each runs once."""
    at = datetime(2026, 5, 4, 10, 1, tzinfo=UTC)
    clock.set(at)
    site = fire("mysql", "rabbitmq", 3, schedule=", schedule: {crontab: '*/5 * * * *'}", clock=clock)
    site.more_courses(40)
    clock.set(at + timedelta(days=7))
    site.beat()
    site.worker()
    site.wait(lambda: runs(site) >= 41, "a run of each")
    wait_for_beat(site, 1)
    most = site.number(
        "select max(n) from (select count(*) as n from conferral_run group by configuration_id) as each_"
    )
    assert most == 1, "no storm"
    assert runs(site) == 41
    tell("41 configurations, each overdue 2,016 times: 41 runs")
