"""A configuration runs at its own times: its task stays in step, and nothing is missed or done twice."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from conferral import schedules
from conferral.contract import ConferralError, OptionsError
from conferral.issuance import configure, removal, standstill
from conferral.issuance.run import close_lost_runs, due, run, run_if_due
from conferral.models import Credential, CredentialConfiguration, Run
from conferral.schedules import RUN_IF_DUE

HOUR = timedelta(hours=1)


def scheduled(course, **schedule):
    """A configuration with a schedule, of a course where everybody qualifies."""
    course.configure(schedule=schedule)
    return stored()


def stored():
    return CredentialConfiguration.objects.get()


def save(course, **values):
    configure.save_configuration(course.key, course.type_name, **values)
    return stored()


def overdue(by=HOUR):
    """Its time came a while ago."""
    at = timezone.now() - by
    CredentialConfiguration.objects.update(next_run_at=at)
    return at


def wakes(configuration):
    """The periodic task's crontab, in one line."""
    times = configuration.periodic_task.crontab
    fields = (times.minute, times.hour, times.day_of_month, times.month_of_year, times.day_of_week, times.timezone)
    return " ".join(str(field) for field in fields)


def test_a_crontab_becomes_the_periodic_tasks_own(course):
    configuration = save_enabled = scheduled(course, crontab="0 3 * * 1")
    task = configuration.periodic_task
    assert (task.name, task.task, json.loads(task.args)) == (
        f"conferral:{configuration.pk}",
        RUN_IF_DUE,
        [configuration.pk],
    )
    assert wakes(save_enabled) == "0 3 * * 1 UTC"
    assert task.enabled
    assert configuration.next_run_at.weekday() == 0
    assert configuration.next_run_at.hour == 3


def test_every_so_often_becomes_a_date_that_moves_on(course):
    configuration = scheduled(course, every="7 days")
    at = configuration.next_run_at
    assert timedelta(days=7) <= at - timezone.now() <= timedelta(days=7, minutes=1)
    assert wakes(configuration) == f"{at.minute} {at.hour} {at.day} {at.month} * UTC"
    overdue()
    assert run_if_due(configuration.pk)
    assert stored().next_run_at == at  # counted from when it was given, not from when it ran
    assert wakes(stored()) == wakes(configuration)


def test_again_changes_nothing(course):
    before = scheduled(course, every="7 days")
    course.configure(schedule={"every": "7 days"})
    after = stored()
    assert (after.next_run_at, after.schedule_since) == (before.next_run_at, before.schedule_since)
    assert PeriodicTask.objects.filter(task=RUN_IF_DUE).count() == CrontabSchedule.objects.count() == 1


def test_switched_off_and_on_again_does_not_run_at_once(course):
    configuration = scheduled(course, every="7 days")
    planned = configuration.next_run_at
    off = save(course, enabled=False, schedule={"every": "7 days"})
    assert (off.next_run_at, off.periodic_task.enabled) == (None, False)
    assert due() == []
    on = save(course, enabled=True, schedule={"every": "7 days"})
    assert (on.next_run_at, on.periodic_task.enabled) == (planned, True)
    assert run_if_due(on.pk) is None


def test_another_schedule_counts_from_now(course):
    scheduled(course, every="7 days")
    changed = save(course, enabled=True, schedule={"crontab": "30 4 * * *"}, time_zone="Europe/Paris")
    assert wakes(changed) == "30 4 * * * Europe/Paris"
    assert changed.next_run_at - timezone.now() <= timedelta(days=1)
    none = save(course, enabled=True, schedule={})
    assert (none.next_run_at, none.periodic_task) == (None, None)
    assert PeriodicTask.objects.filter(task=RUN_IF_DUE).count() == CrontabSchedule.objects.count() == 0


def test_renaming_the_type_keeps_its_times(course):
    before = scheduled(course, crontab="0 3 * * 1")
    configure.rename_type("Completion", "Attendance")
    after = stored()
    assert (after.next_run_at, after.periodic_task.pk) == (before.next_run_at, before.periodic_task.pk)
    assert "Attendance" in after.periodic_task.description


