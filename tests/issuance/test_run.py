"""A run: who gets a credential, once, and what happens when something goes wrong in it."""

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferral.contract import ConferralError
from conferral.issuance import configure, issue, lease, removal, standstill
from conferral.issuance import generate as generation
from conferral.issuance.dry_run import Rows, carry_out, start
from conferral.issuance.evaluate import Outcome
from conferral.issuance.generate import generate
from conferral.issuance.lease import LeaseLost
from conferral.issuance.limit import TookTooLong
from conferral.issuance.run import AlreadyRunning, ask, asked, close_lost_runs, dry_run, run, run_asked
from conferral.issuance.sweep import sweep
from conferral.lms.roster import RosterGateway
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Edition, Learner, Run


def twice_at_once(work):
    start = threading.Barrier(2)

    def one():
        start.wait()
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def figures(ended):
    return {name: getattr(ended, name) for name in ("evaluated", "eligible", "already", "issued", "failed")}


def test_those_who_qualify_get_one_and_nobody_gets_a_second(course):
    course.learner("reaches", "0.8")
    course.learner("misses", "0.795")
    course.learner("asleep", "1", active=False)
    course.configure()

    assert figures(course.run_and_generate()) == {"evaluated": 3, "eligible": 1, "already": 0, "issued": 1, "failed": 0}
    assert figures(course.run_and_generate()) == {"evaluated": 3, "eligible": 1, "already": 1, "issued": 0, "failed": 0}
    assert course.states() == {"reaches": "available"}


def test_a_dry_run_says_why_and_writes_nothing(course):
    course.learner("has-one")
    course.configure()
    course.run_and_generate()
    course.learner("reaches", "0.8")
    course.learner("misses", "0.795")
    course.learner("asleep", "1", active=False)

    said = {one.learner: (one.outcome, one.reason) for page in dry_run(course.configuration) for one in page}

    assert said == {
        "has-one": (Outcome.ALREADY, "completion 100 % (80 % required)"),
        "reaches": (Outcome.ISSUE, "completion 80 % (80 % required)"),
        "misses": (Outcome.NOT_YET, "completion 79.5 % (80 % required)"),
        "asleep": (Outcome.INACTIVE, "the account or the enrolment is not active"),
    }
    assert Credential.objects.count() == 1


def test_a_figure_just_below_the_threshold_is_never_shown_as_reached(course):
    course.learner("close", "0.79999")
    course.configure()
    (said,) = [one.reason for page in dry_run(course.configuration) for one in page]
    assert said == "completion 79.99 % (80 % required)"


def test_a_credential_is_a_snapshot(course):
    course.learner("ana", name="Ana Before")
    course.configure()
    course.run_and_generate()
    course.learner("ana", name="Ana After")
    configure.save_context(course.key, name="Renamed", organisation="Test")
    course.run_and_generate()

    credential = Credential.objects.get()
    assert (credential.recipient_name, credential.context_name) == ("Ana Before", "Testing")


def test_a_changed_type_reissues_nothing_and_makes_a_new_edition_for_those_who_come_after(course):
    course.learner("first")
    course.configure(fields={"hours": 40})
    course.run_and_generate()
    course.learner("second")
    course.configure(fields={"hours": 50}, processor_options={"required_completion": 1})
    course.run_and_generate()

    hours = {c.learner.key: c.edition.content["fields"]["hours"] for c in Credential.objects.all()}
    assert hours == {"first": 40, "second": 50}
    assert Edition.objects.count() == 2


def test_a_learner_who_does_not_qualify_any_more_keeps_theirs(course):
    course.learner("ana", "1")
    course.configure()
    course.run_and_generate()
    course.learner("ana", "0")
    course.run_and_generate()
    assert course.states() == {"ana": "available"}


def test_a_revocation_stands(course):
    course.learner("ana")
    course.configure()
    course.run_and_generate()
    Credential.objects.update(revoked=timezone.now())
    assert figures(course.run())["issued"] == 0


