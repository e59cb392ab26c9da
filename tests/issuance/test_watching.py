"""A run that a person asks for: watched, cancelled, begun again when its worker dies; and old ones go."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from conferral import tasks
from conferral.issuance import configure, history, standstill
from conferral.issuance import run as runs
from conferral.issuance.daily import daily
from conferral.issuance.progress import progress_of
from conferral.issuance.run import NotRunning, ask, cancel, close_lost_runs, run, run_asked
from conferral.issuance.sweep import sweep
from conferral.models import Act, Credential, CredentialArtifact, CredentialConfiguration, Delivery, Run

HOUR = timedelta(hours=1)
Status = Run.Status


@pytest.fixture
def dean(db):
    return get_user_model().objects.create_user("dean")


def test_a_run_that_a_person_asks_for_is_begun_by_a_worker_and_says_who_asked(course, dean):
    course.learners(2)
    asked = ask(course.configure(), by=dean, notify=False)
    assert (asked.status, asked.trigger, asked.by, asked.active) == (Status.ASKED, Run.Trigger.PERSON, dean, None)
    assert ask(course.configuration, by=dean, notify=False) == asked, "once is enough"
    assert sweep().asked == [asked.pk]
    ended = run_asked(asked.pk)
    assert (ended.pk, ended.status, ended.issued, ended.notify) == (asked.pk, Status.FINISHED, 2, False)
    assert run_asked(asked.pk) is None
    assert sweep().asked == []
    assert [act.by_name for act in history.of(ended)] == ["dean"]


def test_the_workers_task_begins_it_too(course, dean):
    course.learners(2)
    asked = ask(course.configure(), by=dean)
    tasks.run_asked.apply(args=[asked.pk])
    asked.refresh_from_db()
    assert asked.status == Status.FINISHED


def test_what_a_person_has_not_confirmed_is_guarded_and_what_they_have_is_not(course, dean):
    course.learners(2)
    course.configure()
    configure.save_configuration(course.key, course.type_name, enabled=True, guards={"learners": 0, "share": 0})
    assert run_asked(ask(course.configuration, by=dean).pk).status == Status.HELD
    course.learner("late")
    assert run_asked(ask(course.configuration, by=dean, release=True).pk).issued == 1


def test_it_waits_while_another_run_goes_on(course, dean):
    asked = ask(course.configure(), by=dean)
    other = Run.objects.create(
        configuration=course.configuration,
        trigger="command",
        claim="another-host:1:token",
        claimed_until=timezone.now() + HOUR,
        started=timezone.now(),
    )
    assert run_asked(asked.pk) is None
    assert sweep().asked == [asked.pk]
    Run.objects.filter(pk=other.pk).update(active=None, status=Status.FINISHED)
    assert run_asked(asked.pk).status == Status.FINISHED


def test_nothing_is_begun_while_everything_stands_still(course, dean):
    asked = ask(course.configure(), by=dean)
    standstill.pause()
    assert sweep().asked == []
    assert run_asked(asked.pk) is None
    with pytest.raises(standstill.Paused):
        ask(course.configuration, by=dean)


def test_switched_off_meanwhile_it_fails_and_says_why(course, dean):
    asked = ask(course.configure(), by=dean)
    CredentialConfiguration.objects.update(enabled=False)
    with pytest.raises(runs.ConferralError, match="was switched off"):
        run_asked(asked.pk)
    asked.refresh_from_db()
    assert asked.status == Status.FAILED
    assert "was switched off" in asked.error


def test_whose_worker_was_killed_is_begun_again_but_not_for_ever(course, dean):
    course.learners(1)
    ask(course.configure(), by=dean)
    for attempt in (1, 2, 3):
        waiting = Run.objects.get(status=Status.ASKED)
        assert (waiting.attempts, waiting.by) == (attempt, dean)
        Run.objects.filter(pk=waiting.pk).update(
            status=Status.RUNNING, active=True, claim=f"another-host:1:{attempt}", claimed_until=timezone.now() - HOUR
        )
        close_lost_runs()
    assert set(Run.objects.values_list("status", flat=True)) == {Status.LOST}


def test_a_run_is_cancelled_while_it_goes_on_and_nothing_held_remains(course, settings, dean):
    settings.CONFERRAL_PAGE_SIZE = 2
    course.learners(6)
    course.configure()
    seen = []

    def progressed(count):
        seen.append(count)
        if len(seen) == 2:
            cancel(Run.objects.get(active=True), by=dean, reason="the wrong course")

    ended = run(course.configuration, trigger="command", progressed=progressed)
    assert seen == [2, 2], "the holder noticed at its next page"
    assert (ended.status, ended.active, ended.issued) == (Status.CANCELLED, None, 0)
    assert ended.error == "cancelled by dean: the wrong course"
    assert Credential.objects.count() == CredentialArtifact.objects.count() == 0
    (act,) = history.of(ended)
    assert (act.verb, act.by, act.reason) == ("cancelled", dean, "the wrong course")
    with pytest.raises(NotRunning, match="has ended \\(cancelled\\); there is nothing to cancel"):
        cancel(ended, by=dean)
    assert course.run().issued == 6


def test_cancelled_on_its_last_page_it_issues_nothing(course, dean):
    course.learners(2)
    course.configure()
    ended = run(
        course.configuration,
        trigger="command",
        progressed=lambda count: cancel(Run.objects.get(active=True), by=dean),
    )
    assert ended.status == Status.CANCELLED
    assert Credential.objects.count() == 0


def test_cancelled_before_it_begins(course, dean):
    asked = ask(course.configure(), by=dean)
    assert cancel(asked, by=dean).status == Status.CANCELLED
    assert run_asked(asked.pk) is None


def test_a_scheduled_run_that_was_cancelled_is_not_tried_again(course, dean):
    course.learners(1)
    course.configure(schedule={"every": "7 days"})
    planned = CredentialConfiguration.objects.get().next_run_at
    CredentialConfiguration.objects.update(next_run_at=timezone.now() - HOUR)
    ended = runs.run_if_due(
        course.configuration.pk, progressed=lambda count: cancel(Run.objects.get(active=True), by=dean)
    )
    assert ended.status == Status.CANCELLED
    assert CredentialConfiguration.objects.get().next_run_at == planned


def test_while_it_goes_on_it_says_how_far_it_is(course, settings, monkeypatch):
    monkeypatch.setattr(runs, "TELLS", 0)
    settings.CONFERRAL_PAGE_SIZE = 2
    course.learners(6)
    course.configure()
    course.run()
    course.learners(4, first=6)
    seen = []

    def progressed(count):
        going_on = Run.objects.get(active=True)
        seen.append((going_on.evaluated, going_on.already, going_on.issued, going_on.expected))

    run(course.configuration, trigger="command", progressed=progressed)
    assert seen == [(2, 2, 0, 6), (4, 4, 0, 6), (6, 6, 0, 6), (8, 6, 2, 6), (10, 6, 4, 6)]


def test_rate_and_time_left():
    begun = timezone.now()
    going_on = Run(started=begun, evaluated=2000, expected=10000)
    told = progress_of(going_on, begun + timedelta(seconds=10))
    assert (told.rate, told.share, told.left) == (200, 0.2, timedelta(seconds=40))
    going_on.evaluated = 12000
    told = progress_of(going_on, begun + timedelta(seconds=60))
    assert (told.expected, told.share, told.left) == (12000, 0.99, timedelta())
    going_on.expected = None
    assert progress_of(going_on, begun).left is None
    going_on.ended = begun + timedelta(seconds=60)
    assert progress_of(going_on).share == 1


def test_a_run_that_is_tried_again_says_how_often_and_when(course):
    course.configure(schedule={"every": "7 days"})
    course.configuration.type.__class__.objects.update(processor="gone")
    for attempt in (1, 2):
        CredentialConfiguration.objects.update(next_run_at=timezone.now() - HOUR)
        with pytest.raises(runs.ConferralError):
            runs.run_if_due(course.configuration.pk)
        last = Run.objects.latest("pk")
        assert (last.attempts, last.status) == (attempt, Status.FAILED)
        assert "'gone' is not installed" in last.error
        assert last.next_try == CredentialConfiguration.objects.get().next_run_at
    assert Run.objects.filter(next_try__isnull=False).count() == 1, "that of the latest alone"


def test_what_is_too_old_is_removed_and_what_has_issued_stays(course, settings, django_assert_max_num_queries):
    course.learner("ana", email="ana@example.org")
    course.configure(generators={})
    for _ in range(4):
        course.run()
    cancelled = ask(course.configuration, by=None)
    cancel(cancelled, by=None)
    Delivery.objects.update(state="sent", ended=timezone.now())
    Run.objects.update(ended=timezone.now() - timedelta(days=400))
    last = Run.objects.latest("pk")
    done = daily()
    assert (done.runs, done.mails) == (3, 0)
    assert set(Run.objects.values_list("pk", flat=True)) == {Run.objects.earliest("pk").pk, last.pk}
    assert set(Act.objects.filter(kind="run").values_list("object_id", flat=True)) == {last.pk}
    Delivery.objects.update(ended=timezone.now() - timedelta(days=400))
    settings.CONFERRAL_KEEP_DAYS = 0
    assert daily().mails == 0
    settings.CONFERRAL_KEEP_DAYS = 30
    with django_assert_max_num_queries(12):
        assert daily().mails == 1
