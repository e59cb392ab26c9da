"""What is told of a run before it is asked for: that it would look at nobody, or that another is asked for."""

from datetime import UTC, datetime

import pytest

from conferral import schedules
from conferral.issuance import run as runs
from conferral.models import CredentialConfiguration, Run
from tests.conftest import Course
from tests.faces.test_admin import text_of
from tests.faces.test_staff_work import ask, at, said

pytestmark = pytest.mark.usefixtures("silent_broker")
NOT_OPEN = {"opens_at": datetime(2099, 5, 12, 12, tzinfo=UTC)}
CLOSED = {"closed": datetime(2026, 5, 12, 12, tzinfo=UTC), "closed_why": "its time ended on 1 May 2026"}


@pytest.fixture
def saved(course):
    return course.configure()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (NOT_OPEN, "Not open yet: it opens on 12 May 2099 12:00 UTC."),
        ({"opens_at": schedules.NEVER}, "Not open yet: the course has not been given the date on which it depends."),
        (CLOSED, "Closed on 12 May 2026: its time ended on 1 May 2026."),
    ],
)
def test_who_runs_what_is_not_open_reads_that_nobody_is_looked_at_and_what_overrides_it(saved, teacher, changes, why):
    nobody = "a run looks at nobody; only “Issue at once, however many there are” overrides that."
    address = at("credentialconfiguration_ask", saved.pk, "run")
    assert nobody not in text_of(teacher.get(address))
    CredentialConfiguration.objects.update(**changes)
    page = text_of(teacher.get(address))
    assert f"{why} Unless the dates of its course have changed since, {nobody}" in page
    assert "Issue at once, however many there are</label>" in page


def test_a_list_tells_how_many_look_at_nobody_and_why(saved, teacher):
    address = at("credentialconfiguration_changelist")
    Course(type_name="Second").configure()
    chosen = {
        "action": "run_now",
        "_selected_action": list(CredentialConfiguration.objects.values_list("pk", flat=True)),
    }
    assert "look at nobody" not in text_of(teacher.post(address, chosen)).replace("looks", "look")
    CredentialConfiguration.objects.filter(pk=saved.pk).update(**CLOSED)
    page = text_of(teacher.post(address, chosen))
    assert "1 of them is closed or not open yet:" in page
    assert page.count("(closed on 12 May 2026: its time ended on 1 May 2026)") == 1
    CredentialConfiguration.objects.exclude(pk=saved.pk).update(**NOT_OPEN)
    page = text_of(teacher.post(address, chosen))
    assert "2 of them are closed or not open yet:" in page
    assert page.count("(not open yet: it opens on 12 May 2099 12:00 UTC)") == 1


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        ({"notify": "on"}, {}, "it writes to the learners"),
        ({}, {"notify": "on"}, "it writes to nobody"),
        ({"notify": "on"}, {"notify": "on", "release": "on"}, "it writes to the learners"),
        ({"notify": "on", "release": "on"}, {"notify": "on"}, "it writes to the learners and holds nothing"),
        ({"release": "on"}, {}, "it writes to nobody and holds nothing"),
    ],
)
def test_a_wish_that_differs_from_a_run_that_is_asked_for_is_refused_and_not_dropped(
    saved, teacher, first, second, how
):
    ask(teacher, saved, "run", **first)
    assert said(ask(teacher, saved, "run", **first)) == ["A run was asked for."], "the same is wished twice"
    waiting = Run.objects.get()
    response = ask(teacher, saved, "run", **second)
    line = f"Run {waiting.pk} is asked for already: {how}; cancel it first, or wait until it has begun"
    assert response.context["form"].non_field_errors() == [line]
    assert Run.objects.get() == waiting
    ask(teacher, waiting, "cancel")
    ask(teacher, saved, "run", **second)
    asked = Run.objects.get(status="asked")
    assert (asked.notify, asked.release) == ("notify" in second, "release" in second)


def test_a_list_tells_of_which_a_run_is_asked_for_that_does_something_else_and_runs_the_others(saved, teacher):
    runs.ask(saved, by=None, notify=False)
    other = Course(type_name="Second").configure()
    keys = [saved.pk, other.pk]
    chosen = {"action": "run_now", "_selected_action": keys, "confirmed": "1"}
    told = said(teacher.post(at("credentialconfiguration_changelist"), chosen, follow=True))
    wanted = f"{saved}: run {Run.objects.first().pk} is asked for already: it writes to nobody"
    assert sum(wanted in line for line in told) == 1
    assert list(Run.objects.filter(by=teacher.user).values_list("configuration", flat=True)) == [other.pk]