def test_one_learner_whom_the_rule_cannot_decide_fails_alone(course, caplog):
    course.learner("ana")
    course.learner("stone")
    course.configure(processor="stumbling")

    assert figures(course.run_and_generate()) == {"evaluated": 2, "eligible": 1, "already": 0, "issued": 1, "failed": 1}
    assert "ZeroDivisionError" in caplog.text
    assert course.states() == {"ana": "available"}


def test_one_learner_for_whom_the_rule_takes_for_ever_fails_alone(course, settings):
    settings.CONFERRAL_PLUGIN_SECONDS = 1
    course.learner("ana")
    course.learner("stone")
    course.configure(processor="dawdling")
    assert figures(course.run()) == {"evaluated": 2, "eligible": 1, "already": 0, "issued": 1, "failed": 1}
    (stone,) = [one for page in dry_run(course.configuration) for one in page if one.learner == "stone"]
    assert "it took longer than 1 s" in stone.reason


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": "B" * 256}, "name: it has 256 characters; at most 255 are accepted"),
        ({"name": "B\0"}, "name: it has a character (U+0000) that cannot be stored or shown; remove it"),
        ({"name": None}, "name: it is no text"),
        ({"language": "x" * 36}, "language: it has 36 characters; at most 35 are accepted"),
    ],
)
def test_one_learner_of_whom_the_source_tells_what_cannot_be_kept_fails_alone(course, told_wrongly, wrong, says):
    course.learner("ana")
    course.learner("bo")
    course.configure()
    told_wrongly(bo=wrong)
    assert figures(course.run()) == {"evaluated": 2, "eligible": 1, "already": 0, "issued": 1, "failed": 1}
    (row,) = [row for page in Rows(course.configuration).pages() for row in page if row.learner == "bo"]
    assert (row.outcome, row.why) == (Outcome.FAILED, f"the source tells a value that is not accepted: {says}")


@pytest.mark.parametrize(
    ("odd", "says"),
    [("b" * 256, "it has 256 characters; at most 255 are accepted"), ("b\0", "a character (U+0000)")],
)
def test_a_username_that_cannot_be_kept_fails_alone(course, monkeypatch, odd, says):
    course.learner("ana")
    course.configure()
    progress = RosterGateway.progress

    def with_another(lms, *given):
        for page in progress(lms, *given):
            yield [*page, replace(page[0], learner=odd)]

    monkeypatch.setattr(RosterGateway, "progress", with_another)
    assert figures(course.run()) == {"evaluated": 2, "eligible": 1, "already": 0, "issued": 1, "failed": 1}
    foreseen = carry_out(start(course.configuration, by=None).pk)
    (row,) = foreseen.rows.filter(outcome="failed")
    assert row.why.startswith("the source tells a value that is not accepted: username: ")
    assert says in row.why
    assert not Learner.objects.exclude(key="ana").exists()


def test_a_dry_run_counts_whom_the_source_tells_wrongly_as_the_run_does(course, told_wrongly):
    course.learner("ana")
    course.learner("bo")
    course.configure()
    told_wrongly(bo={"name": "B" * 256})
    rows = Rows(course.configuration)
    list(rows.pages())
    assert (rows.forecast.figures["issued"], rows.forecast.figures["failed"]) == (1, 1)


def test_a_source_that_takes_for_ever_fails_the_run(course, settings):
    settings.CONFERRAL_PAGE_SECONDS = 1
    course.learners(3)
    course.learner("stone")
    course.configure(processor="dawdling")
    with pytest.raises(TookTooLong, match="a page of learners took longer than 1 s"):
        course.run()
    assert Run.objects.get().status == Run.Status.FAILED
    assert not Credential.objects.exists()


def test_a_rule_that_answers_rubbish_fails_the_learner(course):
    course.learner("ana")
    course.configure(processor="senseless", processor_options={})
    assert figures(course.run())["failed"] == 1


def test_nothing_is_issued_from_half_a_course(course, settings):
    settings.CONFERRAL_PAGE_SIZE = 2
    course.learners(5)
    course.configure()
    settings.CONFERRAL_LMS = "breaking"

    with pytest.raises(ConnectionError):
        course.run()

    failed = Run.objects.get()
    assert (failed.status, failed.error) == (Run.Status.FAILED, "ConnectionError: the LMS is away")
    assert Credential.objects.count() == CredentialArtifact.objects.count() == 0


