"""What waits for whoever looks at the first page: counted where they teach, with the list that shows it."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conferral.admin import waiting
from conferral.issuance import configure, people
from conferral.models import Credential, CredentialConfiguration, Delivery, NameRequest, Run
from tests.conftest import Course

OTHER = "course-v1:Test+OTHER+2026"
TILE = re.compile(r'<a href="([^"]+)"><strong>([^<]+)</strong> <span>([^<]+)</span></a>')


def first_page(client, name="conferral-staff:index", *args):
    return client.get(reverse(name, args=args))


def tiles(client, *page):
    """What is told there to wait: how many, by what is said of them."""
    return {said: count for _address, count, said in TILE.findall(first_page(client, *page).content.decode())}


def in_trouble(course, *usernames):
    """A course in which, for each of those, something of every kind has to be decided or mended."""
    for username in usernames:
        course.learner(username, email=f"{username}@example.com")
    saved = course.configure()
    course.run_and_generate()
    for one in Credential.objects.filter(configuration=saved, name_requests=None):
        NameRequest.objects.create(credential=one, name="Another Name")
    Credential.objects.filter(configuration=saved).update(state="failed")
    Delivery.objects.filter(credential__configuration=saved).update(state="failed", next_try=None)
    fields = {"configuration": saved, "trigger": "command", "active": None, "claimed_until": timezone.now()}
    for status in (*("held" for _ in usernames), "failed"):
        Run.objects.create(**fields, status=status, claim=f"{Run.objects.count()}", started=timezone.now())
    return saved


@pytest.fixture
def trouble(course):
    """One learner of the first course, two of the other."""
    configure.save_context(OTHER, name="Another", organisation="Test")
    in_trouble(Course(key=OTHER, type_name="Other"), "zoe", "yan")
    return in_trouble(course, "ana")


def test_whoever_teaches_is_told_what_waits_in_their_course(trouble, teacher):
    assert tiles(teacher) == {
        "issuing run to release or refuse": "1",
        "request for another name": "1",
        "configuration whose last run failed": "1",
        "credential could not be made": "1",
        "mail was given up": "1",
    }


@pytest.mark.parametrize(
    "page", [("conferral-staff:index",), ("conferral-staff:app_list", "conferral"), ("admin:app_list", "conferral")]
)
def test_an_operator_is_told_of_all_courses_on_both_sites(trouble, operator, page):
    assert tiles(operator, *page) == {
        "issuing runs to release or refuse": "3",
        "requests for another name": "3",
        "configurations whose last run failed": "2",
        "credentials could not be made": "3",
        "mails were given up": "3",
    }


@pytest.mark.parametrize("who", ["teacher", "operator"])
def test_each_leads_to_a_list_of_just_those(trouble, request, who):
    client = request.getfixturevalue(who)
    found = TILE.findall(first_page(client).content.decode())
    assert len(found) == len(waiting.KINDS)
    for address, count, _said in found:
        assert address.startswith("/conferral/staff/conferral/")
        assert len(client.get(address).context["cl"].result_list) == int(count), address


def test_nobody_is_told_of_what_they_may_not_see(trouble, person):
    assert set(tiles(person("watcher", "view_run"))) == {
        "issuing runs to release or refuse",
        "configurations whose last run failed",
    }
    assert tiles(person("designer", "view_credentialtype")) == {}


def test_where_nothing_waits_one_line_says_so(course, teacher):
    course.learner("ana", email="ana@example.com")
    course.configure()
    course.run_and_generate()
    page = first_page(teacher).content.decode()
    assert "Nothing waits for you." in page
    assert "Waiting for you" not in page


def test_many_are_counted_up_to_a_bound(trouble, teacher, course, monkeypatch):
    monkeypatch.setattr(waiting, "COUNTED", 3)
    course.learners(4)
    course.run_and_generate()
    Credential.objects.update(state="failed")
    assert tiles(teacher)["credentials could not be made"] == "more than 3"


def test_as_many_queries_whatever_waits(trouble, teacher, course):
    def cost():
        with CaptureQueriesContext(connection) as captured:
            assert first_page(teacher).status_code == 200
        return len(captured)

    before = cost()
    in_trouble(course, *(f"learner-{number}" for number in range(20)))
    assert cost() == before


def test_a_failure_waits_until_a_run_comes_to_its_end_or_the_configuration_is_off(trouble, teacher, course):
    failed = "configuration whose last run failed"
    assert failed in tiles(teacher)
    CredentialConfiguration.objects.filter(pk=trouble.pk).update(enabled=False)
    assert failed not in tiles(teacher)
    CredentialConfiguration.objects.filter(pk=trouble.pk).update(enabled=True)
    course.run()
    assert failed not in tiles(teacher)


def test_a_mail_waits_until_another_takes_its_place_or_nobody_is_to_get_it(trouble, teacher):
    told = Delivery.objects.get(credential__configuration=trouble)
    assert "mail was given up" in tiles(teacher)
    again = Delivery.objects.create(credential=told.credential, purpose=told.purpose, sequence=2, state="sent")
    assert "mail was given up" not in tiles(teacher)
    again.delete()
    Credential.objects.update(revoked=timezone.now())
    assert "mail was given up" not in tiles(teacher)
    Credential.objects.update(revoked=None)
    people.retire(told.credential.learner)
    assert "mail was given up" not in tiles(teacher)


def test_what_was_decided_waits_no_more(trouble, teacher):
    NameRequest.objects.update(outcome="refused", waiting=None)
    Run.objects.filter(status="held").update(status="refused")
    Credential.objects.update(revoked=timezone.now())
    assert set(tiles(teacher)) == {"configuration whose last run failed"}


def test_what_somebody_did_themselves_stands_beside_once_they_did_something(trouble, teacher, person):
    assert "Recent actions" not in first_page(teacher).content.decode()
    run = Run.objects.filter(configuration=trouble, status="held").get()
    ask = reverse("conferral-staff:conferral_run_ask", args=[run.pk, "refuse"])
    assert teacher.post(ask, {"reason": "a wrong threshold"}, follow=True).status_code == 200
    assert "Recent actions" in first_page(teacher).content.decode()


def test_what_was_not_made_of_somebody_who_is_retired_waits_for_nobody(trouble, teacher):
    assert "credential could not be made" in tiles(teacher)
    people.retire(Credential.objects.get(configuration=trouble).learner)
    assert "credential could not be made" not in tiles(teacher)
    address = reverse("conferral-staff:conferral_credential_changelist")
    states = {state: teacher.get(f"{address}?is={state}").context["cl"].result_count for state in ("failed", "removed")}
    assert states == {"failed": 0, "removed": 1}
    assert ">removed<" in teacher.get(address).content.decode()
