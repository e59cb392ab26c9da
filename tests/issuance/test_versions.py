"""Versions of assets: who uses one, how many credentials keep it, and when another becomes the current one."""

import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferral import assets
from conferral.contract import ConferralError, TransientError
from conferral.issuance import configure, deliver, generate, history, removal, run, versions, work
from conferral.issuance.sweep import sweep
from conferral.issuance.versions import CannotActivate, Kept, activate, usage
from conferral.lms.roster import RosterGateway
from conferral.models import CredentialAsset
from tests.conftest import COURSE, Course

LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="10"><rect width="10" height="10"/></svg>'


def upload(width, **how):
    return configure.save_asset("logo", "logo.svg", LOGO % width, **how)


def design():
    logo = {"type": "image", "image": "logo", "y": "20mm", "width": "30mm"}
    return {"certificate": {"generator": "pdf", "options": {"template": "blank", "elements": {"logo": logo}}}}


def current():
    return CredentialAsset.objects.get(slug="logo", current=True).version


@pytest.fixture
def used(course, template):
    configure.save_asset("blank", "blank.pdf", template)
    upload(10)
    course.learner("ana")
    course.configure(generators=design())
    course.run_and_generate()
    return course


def test_who_uses_it_and_how_many_keep_which_version(used):
    upload(20)
    used.learner("ben")
    used.run_and_generate()
    used.learner("cem")
    used.run()
    found = usage("logo")
    assert found.users.named() == ["the type 'Completion'"]
    assert found.kept == {1: Kept(1, 0), 2: Kept(1, 1)}
    with CaptureQueriesContext(connection) as seen:
        usage("logo")
    assert len(seen) == 5
    assert usage("nothing") == versions.Usage(removal.Users(), {})


def test_what_uses_it_beside_types_and_which_of_that_is_of_some_courses(used):
    configure.save_type("Other", processor="completion", processor_options={"required_completion": 1})
    configure.save_configuration(COURSE, "Other", generators=design())
    configure.save_issuer("site", name="Test", logo="logo")
    everything = usage("logo").users
    assert everything.named() == [
        "the issuer 'site'",
        "the type 'Completion'",
        f"the configuration {COURSE} · Other",
    ]
    assert everything.within({COURSE}).named() == everything.named()[1:]
    assert everything.within(()).named() == ["the type 'Completion'"]
    assert usage("logo", {COURSE}).kept == {1: Kept(1, 0)}
    assert usage("logo", ()).kept == {}


def test_what_uses_it_is_found_in_as_many_queries_however_many_there_are(used):
    for number in range(3):
        configure.save_type(f"Type {number}", processor="completion", processor_options={"required_completion": 1})
        configure.save_configuration(COURSE, f"Type {number}", generators=design())
    with CaptureQueriesContext(connection) as seen:
        assert len(usage("logo").users.configurations) == 3
    assert len(seen) == 5


def test_a_new_version_waits_until_it_is_activated(used):
    change = upload(20, active=False, by="the dean")
    assert change.action == "change"
    assert current() == 1
    assert activate("logo", 2, by="the dean")
    assert current() == 2
    assert activate("logo", 1, by="the dean"), "an earlier one may come back"
    latest = CredentialAsset.objects.get(slug="logo", version=2)
    assert [act.verb for act in history.of(latest)] == ["activated", "uploaded"]


def test_the_first_of_a_slug_is_current_at_once(course):
    upload(10, active=False)
    assert current() == 1


def test_on_a_date(used):
    upload(20, active=False)
    tomorrow = timezone.now() + timedelta(days=1)
    assert not activate("logo", 2, by="the dean", on=tomorrow)
    assert sweep().versions == []
    (due,) = versions.due(tomorrow)
    assert not versions.carry_out(due)
    assert current() == 1
    assert versions.carry_out(due, tomorrow)
    assert current() == 2
    assert not versions.carry_out(due, tomorrow)
    assert [act.verb for act in history.of(latest())] == ["activated", "to be activated", "uploaded"]


def test_one_that_does_not_fit_by_then_is_told_and_left(used):
    upload(20, active=False)
    activate("logo", 2, by="the dean", on=timezone.now() + timedelta(days=1))
    used.configuration.type.__class__.objects.update(processor="gone")
    assert not versions.carry_out(latest().pk, timezone.now() + timedelta(days=2))
    assert current() == 1
    assert latest().activates is None
    assert "is not installed" in history.of(latest()).first().reason


def latest():
    return CredentialAsset.objects.get(slug="logo", version=2)


@pytest.fixture
def planned(used):
    """A version whose date has come, a minute ago."""
    upload(20, active=False)
    CredentialAsset.objects.filter(slug="logo", version=2).update(activates=timezone.now() - timedelta(minutes=1))
    return latest()


def raising(error):
    def describe(*_):
        raise error

    return describe


@pytest.mark.parametrize(
    "describe",
    [raising(KeyError("modulestore")), raising(TransientError("the LMS is away")), lambda *_: time.sleep(60)],
    ids=["raises", "is away", "hangs"],
)
def test_a_source_that_cannot_be_asked_costs_nobody_the_date(planned, settings, monkeypatch, caplog, describe):
    settings.CONFERRAL_PAGE_SECONDS = 1
    with monkeypatch.context() as troubled:
        troubled.setattr(RosterGateway, "describe", describe)
        assert sweep().versions == [planned.pk]
        assert not versions.carry_out(planned.pk)
        assert sweep().versions == [planned.pk], "it is tried again"
    assert (current(), latest().activates) == (1, planned.activates)
    assert "an asset could not be tried, and is tried again" in caplog.text
    assert "not activated" not in [act.verb for act in history.of(planned)]
    call_command("conferral", "due")
    assert current() == 2