def test_gathering_that_fails_fails_the_run(course):
    course.learner("ana")
    course.configure(processor="gathering-fails", processor_options={})
    with pytest.raises(ConnectionError):
        course.run()
    assert Run.objects.get().status == Run.Status.FAILED


def test_a_configuration_that_was_switched_off_meanwhile_does_not_run(course):
    course.learner("ana")
    course.configure()
    configure.save_configuration(course.key, course.type_name, enabled=False)
    with pytest.raises(ConferralError, match="was switched off or deleted meanwhile"):
        course.run()
    removal.delete_configuration(course.key, course.type_name)
    with pytest.raises(ConferralError, match="was switched off or deleted meanwhile"):
        course.run()
    assert course.states() == {}


def test_a_second_run_is_told_that_one_is_going_on(course):
    course.configure()
    Run.objects.create(
        configuration=course.configuration,
        trigger="command",
        claim="another-host:1:token",
        claimed_until=timezone.now() + timedelta(seconds=60),
        started=timezone.now(),
    )
    with pytest.raises(
        AlreadyRunning, match="a run of this configuration is going on since .* by another-host:1; wait"
    ):
        course.run()
    assert Run.objects.count() == 1


def lost_run(course, claim, seconds):
    """A run that has inserted a held credential and then was heard of no more."""
    course.learner("ana")
    course.configure()
    ended = course.run()
    Credential.objects.update(state=Credential.State.HELD)
    CredentialArtifact.objects.update(next_try=None)
    Run.objects.filter(pk=ended.pk).update(
        status=Run.Status.RUNNING, active=True, claim=claim, claimed_until=timezone.now() + timedelta(seconds=seconds)
    )
    return ended


def test_a_run_whose_lease_ran_out_is_taken_over(course):
    lost = lost_run(course, "another-host:1:token", -1)
    assert figures(course.run_and_generate())["issued"] == 1
    lost.refresh_from_db()
    assert (lost.status, lost.active) == (Run.Status.LOST, None)
    assert course.states() == {"ana": "available"}


