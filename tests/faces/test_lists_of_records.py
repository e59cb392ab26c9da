"""Lists of what goes on and was done: what their columns say, and what the pages that they lead to say of it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from conferral.issuance import dry_run, release
from conferral.issuance import run as runs
from conferral.models import Act, Credential, CredentialConfiguration, DryRun, Run
from tests.conftest import COURSE
from tests.faces.test_admin import text_of

pytestmark = pytest.mark.usefixtures("silent_broker")


def at(name, *args):
    return reverse(f"conferral-staff:conferral_{name}", args=args)


def row(client, name):
    """The first row, by its columns."""
    page = client.get(at(f"{name}_changelist"))
    listed = page.context["cl"]
    first, its_admin = listed.result_list[0], listed.model_admin
    told = {column: getattr(its_admin, column, None) for column in listed.list_display}
    return {column: str(say(first)) for column, say in told.items() if callable(say) and column != "action_checkbox"}


@pytest.fixture
def saved(course):
    saved = course.configure()
    CredentialConfiguration.objects.update(context_name="How to Test", time_zone="Asia/Tokyo")
    saved.refresh_from_db()
    return saved


def test_a_run_is_listed_with_what_could_not_be_decided_and_what_could_not_be_made(course, saved, teacher):
    course.learners(3)
    course.run_and_generate()
    Run.objects.update(failed=2)
    Credential.objects.filter(learner__key="learner-0").update(state="failed")
    page = teacher.get(at("run_changelist"))
    headings = strip_tags(text_of(page))
    assert "Undecided" in headings
    assert "Not made" in headings
    told = row(teacher, "run")
    assert (told["undecided"], told["unmade"]) == ("2", "1")
    Credential.objects.update(state="available")
    assert row(teacher, "run")["unmade"] == "0"


def test_what_could_not_be_made_is_counted_for_a_page_of_runs_at_once(course, saved, operator):
    def cost():
        with CaptureQueriesContext(connection) as captured:
            assert operator.get(at("run_changelist")).status_code == 200
        return len(captured)

    course.learners(1)
    course.run_and_generate()
    before = cost()
    for _ in range(3):
        course.run()
    assert cost() == before


@pytest.mark.parametrize("name", ["run", "dryrun", "candidate"])
def test_a_course_is_listed_by_its_name_with_its_key_beneath(course, saved, teacher, name):
    course.learner("ana")
    course.run()
    dry_run.start(saved, by=None)
    release.allow(saved, ["ana"], by=None, reason="x")
    told = row(teacher, name)["configured"]
    assert told == f'Testing · Completion<br><span class="conferral-key">{COURSE}</span>'


def test_a_run_is_listed_by_the_clock_that_its_page_goes_by(course, saved, teacher):
    course.run()
    began = row(teacher, "run")["began"]
    assert began.endswith("Asia/Tokyo")
    assert began in text_of(teacher.get(at("run_change", Run.objects.get().pk)))


def test_what_its_time_began_was_begun_by_the_schedule(course, saved, teacher):
    course.run()
    Run.objects.update(trigger="schedule", status="running", active=True)
    assert row(teacher, "run")["begun_by"] == "the schedule"
    assert "the schedule" in strip_tags(text_of(teacher.get(at("run_change", Run.objects.get().pk))))


@pytest.mark.parametrize("typed", ["²", "9" * 23, "9" * 5000, "-1", "none"])
@pytest.mark.parametrize("name", ["credential", "run"])
def test_a_type_that_cannot_be_is_of_nothing(course, saved, teacher, name, typed):
    course.learner("zoe")
    course.run()
    shown = [teacher.get(at(f"{name}_changelist"), {"type": each}) for each in (typed, saved.type_id, "")]
    assert [len(page.context["cl"].result_list) for page in shown] == [0, 1, 1]


def test_all_are_not_offered_where_all_are_shown(course, saved, teacher):
    course.learners(2)
    course.run_and_generate()
    for name in ("credential", "delivery", "run", "learner"):
        address = at(f"{name}_changelist")
        assert "Show all" not in text_of(teacher.get(address)), name
    assert "Show all" in text_of(teacher.get(at("credential_changelist"), {"q": "learner-0"}))
    assert "Show all" in text_of(teacher.get(at("credential_changelist"), {"is": "available"}))


# How far it is


@pytest.mark.parametrize(
    ("evaluated", "seconds", "told"),
    [
        (3000, 10, "3,000 learners looked at, 300 a second."),
        (25, 10, "25 learners looked at, 2.5 a second."),
        (20, 60, "20 learners looked at, 20 a minute."),
        (3, 60, "3 learners looked at, 3 a minute."),
        (0, 60, "It is reading the first learners."),
    ],
)
def test_how_fast_a_run_goes_is_told_of_a_slow_source_too(course, teacher, evaluated, seconds, told, monkeypatch):  # noqa: PLR0917
    run = runs.ask(course.configure(), by=None)
    now = timezone.now()
    monkeypatch.setattr("conferral.issuance.progress.timezone.now", lambda: now)
    started = {"started": now - timedelta(seconds=seconds), "evaluated": evaluated}
    Run.objects.filter(pk=run.pk).update(status="running", active=True, **started)
    said = teacher.get(at("run_progress", run.pk)).json()["said"]
    assert said.startswith(told)
    assert said.endswith("How many there are in all is not known yet." if evaluated else "learners.")
    Run.objects.filter(pk=run.pk).update(expected=6000)
    said = teacher.get(at("run_progress", run.pk)).json()["said"]
    assert "not known yet" not in said
    assert ("About" in said) is bool(evaluated)


# Dry runs


def test_a_dry_run_says_who_asked_for_it_and_has_a_history(course, saved, teacher):
    course.learners(1)
    teacher.post(at("credentialconfiguration_ask", saved.pk, "dry"))
    asked = DryRun.objects.get()
    page = text_of(teacher.get(at("dryrun_change", asked.pk)))
    assert "Asked for by teacher." in page
    assert at("dryrun_history", asked.pk) in page
    teacher.post(at("dryrun_cancel", asked.pk))
    told = strip_tags(text_of(teacher.get(at("dryrun_history", asked.pk))))
    assert "dry run asked for" in told
    assert "cancelled" in told
    assert "dry run asked for" in text_of(teacher.get(at("credentialconfiguration_history", saved.pk)))


def test_the_history_of_a_dry_run_goes_with_it_and_that_of_its_configuration_stays(course, saved, operator):
    asked = dry_run.start(saved, by=operator.user)
    assert at("dryrun_change", asked.pk) in text_of(operator.get(at("act_changelist")))
    dry_run.cancel(asked, by=operator.user)
    dry_run.forget_ended(DryRun.objects.all())
    assert not Act.objects.filter(kind="dryrun").exists()
    assert Act.objects.get(verb="dry run asked for").object_id == saved.pk


def test_what_nobody_asked_for_is_no_act(saved):
    dry_run.start(saved, by=None)
    assert not Act.objects.filter(verb="dry run asked for").exists()


def test_a_dry_run_has_labels_without_colons_beside_checkboxes(course, saved, teacher):
    asked = dry_run.carry_out(dry_run.start(saved, by=None).pk)
    page = text_of(teacher.get(at("dryrun_change", asked.pk)))
    assert ">Cannot be mailed</label>" in page


# A configuration's page


def test_a_configuration_is_headed_by_the_name_of_its_course(saved, teacher):
    page = teacher.get(at("credentialconfiguration_change", saved.pk))
    assert page.context["subtitle"] == "How to Test · Completion"


def test_a_configuration_says_its_next_run_once_beside_what_the_form_tells(saved, teacher):
    CredentialConfiguration.objects.update(schedule={"every": "7 days"}, next_run_at=timezone.now())
    page = text_of(teacher.get(at("credentialconfiguration_change", saved.pk)))
    fields = teacher.get(at("credentialconfiguration_change", saved.pk)).context["adminform"].fieldsets[-1][1]["fields"]
    assert "next_runs" not in fields
    assert page.count("Asia/Tokyo<br>") == 1