def test_a_storage_that_is_away_costs_nobody_the_date_either(planned, monkeypatch):
    with monkeypatch.context() as troubled:
        troubled.setattr("conferral.assets.storage.read", raising(TransientError("the bucket is away")))
        assert not versions.carry_out(planned.pk)
    assert latest().activates == planned.activates


def test_while_one_tries_it_nobody_else_does_and_what_is_called_off_meanwhile_stays_so(planned, monkeypatch):
    describe = RosterGateway.describe
    seen = []

    def look(*arguments):
        seen.append((sweep().versions, versions.carry_out(planned.pk), connection.in_atomic_block))
        versions.call_off("logo", 2, by="the dean")
        return describe(*arguments)

    monkeypatch.setattr(RosterGateway, "describe", look)
    assert not versions.carry_out(planned.pk)
    assert [(found, taken) for found, taken, _ in seen] == [([], False)]
    assert (current(), latest().activates) == (1, None)


def test_one_whose_worker_was_killed_is_due_again(planned, monkeypatch, settings):
    monkeypatch.setattr(RosterGateway, "describe", raising(SystemExit()))
    with pytest.raises(SystemExit):
        versions.carry_out(planned.pk)
    assert versions.due() == []
    assert versions.due(timezone.now() + timedelta(seconds=61)) == [planned.pk]


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_source_is_asked(planned, monkeypatch):
    """A slow source would hold a row that runs wait for, and on SQLite the whole database."""
    describe, seen = RosterGateway.describe, []
    monkeypatch.setattr(
        RosterGateway, "describe", lambda *given: seen.append(connection.in_atomic_block) or describe(*given)
    )
    assert versions.carry_out(planned.pk)
    activate("logo", 1, by="the dean")
    assert seen == [False, False]


def test_what_does_not_use_it_is_not_asked_about(planned, monkeypatch):
    configure.save_context("course-v1:Test+OTHER+1", name="Other")
    Course("course-v1:Test+OTHER+1", type_name="Other").configure()
    describe, asked = RosterGateway.describe, []
    monkeypatch.setattr(RosterGateway, "describe", lambda lms, key: asked.append(key) or describe(lms, key))
    assert versions.carry_out(planned.pk)
    assert set(asked) == {COURSE}


def test_a_step_of_the_sweep_that_fails_keeps_no_other_from_being_done(planned, monkeypatch, caplog):
    released = []
    monkeypatch.setattr(work, "release_abandoned", released.append)
    for module, step in ((generate, "due"), (run, "close_lost_runs"), (deliver, "waiting_messages")):
        monkeypatch.setattr(module, step, raising(ZeroDivisionError()))
    found = sweep()
    assert len(released) == 2
    assert (found.artifacts, found.versions) == (0, [planned.pk])
    assert caplog.text.count("a step of the sweep failed") >= 3


@pytest.mark.parametrize(
    ("version", "on", "says"),
    [(9, None, "there is no version 9"), (1, timedelta(days=-1), "has passed; write an instant")],
)
def test_what_makes_no_sense_is_refused(used, version, on, says):
    with pytest.raises(CannotActivate, match=says):
        activate("logo", version, by="the dean", on=on and timezone.now() + on)


def test_nothing_changes_when_a_configuration_could_not_run_with_it(used):
    upload(20, active=False)
    used.configuration.type.__class__.objects.update(processor="gone")
    with pytest.raises(ConferralError, match="configuration .* is not installed"):
        activate("logo", 2, by="the dean")
    assert current() == 1
    assert assets.find("logo", "image").version == 1


def test_a_file_that_is_no_picture_does_not_become_a_logo_now_or_on_a_date(course, template):
    upload(10)
    configure.save_issuer("site", name="Test", logo="logo")
    configure.save_asset("logo", "logo.pdf", template, active=False)
    tomorrow = timezone.now() + timedelta(days=1)
    for on in (None, tomorrow):
        with pytest.raises(ConferralError, match=r"logo: 'logo' is of kind pdf .*; one of kind image is needed"):
            activate("logo", 2, by="the dean", on=on)
    CredentialAsset.objects.filter(version=2).update(activates=tomorrow)  # planned before it was a logo
    assert not versions.carry_out(latest().pk, tomorrow)
    assert (current(), latest().activates) == (1, None)
    assert "one of kind image is needed here" in history.of(latest()).first().reason


def test_whoever_plans_another_version_takes_the_date_of_the_first_which_its_history_says(used):
    upload(20, active=False)
    upload(30, active=False)
    tomorrow = timezone.now() + timedelta(days=1)
    for version in (2, 3, 3):
        activate("logo", version, by="the dean", on=tomorrow)
    assert latest().activates is None
    taken, *before = history.of(latest())
    assert (taken.verb, taken.by_name, taken.details["version"]) == ("not to be activated", "the dean", 2)
    assert [act.verb for act in before] == ["to be activated", "uploaded"]
    third = CredentialAsset.objects.get(slug="logo", version=3)
    assert [act.verb for act in history.of(third)] == ["to be activated", "to be activated", "uploaded"]
    assert versions.due(tomorrow) == [third.pk]
