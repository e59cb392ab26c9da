"""What staff ask for on the pages: runs with progress, dry runs, decisions about what is held, awards, lists."""

import json
import re
from datetime import UTC, datetime

import pytest
from celery import Celery, current_app
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from conferral.issuance import configure, dry_run, guards
from conferral.issuance import run as runs
from conferral.issuance.generate import generate
from conferral.models import (
    Act,
    Candidate,
    Context,
    Credential,
    CredentialArtifact,
    CredentialConfiguration,
    Delivery,
    DryRun,
    Reissue,
    Run,
)
from tests.conftest import COURSE, Course
from tests.faces.test_admin import text_of

OTHER = "course-v1:Test+OTHER+2026"


@pytest.fixture(autouse=True)
def _broker():
    """Messages go nowhere: what is asked for is carried out by hand here."""
    before = current_app._get_current_object()
    Celery("faces", broker="memory://").set_current()
    yield
    before.set_current()


def at(name, *args):
    return reverse(f"conferral-staff:conferral_{name}", args=args)


def ask(client, obj, what, **values):
    return client.post(at(f"{obj._meta.model_name}_ask", obj.pk, what), values, follow=True)


def said(response):
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def teacher(course, person):
    client = person("teacher")
    Context.objects.get(key=COURSE).teachers.add(client.user)
    return client


@pytest.fixture
def saved(course):
    return course.configure()


@pytest.fixture
def theirs(course):
    """A configuration of somebody else's course."""
    configure.save_context(OTHER, name="Another", organisation="Test")
    other = Course(key=OTHER, type_name="Other")
    other.learner("zoe")
    return other.configure()


@pytest.fixture
def held(course, saved):
    """A run that holds three."""
    CredentialConfiguration.objects.update(guards={"learners": 0, "share": 0})
    course.learners(3)
    runs.ask(saved, by=None)
    return runs.run_asked(Run.objects.get().pk)


# Runs


def test_a_run_is_asked_for_and_followed(course, saved, teacher):
    course.learners(3)
    page = teacher.get(at("credentialconfiguration_ask", saved.pk, "run"))
    assert "Nobody gets two" in text_of(page)
    response = ask(teacher, saved, "run", notify="on")
    run = Run.objects.get()
    assert response.redirect_chain[-1][0] == at("run_change", run.pk)
    assert (run.by, run.trigger, run.notify) == (teacher.user, "person", True)
    assert "It is about to begin." in text_of(response)
    assert teacher.get(at("run_progress", run.pk)).json()["going_on"] is True
    runs.run_asked(run.pk)
    told = teacher.get(at("run_progress", run.pk)).json()
    assert (told["going_on"], told["evaluated"], told["said"]) == (False, 3, "finished")
    row = text_of(teacher.get(at("run_changelist")))
    assert "teacher" in row
    assert Credential.objects.count() == 3


def test_a_run_that_goes_on_tells_how_far_it_is_and_is_cancelled(saved, teacher):
    run = runs.ask(saved, by=teacher.user)
    Run.objects.filter(pk=run.pk).update(status="running", active=True, evaluated=500, expected=1000)
    told = teacher.get(at("run_progress", run.pk)).json()
    assert "500 learners looked at" in told["said"]
    assert told["share"] == 0.5
    assert "<progress" in text_of(teacher.get(at("run_change", run.pk)))
    assert "cancelled" in said(ask(teacher, run, "cancel"))[0]
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    assert "nothing to be done there any more" in said(ask(teacher, run, "cancel"))[0]


def test_what_a_run_holds_is_released(held, teacher):
    assert held.status == Run.Status.HELD
    page = text_of(teacher.get(at("run_ask", held.pk, "release")))
    assert "3 credentials are issued today" in page
    assert said(ask(teacher, held, "release", notify="on")) == ["3 credentials were released."]
    generate()
    assert Credential.objects.filter(state="available").count() == 3
    act = Act.objects.filter(verb="released", kind="run").get()
    assert act.by == teacher.user


def test_what_a_run_holds_is_refused_with_a_reason(held, teacher):
    assert "required" in str(ask(teacher, held, "refuse").context["form"].errors)
    assert said(ask(teacher, held, "refuse", reason="a wrong threshold")) == ["3 credentials were refused."]
    assert not Credential.objects.exists()
    assert Act.objects.get(verb="refused").reason == "a wrong threshold"