def test_deleting_a_configuration_deletes_its_task(course):
    scheduled(course, crontab="0 3 * * 1")
    removal.delete_configuration(course.key, course.type_name)
    assert PeriodicTask.objects.filter(task=RUN_IF_DUE).count() == CrontabSchedule.objects.count() == 0


def test_a_task_that_somebody_deleted_comes_back(course):
    configuration = scheduled(course, crontab="0 3 * * 1")
    configuration.periodic_task.delete()
    assert save(course, enabled=True, schedule={"crontab": "0 3 * * 1"}).periodic_task.enabled


def test_a_key_and_a_name_of_255_characters(course):
    key = "course-v1:" + "O" * 80 + "+" + "C" * 80 + "+" + "R" * 83
    assert len(key) == 255
    configure.save_context(key, name="N" * 255, organisation="Test")
    course.key, course.type_name = key, "T" * 255
    configuration = scheduled(course, crontab="0 3 * * 1")
    assert configuration.periodic_task.name == f"conferral:{configuration.pk}"


def test_a_wrong_schedule_changes_nothing(course):
    before = scheduled(course, crontab="0 3 * * 1")
    for schedule, says in (({"crontab": "0 0 30 2 *"}, "never fires"), ({"crontab": "0 3 * *"}, "write minute, hour")):
        with pytest.raises(OptionsError, match=says):
            save(course, enabled=True, schedule=schedule)
    with pytest.raises(OptionsError, match="time_zone: 'Mars/Olympus' is not known"):
        save(course, enabled=True, schedule={"crontab": "0 3 * * 1"}, time_zone="Mars/Olympus")
    assert (stored().schedule, stored().next_run_at) == (before.schedule, before.next_run_at)


def test_it_runs_when_its_time_has_come_and_not_before(course):
    course.learner("ana")
    configuration = scheduled(course, crontab="0 3 * * 1")
    assert run_if_due(configuration.pk) is None
    overdue()
    assert due() == [configuration.pk]
    ended = run_if_due(configuration.pk)
    assert (ended.trigger, ended.status, ended.issued) == (Run.Trigger.SCHEDULE, Run.Status.FINISHED, 1)
    assert due() == []
    assert run_if_due(configuration.pk) is None


def test_a_week_of_downtime_is_one_run(course):
    configuration = scheduled(course, every="1 hour")
    overdue(timedelta(days=7))
    assert run_if_due(configuration.pk)
    assert run_if_due(configuration.pk) is None
    assert timezone.now() < stored().next_run_at <= timezone.now() + HOUR + timedelta(minutes=1)
    assert Run.objects.count() == 1


def test_once_is_once(course):
    configuration = scheduled(course, at=f"{datetime.now(UTC) + HOUR:%Y-%m-%dT%H:%M:%S%z}")
    at = overdue()
    CredentialConfiguration.objects.update(schedule={"at": at.isoformat()})
    assert run_if_due(configuration.pk)
    assert stored().next_run_at is None
    assert not stored().periodic_task.enabled


def test_what_is_running_already_keeps_its_turn(course):
    configuration = scheduled(course, every="1 day")
    at = overdue()
    other = Run.objects.create(
        configuration=configuration,
        trigger="command",
        claim="another-host:1:token",
        claimed_until=timezone.now() + HOUR,
        started=timezone.now(),
    )
    assert run_if_due(configuration.pk) is None
    assert stored().next_run_at == at
    Run.objects.filter(pk=other.pk).update(active=None)
    assert run_if_due(configuration.pk)


def test_a_failed_run_is_tried_again_with_growing_pauses(course, monkeypatch):
    configuration = scheduled(course, crontab="0 3 * * 1")
    planned = configuration.next_run_at
    pauses = []
    for _ in range(4):
        overdue()
        course.configuration.type.__class__.objects.update(processor="gone")
        with pytest.raises(ConferralError, match="'gone' is not installed"):
            run_if_due(configuration.pk)
        pauses.append(round((stored().next_run_at - timezone.now()).total_seconds()))
    assert pauses == [30, 60, 120, 240]
    course.configuration.type.__class__.objects.update(processor="completion")
    overdue()
    assert run_if_due(configuration.pk).status == Run.Status.FINISHED
    assert stored().next_run_at == planned


