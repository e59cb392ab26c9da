"""A dry run: the same figures as the run then comes to, as rows to search and as a table; kept for a day."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferral import tasks
from conferral.issuance import configure, dry_run, people, release, standstill
from conferral.issuance.daily import daily
from conferral.issuance.dry_run import Rows, carry_out, csv_of, each_row, find, start
from conferral.issuance.export import defused
from conferral.issuance.run import run, run_if_due
from conferral.issuance.sweep import sweep
from conferral.models import Candidate, Credential, CredentialConfiguration, DryRun, DryRunRow, Learner, Run

FIGURES = ("evaluated", "eligible", "already", "issued", "held", "waiting", "refused", "failed")


@pytest.fixture
def dean(db):
    return get_user_model().objects.create_user("dean")


def everybody(course, **guards):
    """One of each kind."""
    course.learner("has-one")
    course.configure()
    course.run()
    for number in range(3):
        course.learner(f"reaches-{number}", email=f"{number}@example.org" if number else "")
    course.learner("stone", "0.9")
    course.learner("misses", "0.1")
    course.learner("asleep", active=False)
    course.learner("cheats")
    course.learner("ill", "0")
    course.configure(processor="stumbling")
    release.bar(course.configuration, ["cheats"], by="the board", reason="plagiarism")
    release.allow(course.configuration, ["ill"], by="the board", reason="illness")
    configure.save_configuration(course.key, course.type_name, enabled=True, schedule={"every": "1 day"}, guards=guards)
    course.configuration = CredentialConfiguration.objects.get()


def foreseen(course, trigger):
    rows = Rows(course.configuration, trigger)
    seen = {row.learner: row for page in rows.pages() for row in page}
    return rows.forecast, seen


def run_by_schedule(course):
    CredentialConfiguration.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    return run_if_due(course.configuration.pk)


@pytest.mark.parametrize(
    "guards",
    [{}, {"learners": 0, "share": 0}, {"review": True}, {"wait": "7 days"}, {"wait": "7 days", "review": True}],
    ids=str,
)
@pytest.mark.parametrize("trigger", ["schedule", "command"])
def test_its_figures_are_those_of_the_run(course, guards, trigger):
    everybody(course, **guards)
    forecast, _ = foreseen(course, trigger)
    assert Credential.objects.count() == 1
    assert not Candidate.objects.exclude(qualified=None).exists()
    ended = run_by_schedule(course) if trigger == "schedule" else run(course.configuration, trigger="command")
    assert {name: forecast.figures[name] for name in FIGURES} == {name: getattr(ended, name) for name in FIGURES}
    assert bool(forecast.why_held) == (ended.status == Run.Status.HELD)
    assert forecast.why_held in ended.remarks


@pytest.mark.parametrize("over", ["once", "closed"])
def test_after_the_last_run_it_foresees_that_nobody_begins_to_wait(course, over):
    yesterday = timezone.now() - timedelta(days=1)
    course.learner("ana")
    course.configure()
    values = {"guards": {"wait": "7 days"}, "schedule": {"every": "1 day"}}
    if over == "closed":
        configure.save_context(course.key, name="Testing", organisation="Test", end=yesterday)
        values["opening"] = {"stop": 0}
    configure.save_configuration(course.key, course.type_name, enabled=True, **values)
    if over == "once":
        CredentialConfiguration.objects.update(schedule={"at": yesterday.isoformat()})
    course.configuration.refresh_from_db()
    assert course.run().waiting == 1
    course.learner("bo")
    forecast, seen = foreseen(course, "command")
    assert (seen["ana"].outcome.value, seen["bo"].why) == ("waits", "qualified after the last run")
    ended = course.run()
    assert {name: forecast.figures[name] for name in FIGURES} == {name: getattr(ended, name) for name in FIGURES}
    assert ended.waiting == 1


def test_each_learner_has_an_outcome_and_a_reason(course):
    everybody(course)
    forecast, seen = foreseen(course, "command")
    told = {key: (row.outcome.value, row.why, row.mail) for key, row in seen.items()}
    reached = "completion 100 % (80 % required)"
    assert told.pop("cheats")[0] == "refused"
    assert told.pop("stone")[0] == "failed"
    assert told == {
        "has-one": ("already", reached, ""),
        "reaches-0": ("issue", reached, "no e-mail address"),
        "reaches-1": ("issue", reached, ""),
        "reaches-2": ("issue", reached, ""),
        "misses": ("not yet", "completion 10 % (80 % required)", ""),
        "asleep": ("inactive", "the account or the enrolment is not active", ""),
        "ill": ("issue", "allow list listed (listed required)", "no e-mail address"),
    }
    assert (forecast.figures["unmailed"], forecast.not_yet) == (2, 1)
    assert seen["misses"].facts[0]["actual"] == "0.1"


def test_that_it_is_not_open_is_said_beside_the_figures(course):
    course.learner("ana")
    start_of = timezone.now() + timedelta(days=3)
    configure.save_context(course.key, name="Testing", organisation="Test", start=start_of)
    course.configure()
    configure.save_configuration(course.key, course.type_name, enabled=True, opening={"after_start": 1})
    course.configuration.refresh_from_db()
    forecast, _ = foreseen(course, "schedule")
    assert forecast.figures["issued"] == 1
    assert forecast.remarks[0].startswith("not open yet: it opens on ")


def test_kept_for_a_page_it_is_searched_sorted_and_exported_without_evaluating_again(course, dean):
    everybody(course)
    asked = start(course.configuration, by=dean)
    assert start(course.configuration, by=dean) == asked
    assert sweep().dry_runs == [asked.pk]
    tasks.dry_run.apply(args=[asked.pk])
    done = DryRun.objects.get()
    assert (done.status, done.by, done.evaluated) == ("finished", dean, 9)
    assert (done.figures["issued"], done.figures["not_yet"], done.figures["unmailed"]) == (4, 1, 2)
    assert sweep().dry_runs == []
    assert [row.learner for row in find(done, outcome="issue")] == ["ill", "reaches-0", "reaches-1", "reaches-2"]
    assert [row.learner for row in find(done, text="REACH", unmailed=True)] == ["reaches-0"]
    assert [row.name for row in find(done, text="Miss")] == ["Misses"]
    assert [row.learner for row in find(done).order_by("-learner")[:2]] == ["stone", "reaches-2"]
    lines = list(csv_of(each_row(find(done))))
    assert lines[0].removeprefix("\ufeff") == '"username","name","outcome","why","mail"\r\n'
    assert len(lines) == 10
    assert carry_out(done.pk) is None


def test_one_that_would_be_held_says_so_of_each(course, dean):
    everybody(course, learners=0, share=0)
    done = carry_out(start(course.configuration, by=dean).pk)
    assert done.remarks.startswith("would be held back: 4 of 9 learners would get one at once")
    assert find(done, outcome="held").count() == 4
    assert find(done, unmailed=True).count() == 2


def test_it_is_gone_after_a_day_and_when_another_begins(course, dean):
    everybody(course)
    first = carry_out(start(course.configuration, by=dean).pk)
    second = carry_out(start(course.configuration, by=dean).pk)
    assert list(DryRun.objects.all()) == [second]
    assert not DryRunRow.objects.filter(dry_run=first.pk).exists()
    daily(timezone.now() + timedelta(hours=23))
    assert DryRunRow.objects.count() == 9
    daily(timezone.now() + timedelta(hours=25))
    assert DryRun.objects.count() == DryRunRow.objects.count() == 0


def test_whoever_is_retired_is_not_in_it_any_more(course, dean):
    everybody(course)
    carry_out(start(course.configuration, by=dean).pk)
    people.retire(Learner.objects.get(key="misses"))
    assert not DryRunRow.objects.filter(learner="misses").exists()


def test_it_is_cancelled_and_taken_over(course, dean, settings, monkeypatch):
    monkeypatch.setattr(dry_run, "TELLS", 0)
    settings.CONFERRAL_PAGE_SIZE = 2
    everybody(course)
    asked = start(course.configuration, by=dean)
    DryRun.objects.update(status="running", claim="another-host:1:x", claimed_until=timezone.now() + timedelta(hours=1))
    assert carry_out(asked.pk) is None
    assert sweep().dry_runs == []
    DryRun.objects.update(claimed_until=timezone.now() - timedelta(hours=1))
    assert sweep().dry_runs == [asked.pk]
    assert carry_out(asked.pk).status == "finished"
    other = start(course.configuration, by=dean)
    dry_run.cancel(other)
    assert carry_out(other.pk) is None


def test_what_goes_wrong_is_told(course, dean, settings):
    course.learners(3)
    course.configure()
    settings.CONFERRAL_LMS = "breaking"
    done = carry_out(start(course.configuration, by=dean).pk)
    assert (done.status, done.error) == ("failed", "ConnectionError: the LMS is away")


def test_it_may_be_asked_for_while_everything_stands_still(course, dean):
    course.learners(1)
    standstill.pause()
    assert carry_out(start(course.configure(), by=dean).pk).figures["issued"] == 1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠SUM(A1)", "\t1", "\r", "\n"])
def test_no_cell_is_a_formula(text):
    assert defused(text) == f"'{text}"
    assert defused(f"Ana {text}") == f"Ana {text}"


@pytest.mark.parametrize("separator", [";", "\t", "; ", "\n"])
def test_no_cell_is_a_formula_whatever_parts_the_cells(separator):
    assert defused(f"Ana{separator}=1+1") == f"Ana{separator}'=1+1"
    assert defused(f"Ana{separator}Vidal") == f"Ana{separator}Vidal"


def test_queries_grow_with_pages_not_with_learners(course, dean, settings):
    settings.CONFERRAL_PAGE_SIZE = 50
    course.configure()
    costs = []
    for count, first in ((50, 0), (100, 50)):
        course.learners(count, first=first)
        asked = start(course.configuration, by=dean)
        with CaptureQueriesContext(connection) as seen:
            carry_out(asked.pk)
        costs.append(len(seen))
    assert (costs[1] - costs[0]) / 2 <= 8


@pytest.mark.django_db(transaction=True)
def test_what_the_database_breaks_off_is_done_again_from_the_beginning(course, settings, broken_off):
    settings.CONFERRAL_PAGE_SIZE = 2
    course.learners(3)
    course.configure()
    asked = start(course.configuration, by=None)
    with broken_off('INSERT INTO "conferral_dryrunrow"'):
        done = carry_out(asked.pk)
    assert (done.status, done.evaluated, done.rows.count()) == ("finished", 3, 3)