def test_a_run_whose_process_on_this_host_is_gone_is_taken_over_at_once(course):
    dead = lease.new_token().rsplit(":", 2)[0] + ":4194305:token"  # above the largest process id
    lost_run(course, dead, 60)
    assert figures(course.run_and_generate())["issued"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_row_somebody_has_locked_has_not_ended_and_nobody_waits_for_it(course):
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database has one writer at a time; the tests on PostgreSQL have two")
    lost = lost_run(course, "another-host:1:token", -1)
    locked, done = threading.Event(), threading.Event()

    def holding():
        try:
            with transaction.atomic():
                list(Run.objects.select_for_update().filter(pk=lost.pk))
                locked.set()
                done.wait(20)
        finally:
            connection.close()

    holder = threading.Thread(target=holding)
    holder.start()
    try:
        assert locked.wait(10)
        assert close_lost_runs() == 0
    finally:
        done.set()
        holder.join()
    assert close_lost_runs() == 1


def test_a_process_elsewhere_of_a_host_of_that_name_is_not_known_to_be_gone():
    """Two containers with one host name; 4194305 is above the largest process id."""
    host = lease.new_token().rsplit(":", 2)[0]
    assert lease.holder_is_gone(f"{host}:4194305:token")
    assert not lease.holder_is_gone(f"{host.split('/')[0]}/0a1b2c3d:4194305:token")
    assert not lease.holder_is_gone("another-host:4194305:token")
    assert len(lease.heir_of(lease.new_token()).replace(host, "x" * 65)) <= 120


def test_a_run_that_is_lost_again_and_again_says_what_may_be_the_cause(course):
    lost = lost_run(course, "another-host:1:token-0", -1)
    assert close_lost_runs() == 1
    for number in (1, 2):
        given = {
            "configuration": lost.configuration,
            "claim": f"another-host:1:token-{number}",
            "started": lost.started,
        }
        Run.objects.create(**given, claimed_until=lost.started, evaluated=7)
        assert close_lost_runs() == 1
    first, second, third = Run.objects.order_by("pk").values_list("error", flat=True)
    assert first == "the process that ran it ended without closing it (learners looked at: 1)"
    assert second == "the process that ran it ended without closing it (learners looked at: 7)"
    assert third.startswith(
        "the process that ran it ended without closing it, 3 times in a row (learners looked at: 7)"
    )
    assert third.endswith("the rule or the source hangs, or memory is short, and the worker's log has where it was")


def test_the_sweep_closes_lost_runs_and_withdraws_what_they_held(course):
    lost_run(course, "another-host:1:token", -1)
    sweep()
    assert Run.objects.get().status == Run.Status.LOST
    assert Credential.objects.count() == 0
    assert close_lost_runs() == 0


@contextmanager
def answer_lost(to):
    """The first transaction with such a statement is committed, and then the connection is gone."""
    lost = []

    def cut():
        raise OperationalError("server closed the connection unexpectedly")

    def watch(execute, sql, params, many, context):
        if to in sql.replace("`", '"') and not lost:  # MySQL quotes in its own way
            lost.append(sql)
            transaction.on_commit(cut)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield
    assert lost


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guards", [{"review": True}, {"learners": 1, "share": 0.1}])
def test_what_was_committed_without_an_answer_counts_for_review_and_guards(course, guards):
    course.learners(3)
    course.configure()
    CredentialConfiguration.objects.update(guards=guards)
    with answer_lost('INSERT INTO "conferral_credential"'):
        ended = run(course.configuration, trigger="schedule")
    assert (ended.status, ended.issued, ended.held, ended.already) == ("held", 0, 3, 0)
    assert set(course.states().values()) == {"held"}


@pytest.mark.django_db(transaction=True)
def test_what_the_database_breaks_off_of_a_persons_run_is_begun_again(course, broken_off):
    course.learners(3)
    course.configure()
    first = ask(course.configuration, by=None)
    with broken_off('FROM "conferral_credential"'), pytest.raises(OperationalError):
        run_asked(first.pk)
    (second,) = sweep().asked
    assert run_asked(second).issued == 3
    assert sweep().asked == []


def test_a_persons_run_that_a_pause_cuts_is_begun_again_once_it_is_over(course):
    course.learners(3)
    course.configure()
    first = ask(course.configuration, by=None)
    with pytest.raises(standstill.Paused):
        run_asked(first.pk, lambda _: standstill.pause("the wrong people"))
    assert sweep().asked == []
    standstill.resume()
    (second,) = sweep().asked
    assert run_asked(second).issued == 3
    assert sweep().asked == []


@pytest.mark.django_db(transaction=True)
def test_a_database_that_always_breaks_it_off_ends_it(course, broken_off):
    course.learners(3)
    course.configure()
    ask(course.configuration, by=None)
    for _ in range(3):
        (again,) = asked()
        with broken_off('FROM "conferral_credential"'), pytest.raises(OperationalError):
            run_asked(again)
    assert asked() == []
    assert set(Run.objects.values_list("status", flat=True)) == {"failed"}


def test_a_source_that_does_not_tell_of_the_course_fails_the_run(course, settings, monkeypatch):
    settings.CONFERRAL_PAGE_SECONDS = 1
    course.configure()
    monkeypatch.setattr(RosterGateway, "describe", lambda *_: time.sleep(60))
    with pytest.raises(TookTooLong, match="reading the course took longer than 1 s"):
        course.run()


def test_a_source_that_does_not_tell_of_people_fails_the_run(course, settings, monkeypatch):
    settings.CONFERRAL_PAGE_SECONDS = 1
    course.learner("ana")
    course.configure()
    monkeypatch.setattr(RosterGateway, "people", lambda *_: time.sleep(60))
    with pytest.raises(TookTooLong, match="reading names and addresses took longer than 1 s"):
        course.run()
    assert not Credential.objects.exists()


def test_a_holder_that_lost_its_lease_can_write_nothing(course):
    ended = lost_run(course, "another-host:1:token", 60)
    stale = Run.objects.get(pk=ended.pk)
    Run.objects.filter(pk=ended.pk).update(active=None, status=Run.Status.LOST)
    with pytest.raises(LeaseLost):
        issue.keep(stale)
    with pytest.raises(LeaseLost):
        issue.close(stale, issue.Ending({}, has_artifacts=True))
    assert course.states() == {"ana": "held"}


def test_nothing_held_is_generated(course):
    lost_run(course, "another-host:1:token", 60)
    assert generate() == 0


def test_a_type_without_generators_is_available_at_once(course):
    course.learner("ana")
    course.configure(generators={})
    course.run()
    assert course.states() == {"ana": "available"}


def test_a_validity_period_gives_an_expiry(course):
    course.learner("ana")
    course.configure(validity={"years": 2})
    ended = course.run()
    assert Credential.objects.get().expires.year == ended.started.year + 2


def test_a_context_that_is_gone_is_one_clear_line(course):
    course.configure()
    CredentialConfiguration.objects.update(context_key="course-v1:Test+GONE+2026")
    with pytest.raises(
        ConferralError, match=r"context: 'course-v1:Test\+GONE\+2026' is not known to 'Imported rosters'"
    ):
        run(CredentialConfiguration.objects.get(), trigger="command")


def test_queries_grow_with_pages_not_with_learners(course, settings):
    """Evaluating those who hold one already: two queries a page, whatever its size."""
    settings.CONFERRAL_PAGE_SIZE = 50
    course.configure()
    course.learners(50)
    course.run()
    with CaptureQueriesContext(
        connection,
    ) as fifty:
        course.run()
    course.learners(100, first=50)
    course.run()
    with CaptureQueriesContext(connection) as hundred_and_fifty:
        course.run()
    spellings = connection.vendor == "mysql"  # another one asks how they are spelt
    assert (len(hundred_and_fifty) - len(fifty)) / 2 <= 2 + spellings


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_issue_once(course):
    """Two threads of one process; the kill tests have processes."""
    course.learners(30)
    configuration = course.configure()
    outcomes = []

    def one():
        try:
            outcomes.append(run(configuration, trigger="command").issued)
        except AlreadyRunning:
            outcomes.append("running")

    twice_at_once(one)
    assert Credential.objects.count() == 30
    assert sorted(outcomes, key=str) in ([0, 30], [30, "running"])


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_finish_two_slots_of_one_credential_leave_it_available(course, settings, monkeypatch):
    if not connection.features.has_select_for_update:
        pytest.skip("this database has one writer at a time; the tests on PostgreSQL have two")
    move_on = generation._move_on

    def slowly(*arguments):
        time.sleep(0.02)  # long enough for the other worker to be in the same place
        move_on(*arguments)

    monkeypatch.setattr(generation, "_move_on", slowly)
    settings.CONFERRAL_BATCH_SIZE = 1
    course.learners(10)
    course.configure(generators={"certificate": {"generator": "text"}, "badge": {"generator": "text"}})
    course.run()
    twice_at_once(generate)
    assert set(course.states().values()) == {"available"}


def test_a_run_that_is_renewed_meanwhile_is_not_closed(course):
    lost = lost_run(course, "another-host:1:token", -1)
    seen = Run.objects.get(pk=lost.pk)
    assert issue.renew(seen) == 1
    assert not issue.withdraw(seen, Run.Status.LOST, "gone", as_seen=True)
    assert Run.objects.get(pk=lost.pk).active


def test_so_close_that_only_all_digits_tell_them_apart(course):
    course.learner("close", "0.79994")
    course.learner("nines", "0.7" + "9" * 30)
    course.configure(processor_options={"required_completion": 0.79995})
    said = {one.learner: one.reason for page in dry_run(course.configuration) for one in page}
    assert said["close"] == "completion 0.79994 (0.79995 required)"
    course.configure(processor_options={"required_completion": 0.8})
    said = {one.learner: one.reason for page in dry_run(course.configuration) for one in page}
    assert said["nines"] == "completion 79.99 % (80 % required)"
