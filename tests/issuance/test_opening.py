"""It opens and closes by the course's dates, which may move; the first run after the closing is the last."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from conferral import schedules
from conferral.contract import OptionsError, TransientError
from conferral.issuance import configure, history, opening
from conferral.issuance.daily import daily
from conferral.issuance.run import run, run_if_due
from conferral.lms.roster import RosterGateway
from conferral.models import Candidate, CredentialConfiguration, Run

DAY = timedelta(days=1)


def now():
    return timezone.now()


def dates(course, start=None, end=None):
    configure.save_context(course.key, name="Testing", organisation="Test", start=start, end=end)


def configured(course, rules, enabled=True, schedule=None):
    if not course.configuration:
        course.configure()
    schedule = {"every": "1 day"} if schedule is None else schedule
    return configure.save_configuration(course.key, course.type_name, enabled=enabled, schedule=schedule, opening=rules)


def stored():
    return CredentialConfiguration.objects.get()


def run_by_schedule():
    CredentialConfiguration.objects.update(next_run_at=now() - timedelta(minutes=1))
    return run_if_due(stored().pk)


def test_before_it_opens_nobody_is_looked_at_and_its_first_run_is_after_it(course):
    course.learner("ana")
    dates(course, start=now() + 2 * DAY)
    configured(course, {"after_start": 3})
    opens = stored().opens_at
    assert timedelta(days=4) < opens - now() < timedelta(days=5)
    assert opens <= stored().next_run_at <= opens + DAY
    ended = run(stored(), trigger="command")
    assert (ended.evaluated, ended.issued) == (0, 0)
    assert ended.remarks.startswith("not open yet: it opens on ")
    assert run(stored(), trigger="command", release=True).issued == 1


def test_it_opens_when_the_course_has_ended(course):
    course.learner("ana")
    dates(course, end=now() - DAY)
    configured(course, {"after_end": 0})
    assert run_by_schedule().issued == 1


def test_the_first_run_after_the_closing_is_the_last_and_the_configuration_says_why(course):
    course.learner("ana")
    dates(course, end=now() - 31 * DAY)
    configured(course, {"stop": 30})
    assert len(list(schedules.upcoming(stored(), 5))) == 1
    ended = run_by_schedule()
    assert (ended.status, ended.issued) == (Run.Status.FINISHED, 1)
    assert ended.remarks == "its time has ended: this was the last run"
    after = stored()
    assert (after.enabled, after.next_run_at, after.periodic_task.enabled) == (True, None, False)
    assert after.closed
    assert after.closed_why.endswith("30 days after the end of the course")
    (act, *_) = history.of(after)
    assert (act.verb, act.by_name, act.reason) == ("closed", "Conferral", after.closed_why)
    course.learner("late")
    assert run(after, trigger="command").remarks.startswith("closed on ")
    assert run(after, trigger="command", release=True).issued == 1


def test_a_last_run_that_fails_is_tried_again_and_closes_then(course):
    course.learner("ana")
    dates(course, end=now() - 31 * DAY)
    configured(course, {"stop": 30})
    stored().type.__class__.objects.update(processor="gone")
    with pytest.raises(Exception, match="is not installed"):
        run_by_schedule()
    assert stored().closed is None
    assert stored().next_run_at
    stored().type.__class__.objects.update(processor="completion")
    assert run_by_schedule().issued == 1
    assert stored().closed


def test_those_who_wait_when_its_time_ends_are_issued_to_and_nobody_after_them(course):
    course.learner("ana")
    dates(course, end=now() - 31 * DAY)
    configured(course, {"stop": 30})
    configure.save_configuration(
        course.key,
        course.type_name,
        enabled=True,
        schedule={"every": "1 day"},
        opening={"stop": 30},
        guards={"wait": "7 days"},
    )
    assert run_by_schedule().waiting == 1
    assert stored().closed is None
    course.learner("late")
    Candidate.objects.update(qualified=now() - 8 * DAY)
    ended = run_by_schedule()
    assert (ended.issued, ended.waiting) == (1, 0)
    assert stored().closed


def test_once_is_for_those_who_qualify_then_also_when_they_wait(course):
    course.learner("ana")
    course.configure(schedule={"at": (now() + timedelta(hours=1)).isoformat()})
    configure.save_configuration(course.key, course.type_name, enabled=True, guards={"wait": "7 days"})
    CredentialConfiguration.objects.update(schedule={"at": (now() - timedelta(minutes=1)).isoformat()})
    assert run_by_schedule().waiting == 1
    assert stored().next_run_at - now() > 6 * DAY
    course.learner("late")
    Candidate.objects.update(qualified=now() - 8 * DAY)
    ended = run_by_schedule()
    assert (ended.issued, ended.waiting) == (1, 0)
    assert stored().next_run_at is None


def test_a_course_that_is_extended_opens_again_what_had_closed_by_itself(course):
    dates(course, end=now() - 31 * DAY)
    configured(course, {"stop": 30})
    run_by_schedule()
    assert stored().closed
    dates(course, end=now() + 10 * DAY)
    assert daily().moved == 1
    after = stored()
    assert (after.closed, after.closed_why) == (None, "")
    assert after.next_run_at
    assert [act.verb for act in history.of(after)[:2]] == ["opened again", "closed"]
    assert daily().moved == 0


def test_what_a_person_switched_off_stays_off(course):
    dates(course, end=now() - 31 * DAY)
    configured(course, {"stop": 30})
    run_by_schedule()
    configured(course, {"stop": 30}, enabled=False)
    dates(course, end=now() + 10 * DAY)
    daily()
    after = stored()
    assert (after.enabled, after.closed, after.next_run_at) == (False, None, None)


def test_a_start_that_moves_is_followed_by_the_day_and_by_the_run(course):
    course.learner("ana")
    dates(course, start=now() - 5 * DAY)
    configured(course, {"after_start": 1})
    assert stored().next_run_at - now() <= DAY + timedelta(minutes=1)
    dates(course, start=now() + 5 * DAY)
    assert run_by_schedule().issued == 0
    assert stored().next_run_at >= stored().opens_at > now() + 5 * DAY
    dates(course, start=now() - 5 * DAY)
    daily()
    assert stored().next_run_at - now() <= DAY + timedelta(minutes=1)


def test_what_is_listed_without_a_name_learns_it_within_a_day(course):
    """Whatever was configured before names were kept; and a course that is renamed, where its dates are followed."""
    configured(course, {})
    name = stored().context_name
    CredentialConfiguration.objects.update(context_name="")
    daily()
    assert stored().context_name == name != ""


def test_at_any_time_with_a_clock_of_ones_own(course):
    dates(course, start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 6, 1, tzinfo=UTC))
    configured(course, {"after_start": 14, "stop": 30})
    for day, is_open, last in ((10, False, False), (20, True, False), (200, True, True)):
        state = opening.state_of(stored(), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day))
        assert (state.open, state.last) == (is_open, last)


def test_a_course_without_an_end_never_closes_by_itself_and_that_is_said(course):
    dates(course, start=now() - DAY)
    change = configured(course, {"stop": 30})
    assert change.remarks == ("without an end date it never closes by itself",)
    assert stored().closes_at is None
    change = configured(course, {"after_end": 0})
    assert change.remarks == ("without an end date it does not open: give the course one",)
    assert (stored().next_run_at, list(schedules.upcoming(stored(), 5))) == (None, [])
    assert run(stored(), trigger="command").remarks.startswith("not open yet: the course has not been given the date")
    dates(course, start=now() - DAY, end=now() - timedelta(hours=1))
    daily()
    assert stored().next_run_at


def test_what_closed_says_so_when_it_is_saved_and_a_later_stop_opens_it(course):
    dates(course, end=now() - 31 * DAY)
    configured(course, {"stop": 30})
    run_by_schedule()
    assert configured(course, {"stop": 30}).remarks[0].startswith("closed on ")
    assert configured(course, {"stop": 60}).remarks == ()
    assert stored().next_run_at


def test_one_course_that_cannot_be_read_keeps_no_other_from_being_followed(course, caplog):
    dates(course, end=now() + DAY)
    configured(course, {"stop": 1})
    CredentialConfiguration.objects.create(
        context_key="course-v1:Test+GONE+1", type=stored().type, opening={"no": "sense"}
    )
    dates(course, end=now() + 9 * DAY)
    assert daily().moved == 1


@pytest.mark.parametrize("away", [TransientError("the LMS is away"), None], ids=["is away", "hangs"])
def test_a_source_that_is_away_is_asked_of_a_few_courses_a_day(course, monkeypatch, settings, caplog, away):
    settings.CONFERRAL_PAGE_SECONDS = 1
    configured(course, {})
    there = stored()
    for number in range(9):
        CredentialConfiguration.objects.create(context_key=f"course-v1:Test+T+{number}", type=there.type)
    asked = []

    def describe(_, key):
        asked.append(key)
        if away:
            raise away
        time.sleep(60)

    monkeypatch.setattr(RosterGateway, "describe", describe)
    assert daily().moved == 0
    assert len(asked) == 3
    assert "the other courses are followed tomorrow" in caplog.text


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"after_start": 1, "after_end": 1}, "give one of after_start and after_end"),
        ({"after_end": 10, "stop": 5}, "it stops before it opens"),
        ({"stop": -1}, r"opening\.stop: -1 is not accepted"),
        ({"close": 1}, r"opening\.close: unknown key; known here: after_end, after_start, stop"),
    ],
)
def test_wrong_rules_are_refused_when_saved(course, rules, says):
    with pytest.raises(OptionsError, match=says):
        configured(course, rules)