def test_failures_are_told_and_tried_again(course, saved, teacher):
    course.learner("ana", name="Ana Ñandú")
    course.run_and_generate()
    Delivery.objects.all().delete()
    Credential.objects.update(state="failed")
    CredentialArtifact.objects.update(state="failed", next_try=None, last_error="the storage said no")
    run = Run.objects.get()
    page = text_of(teacher.get(at("run_change", run.pk)))
    assert "the storage said no" in page
    assert "Ana Ñandú" in page
    assert "Tried again: 1 files" in said(ask(teacher, run, "retry"))[0]
    generate()
    assert Credential.objects.get().state == "available"
    Run.objects.update(status="failed", error="the LMS did not answer")
    response = ask(teacher, run, "again")
    assert response.redirect_chain[-1][0] == at("run_change", Run.objects.last().pk)
    assert Run.objects.count() == 2


def test_runs_files_and_mails_say_how_often_they_were_tried_and_when_they_are_again(course, saved, person):
    operator = person("operator", "view_run", "view_credential", "view_credentialartifact", "view_delivery")
    course.learner("ana", email="ana@example.org")
    course.run_and_generate()
    soon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    for model in (Run, CredentialArtifact, Delivery):
        model.objects.update(attempts=7, next_try=soon)
    pages = [at("run_change", Run.objects.get().pk), at("credential_change", Credential.objects.get().pk)]
    run, credential = (" ".join(strip_tags(text_of(operator.get(page))).split()) for page in pages)
    assert re.search(r"Attempts: 7 Next try: Nov\. 2, 2026", run), run
    assert len(re.findall(r"\b7 Nov\. 2, 2026", credential)) == 2, credential


# Dry runs


def test_a_dry_run_says_who_and_why(course, saved, teacher):
    course.learner("ana", name="Ana Ñandú", email="ana@example.com")
    course.learner("bo", name="Bo", completion="0.5")
    course.learner("cy", name="=HYPERLINK(1)")
    response = ask(teacher, saved, "dry")
    asked = DryRun.objects.get()
    assert response.redirect_chain[-1][0] == at("dryrun_change", asked.pk)
    dry_run.carry_out(asked.pk)
    page = " ".join(text_of(teacher.get(at("dryrun_change", asked.pk))).split())
    assert "<strong>2</strong> would get one now" in page
    assert "<strong>1</strong> of them cannot be mailed" in page
    assert "completion 50 % (80 % required)" in page

    def rows(**query):
        return [row.learner for row in teacher.get(at("dryrun_change", asked.pk), query).context["rows"]]

    assert rows() == ["ana", "bo", "cy"]
    assert rows(q="bo") == ["bo"]
    assert rows(outcome="not yet") == ["bo"]
    assert rows(unmailed="on") == ["cy"]
    assert rows(o="name") == ["cy", "ana", "bo"]
    table = teacher.get(at("dryrun_csv", asked.pk), {"outcome": "issue"})
    lines = b"".join(table.streaming_content).decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["username", "ana", "cy"]
    assert "'=HYPERLINK(1)" in lines[2]
    assert not Credential.objects.exists()


def test_a_run_comes_to_the_figures_of_the_dry_run(course, saved, teacher):
    course.learners(5)
    course.learner("not-yet", completion="0.1")
    ask(teacher, saved, "dry")
    forecast = dry_run.carry_out(DryRun.objects.get().pk).figures
    ask(teacher, saved, "run")
    run = runs.run_asked(Run.objects.get().pk)
    for figure in ("evaluated", "issued", "already", "held"):
        assert getattr(run, figure) == forecast[figure], figure


def test_a_dry_run_is_stopped(saved, teacher):
    ask(teacher, saved, "dry")
    asked = DryRun.objects.get()
    teacher.post(at("dryrun_cancel", asked.pk))
    asked.refresh_from_db()
    assert asked.status == DryRun.Status.CANCELLED


def test_a_page_of_rows_costs_the_same_among_many(course, saved, teacher, django_assert_max_num_queries):
    course.learners(120)
    ask(teacher, saved, "dry")
    asked = dry_run.carry_out(DryRun.objects.get().pk)
    with django_assert_max_num_queries(13):
        assert len(teacher.get(at("dryrun_change", asked.pk), {"p": 2}).context["rows"]) == 50


# People


def test_an_award_by_hand(course, saved, teacher):
    course.learner("ana", completion="0")
    response = ask(teacher, saved, "award", learners="ana\nnobody", reason="an oral exam", earned="2026-05-12")
    assert "1 credential was awarded." in said(response)
    assert any(each.startswith("nobody: is not known") for each in said(response))
    made = Credential.objects.get()
    assert f"{made.earned:%Y-%m-%d}" == "2026-05-12"
    assert made.evidence["facts"][0]["key"] == "awarded by"
    assert not made.notify


