"""When a configuration runs next: pure arithmetic on clocks that people live by."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from conferral.contract import OptionsError
from conferral.schedules import check, in_words, next_after

PARIS = "Europe/Paris"


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(schedule, start, count, *, zone=PARIS, since=None):
    """The next runs, each counted from the one before, as in production."""
    found, instant = [], at(start)
    for _ in range(count):
        instant = next_after(schedule, zone, after=instant, since=since and at(since))
        found.append(instant and f"{instant:%Y-%m-%d %H:%M}")
    return found


def test_a_crontab_keeps_to_the_wall_clock_over_daylight_saving():
    mondays = times({"crontab": "0 3 * * 1"}, "2026-03-20", 3)
    assert mondays == ["2026-03-23 02:00", "2026-03-30 01:00", "2026-04-06 01:00"]


def test_a_time_that_is_skipped_in_spring_is_made_up_for():
    """29 March 2026: the clock goes from 02:00 to 03:00."""
    assert times({"crontab": "30 2 * * *"}, "2026-03-28", 3) == [
        "2026-03-28 01:30",
        "2026-03-29 01:30",
        "2026-03-30 00:30",
    ]


def test_a_time_that_comes_twice_in_autumn_counts_once():
    """25 October 2026: the clock goes from 03:00 back to 02:00."""
    assert times({"crontab": "30 2 * * *"}, "2026-10-24", 3) == [
        "2026-10-24 00:30",
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


@pytest.mark.parametrize("start", ["2026-03-28 23:40", "2026-10-24 23:40"])
def test_what_runs_every_half_hour_runs_every_half_hour(start):
    found = [at(text) for text in times({"crontab": "*/30 * * * *"}, start, 12)]
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}


def test_every_week_counts_from_when_it_was_given_whoever_asks_when():
    """Asked daily, as a beat that restarts daily asks: the answer stays, and an hour stays that hour in winter."""
    schedule = {"every": "1 week"}
    since = "2026-10-15 01:00"  # Thursday, 03:00 in Paris
    answers = [times(schedule, f"2026-10-{day} 12:00", 1, since=since)[0] for day in (15, 16, 18, 20, 21)]
    assert set(answers) == {"2026-10-22 01:00"}
    assert times(schedule, "2026-10-22 01:00", 1, since=since) == ["2026-10-29 02:00"]


def test_every_so_many_hours_and_minutes_are_hours_and_minutes():
    assert times({"every": "36 hours"}, "2026-10-24 12:00", 2, since="2026-10-24 12:00") == [
        "2026-10-26 00:00",
        "2026-10-27 12:00",
    ]
    assert times({"every": "90 minutes"}, "2026-10-24 12:00:30", 2, since="2026-10-24 12:00:30") == [
        "2026-10-24 13:31",
        "2026-10-24 15:01",
    ]


def test_after_a_week_of_downtime_there_is_one_next_time_and_it_is_ahead():
    assert times({"every": "1 day"}, "2026-11-20 08:00", 1, since="2026-11-01 07:00") == ["2026-11-21 07:00"]


def test_once_is_once():
    schedule = {"at": "2026-05-12T09:00:00Z"}
    assert times(schedule, "2026-05-01", 2) == ["2026-05-12 09:00", None]
    assert times({}, "2026-05-01", 1) == [None]


def test_a_leap_day_on_a_monday_is_far_and_comes():
    assert times({"crontab": "0 0 29 2 1"}, "2026-03-01", 1, zone="UTC") == ["2044-02-29 00:00"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0 3 * *", "write minute, hour, day of month, month, day of week, like 0 3 * * 1"),
        ("nonsense", "write minute, hour, day of month"),
        ("99 3 * * 1", "99 > 59"),
        ("0 24 * * *", "24 > 23"),
        ("*/0 * * * *", "slice step cannot be zero"),
        ("0 0 30 2 *", "'0 0 30 2 *' never fires: there is no such day"),
        ("0 0 31 4,6,9,11 *", "never fires"),
        ("0," * 130 + "0 3 * * *", "is not accepted"),
    ],
)
def test_a_crontab_that_cannot_be_is_refused(text, says):
    with pytest.raises(OptionsError) as refused:
        check({"crontab": text}, "UTC")
    assert says in str(refused.value)
    assert str(refused.value).startswith("schedule.crontab: ")


def test_schedules_in_words():
    said = [in_words(each, PARIS) for each in ({"crontab": "0 3 * * 1"}, {"every": "7 days"}, {"at": "2026-05-12"}, {})]
    assert said == ["0 3 * * 1 Europe/Paris", "every 7 days", "at 2026-05-12", "by hand"]
