"""`conferral lms check`, and the endpoint of the retirement driver, beside a real server."""

import io
import json

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.test import override_settings

from conferral import plugins
from conferral.issuance.run import run
from conferral.management import lms
from conferral.models import Learner
from tests.lms import story
from tests.lms.story import configured, issued
from tests.services import lms_http

pytestmark = pytest.mark.django_db


def checked(key=""):
    return {check.name: check for check in lms.checks(key)}


def test_all_that_a_run_needs_is_tried(server):
    found = checked(story.COURSE)
    for name in (
        *("gateway", "address and token", "signed in as", "staff", "clock"),
        *("course", "grades", "gradebook", "grading policy", "completion", "enrolments"),
    ):
        assert found[name].ok, found[name]
    assert found["signed in as"].found == lms_http.SERVICE_USER
    assert found["beat"].ok is False
    assert found["beat"].found == "has never ticked"


def test_a_pathway_is_tried_by_its_source(server):
    assert checked(story.PATHWAY)["pathway"].found == "'Data Skills' with 3 steps"
    assert checked("path-v1:No+Such+Path+1")["pathway"].ok is False


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        ({"client_secret": "wrong"}, "address and token", "does not accept client_id"),
        ({"url": "http://127.0.0.1:9", "tries": 1}, "address and token", "cannot be reached"),
    ],
)
def test_what_does_not_work_is_said_with_the_fix(server, settings, change, name, said):
    settings.CONFERRAL_PLUGINS = {"rest": server.settings() | change}
    plugins.load.cache_clear()
    found = checked()[name]
    assert found.ok is False
    assert said in found.found
    assert found.fix


def test_a_user_who_is_no_staff_is_told(server):
    server.campus.staff = False
    found = checked(story.COURSE)
    assert found["staff"].ok is False
    assert "staff" in found["staff"].fix
    assert found["enrolments"].ok is False


def test_a_clock_that_is_wrong_is_told(server):
    server.ahead = 3600
    assert checked()["clock"].ok is False


def test_the_command_prints_it_and_fails_when_something_does_not_work(server):
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("conferral", "lms", "check", "--json", stdout=said)
    assert ended.value.code == 1
    assert {each["name"] for each in json.loads(said.getvalue())} >= {"staff", "beat", "workers"}


# The retirement driver.


@pytest.fixture
def driver(server, settings):
    """Posts as the platform's driver does."""
    settings.CONFERRAL_PLUGINS = {"rest": server.settings(retirement_users=[lms_http.SERVICE_USER])}
    plugins.load.cache_clear()
    plugins.gateway().http.authenticate()
    token = plugins.gateway().http._token

    def post(content, authorization=f"JWT {token}"):
        headers = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
        with override_settings(ROOT_URLCONF="conferral.api.urls"):
            return Browser(enforce_csrf_checks=True).post(
                "/user/retire/", content, content_type="application/json", **headers
            )

    return post


def test_the_driver_may_say_more_than_is_asked_and_it_counts_for_nothing(driver, server):
    run(configured(), trigger="command")
    others = Learner.objects.exclude(key="ana").count()
    assert driver({"username": "ana", "gateway": "roster", "pk": 1, "all": True, "credentials": []}).status_code == 204
    assert Learner.objects.filter(retired=None).count() == others


@pytest.mark.parametrize(
    "body", ["[" * 4000, '{"username": "a\\u0000"}', '{"edx_lms_user_id": "\\ud800"}', "x" * 5000, "7", "[]"]
)
def test_what_is_no_request_of_the_driver_is_refused(driver, server, body):
    assert driver(body).status_code == 400


@pytest.mark.parametrize("token", ["é", "a b", "a\x01", "<script>", "x,y"])
def test_what_can_be_no_token_is_not_shown_to_the_lms(driver, server, token):
    server.forget()
    assert driver({"username": "ana"}, authorization=f"JWT {token}").status_code == 401
    assert server.asked == []


def test_while_the_lms_is_away_the_driver_waits_once_and_is_told_nothing_of_it(driver, server):
    server.forget()
    server.fail("/me", lms_http.status(503), times=1000)
    answer = driver({"username": "ana"})
    assert (answer.status_code, len(server.asked)) == (503, 1)
    assert answer.json() == {"detail": "it cannot be done at the moment; try again later: the log has why"}


def test_strangers_do_not_have_the_lms_asked_for_ever(driver, server, settings):
    settings.CONFERRAL_SIGN_IN_RATE_LIMIT = "3/d"
    server.forget()
    answers = [driver({"username": "ana"}, authorization="JWT x") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [403, 403, 403, 429, 429]
    assert (len(server.asked), answers[-1]["Retry-After"].isdigit()) == (3, True)


def test_the_driver_retires_a_learner(driver, server):
    run(configured(), trigger="command")
    assert "ana" in issued()
    assert driver({"username": "ana"}).status_code == 204
    assert driver({"username": "ana"}).status_code == 204  # once more is the same
    assert Learner.objects.filter(retired=None, key="ana").count() == 0
    assert Learner.objects.exclude(retired=None).get().name == ""
    run(configured(), trigger="command")
    assert "ana" not in issued()


def test_the_driver_may_name_the_account_by_its_id(driver, server):
    run(configured(), trigger="command")
    assert driver({"edx_lms_user_id": server.campus.accounts["eve"]["id"]}).status_code == 204
    assert issued() == {"ana", "dee", Learner.objects.exclude(retired=None).get().key}
    assert driver({"edx_lms_user_id": 99999}).status_code == 204


def test_who_never_earned_anything_is_retired_too(driver):
    assert driver({"username": "nobody"}).status_code == 204


@pytest.mark.parametrize("authorization", ["", "JWT ", "JWT forged", "Basic YTpi"])
def test_without_a_token_of_the_lms_nothing_is_removed(driver, authorization):
    assert driver({"username": "ana"}, authorization).status_code in (401, 403)


def test_a_token_of_somebody_else_is_refused(driver, server, settings):
    settings.CONFERRAL_PLUGINS = {"rest": server.settings(retirement_users=["somebody-else"])}
    plugins.load.cache_clear()
    assert driver({"username": "ana"}).status_code == 403
    settings.CONFERRAL_PLUGINS = {"rest": server.settings()}
    plugins.load.cache_clear()
    assert driver({"username": "ana"}).status_code == 403


@pytest.mark.parametrize("content", ["", "[]", '{"username": 3}', '{"username": ""}', "{" * 5000])
def test_a_request_that_makes_no_sense_is_told(driver, content):
    answer = driver(content)
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_when_the_lms_cannot_be_asked_the_driver_tries_again(driver, server, settings):
    settings.CONFERRAL_PLUGINS = {"rest": server.settings(tries=1, retirement_users=[lms_http.SERVICE_USER])}
    plugins.load.cache_clear()
    server.fail("/me", lms_http.status(503))
    assert driver({"username": "ana"}).status_code == 503