def test_lists_of_who_always_and_who_never(course, saved, teacher):
    course.learners(2)
    course.learner("far", completion="0.1")
    assert said(ask(teacher, saved, "always", learners="far", reason="an exception")) == ["Said of 1 learner."]
    ask(teacher, saved, "never", learners="learner-0", reason="copied")
    course.run()
    assert {one.learner.key for one in Credential.objects.all()} == {"far", "learner-1"}
    ask(teacher, saved, "rule", learners="learner-0", reason="a mistake")
    course.run()
    assert Credential.objects.count() == 3
    assert Candidate.objects.exclude(verdict="").count() == 1


def test_all_are_issued_again_after_the_numbers_were_told(course, saved, teacher):
    course.learners(3)
    course.run_and_generate()
    configure.save_type("Completion", processor="completion", processor_options={"required_completion": 0.8},
        generators={"certificate": {"generator": "text"}}, wording={"subject": "Yours"})  # fmt: skip
    page = teacher.get(at("credentialconfiguration_ask", saved.pk, "reissue"))
    assert [row[1] for row in page.context["numbers"]] == [3, 0, 3]
    response = ask(teacher, saved, "reissue", design="current", reason="another wording")
    assert "3 credentials are issued again." in said(response)
    assert Reissue.objects.get().by_name == "teacher"


# Rules in plain fields


def test_opening_and_guards_are_plain_fields(saved, teacher):
    address = at("credentialconfiguration_change", saved.pk)
    sent = {
        "enabled": "on", "time_zone": "UTC", "when_how": "hand", "opens": "after_end", "opens_days": "3", "stop": "30",
        "guard": "on", "guard_learners": "10", "guard_share": "12.5", "wait": "7 days", "review": "on",
    }  # fmt: skip
    response = teacher.post(address, sent, follow=True)
    assert "was changed successfully" in said(response)[0]
    saved.refresh_from_db()
    assert saved.opening == {"after_end": 3, "stop": 30}
    assert saved.guards == {"learners": 10, "share": 0.125, "wait": "7 days", "review": True}
    form = teacher.get(address).context["adminform"].form
    assert (form["guard_share"].value(), form["opens"].value()) == ("12.5", "after_end")
    for wrong, field in (
        ({"wait": "soon"}, "wait"),
        ({"opens_days": ""}, "opens_days"),
        ({"stop": "1"}, "stop"),
        ({"guard_share": "120"}, "guard_share"),
    ):
        errors = teacher.post(address, sent | wrong).context["adminform"].form.errors
        assert list(errors) == [field], errors
    teacher.post(address, {"time_zone": "UTC", "when_how": "hand", "guard": "on"})
    saved.refresh_from_db()
    assert (saved.opening, saved.guards, guards.of(saved)) == ({}, {}, guards.Guards())


# Who may


def test_nothing_is_asked_of_another_course(course, theirs, teacher, person):
    run = runs.ask(theirs, by=None)
    asked = dry_run.start(theirs, by=None)
    dry_run.carry_out(asked.pk)
    clients = (teacher, Client(), person("learner"), person("viewer", "view_run", "view_credentialconfiguration"))
    for client in clients:
        for what in ("run", "dry", "award", "always", "never", "reissue"):
            path = at("credentialconfiguration_ask", theirs.pk, what)
            for response in (client.get(path), client.post(path, {"learners": "zoe", "reason": "x"})):
                assert response.status_code in (302, 403)
                assert "/login/" in response.get("Location", "/login/")
        assert client.post(at("run_ask", run.pk, "cancel"), {"reason": "x"}).status_code in (302, 403)
    for client in clients[:3]:
        for page in ("change", "csv", "progress", "cancel"):
            assert client.get(at(f"dryrun_{page}", asked.pk)).status_code in (302, 403)
        assert client.get(at("run_progress", run.pk)).status_code in (302, 403)
    run.refresh_from_db()
    assert run.status == Run.Status.ASKED
    assert not Credential.objects.exists()
    assert not Candidate.objects.exists()


def test_nothing_unknown_is_asked(saved, teacher):
    assert teacher.get(at("credentialconfiguration_ask", saved.pk, "nothing")).status_code == 404
    assert teacher.get(at("credentialconfiguration_ask", 999, "run")).status_code == 403
    CredentialConfiguration.objects.update(enabled=False)
    assert "nothing to be done" in said(ask(teacher, saved, "run"))[0]


def test_progress_is_json(saved, teacher):
    run = runs.ask(saved, by=teacher.user)
    answer = teacher.get(at("run_progress", run.pk))
    assert json.loads(answer.content).keys() == {"going_on", "share", "said", "evaluated"}
