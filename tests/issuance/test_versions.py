"""Versions of assets: who uses one, how many credentials keep it, and when another becomes the current one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferral import assets
from conferral.contract import ConferralError
from conferral.issuance import configure, history, versions
from conferral.issuance.sweep import sweep
from conferral.issuance.versions import CannotActivate, Kept, activate, usage
from conferral.models import CredentialAsset

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
    assert (found.types, found.users) == (["Completion"], ["the type 'Completion'"])
    assert found.kept == {1: Kept(1, 0), 2: Kept(1, 1)}
    with CaptureQueriesContext(connection) as seen:
        usage("logo")
    assert len(seen) <= 12
    assert usage("nothing") == versions.Usage([], [], {})


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
    sweep()
    assert current() == 1
    assert versions.activate_due(tomorrow) == 1
    assert current() == 2
    assert versions.activate_due(tomorrow) == 0


def test_one_that_does_not_fit_by_then_is_told_and_left(used):
    upload(20, active=False)
    activate("logo", 2, by="the dean", on=timezone.now() + timedelta(days=1))
    used.configuration.type.__class__.objects.update(processor="gone")
    assert versions.activate_due(timezone.now() + timedelta(days=2)) == 0
    assert current() == 1
    latest = CredentialAsset.objects.get(slug="logo", version=2)
    assert latest.activates is None
    assert "is not installed" in history.of(latest).first().reason


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