def test_a_run_whose_worker_was_killed_is_run_again(course):
    course.learner("ana")
    configuration = scheduled(course, crontab="0 3 * * 1")
    Run.objects.create(
        configuration=configuration,
        trigger=Run.Trigger.SCHEDULE,
        claim="another-host:1:token",
        claimed_until=timezone.now() - HOUR,
        started=timezone.now() - HOUR,
    )
    close_lost_runs()
    assert stored().next_run_at - timezone.now() < timedelta(seconds=31)
    overdue()
    assert run_if_due(configuration.pk).issued == 1


def test_a_pause_stops_every_run_and_resume_makes_up_for_it(course):
    course.learner("ana")
    configuration = scheduled(course, every="1 day")
    overdue()
    standstill.pause("the wrong people")
    standstill.pause("again")
    assert due() == []
    assert run_if_due(configuration.pk) is None
    with pytest.raises(
        standstill.Paused, match=r"paused since .* UTC \(the wrong people\); `conferral resume` goes on"
    ):
        course.run()
    assert standstill.resume()
    assert not standstill.resume()
    assert run_if_due(configuration.pk).issued == 1


def test_a_pause_in_the_middle_of_a_run_issues_nothing(course, settings, monkeypatch):
    """Somebody pulls the stop while the second page is looked at."""
    settings.CONFERRAL_PAGE_SIZE = 2
    course.learners(6)
    course.configure()
    seen = []

    def progressed(count):
        seen.append(count)
        standstill.pause()

    with pytest.raises(standstill.Paused):
        run(course.configuration, trigger="command", progressed=progressed)
    assert seen == [2]
    assert Credential.objects.count() == 0
    assert Run.objects.get().status == Run.Status.FAILED


def test_the_next_runs_are_told(course):
    configuration = scheduled(course, every="1 week")
    first, second, third = schedules.upcoming(configuration, 3)
    assert second - first == third - second == timedelta(weeks=1)


def test_times_that_others_share_are_never_changed_or_deleted(course):
    """Beat takes any row of the same times for its own tasks, the sweep among them."""
    configuration = scheduled(course, crontab="* * * * *")
    shared = configuration.periodic_task.crontab
    sweep = PeriodicTask.objects.create(name="sweep", task="conferral.sweep", crontab=shared)
    save(course, enabled=True, schedule={"crontab": "0 3 * * 1"})
    sweep.refresh_from_db()
    assert str(sweep.crontab.hour) == "*"
    save(course, enabled=True, schedule={"crontab": "* * * * *"})
    save(course, enabled=True, schedule={})
    assert PeriodicTask.objects.get().name == "sweep"


def test_a_task_that_somebody_deleted_comes_back_with_the_next_turn(course):
    configuration = scheduled(course, every="1 day")
    configuration.periodic_task.delete()
    for _ in range(2):
        overdue()
        assert run_if_due(configuration.pk)
    assert stored().periodic_task.name == f"conferral:{configuration.pk}"


def test_switched_off_while_it_runs_it_issues_nothing(course):
    course.learner("ana")
    course.configure()

    def switch_off(count):
        CredentialConfiguration.objects.update(enabled=False)

    with pytest.raises(ConferralError, match="was switched off while it was run; nothing was issued"):
        run(course.configuration, trigger="command", progressed=switch_off)
    assert Credential.objects.count() == 0


def test_a_new_time_that_has_passed_is_refused_and_an_old_one_is_not(course):
    past = "2026-01-01T09:00:00Z"
    with pytest.raises(OptionsError, match="schedule.at: 2026-01-01T09:00:00Z has passed"):
        scheduled(course, at=past)
    course.configure()
    CredentialConfiguration.objects.update(schedule={"at": past})
    assert save(course, enabled=True, schedule={"at": past}).next_run_at is None
