"""The `rest` gateway against a real HTTP server: recorded answers, invented ones, and everything that goes wrong."""

import re
import tracemalloc
from decimal import Decimal

import pytest

from conferral import plugins
from conferral.contract import Audience, ConferralError, Kind, Need, TransientError
from conferral.issuance import configure
from conferral.issuance.run import run
from conferral.lms.rest.client import LMSError, LMSUnavailable
from conferral.lms.rest.gateway import RestGateway
from conferral.lms.rest.settings import RestSettings
from conferral.models import Credential, CredentialConfiguration, Learner, Run
from tests.lms import story
from tests.lms.story import configured, issued
from tests.services import lms_http
from tests.services.lms_http import BIG, CERT101, body, serving

pytestmark = pytest.mark.django_db

EVERYTHING = frozenset({Need.COMPLETION, Need.GRADES})


def gateway_of(server, **more):
    made = RestGateway()
    made.settings = RestSettings(**server.settings(**more))
    return made


def account(django_user_model, username):
    """A user of ours who signed in with that account of the LMS."""
    user = django_user_model.objects.create(username=f"{username}-here")
    Learner.objects.create(gateway="rest", key=username, user=user)
    return user


class TestRest(story.StorySuite):
    @pytest.fixture(autouse=True)
    def _beside(self, server, django_user_model):
        type(self).gateway = plugins.gateway()
        server.campus.team.append(("teacher", "staff", story.COURSE))
        type(self).teacher, type(self).stranger = (
            account(django_user_model, username) for username in ("teacher", "stranger")
        )

    def test_a_user_teaches_what_the_linked_account_teaches(self, server, django_user_model):
        """Never what an account of the same name does."""
        namesake = django_user_model.objects.create(username="teacher ")
        assert not self.gateway.may(namesake, story.COURSE)
        assert not self.gateway.may(self.teacher, story.PATHWAY)
        server.campus.team += [("path", "instructor", key) for key in (story.COURSE, story.SECOND, story.THIRD)]
        assert self.gateway.may(account(django_user_model, "path"), story.PATHWAY)

    def test_the_lms_is_asked_once_a_minute_what_somebody_teaches(self, server):
        for _ in range(3):
            assert self.gateway.may(self.teacher, story.COURSE)
        assert len([path for path in server.asked if "course_ids" in path]) == 2  # a role each

    def test_whether_somebody_takes_part_costs_no_reading_of_the_course(self, server):
        server.forget()
        context = self.gateway.describe(story.COURSE)
        asked = len(server.asked)
        (page,) = self.gateway.progress(context, frozenset(), ["ana", "teacher", "nobody"])
        assert [one.learner for one in page] == ["ana"]
        assert ["/enrollment/" in path for path in server.asked[asked:]] == [True]

    def test_one_learner_is_told_as_in_a_whole_reading_and_costs_none(self, server):
        """For the page where somebody sees how far they are."""
        context = self.gateway.describe(story.COURSE)
        whole = {one.learner: one for page in self.gateway.progress(context, EVERYTHING) for one in page}
        server.forget()
        for username in story.LEARNERS:
            assert [one for page in self.gateway.progress(context, EVERYTHING, [username]) for one in page] == [
                whole[username]
            ]
        assert server.calls["grades"] == server.calls["gradebook"] == server.calls["completion"] == len(story.LEARNERS)
        assert list(self.gateway.progress(context, EVERYTHING, ["nobody"])) == []

    def test_who_left_a_course_is_told_nothing_of_though_grades_are_kept(self, server):
        for one in server.campus.courses[story.COURSE].enrolments:
            one["is_active"] = one["user"] != "ana"
        assert list(self.gateway.progress(self.gateway.describe(story.COURSE), EVERYTHING, ["ana"])) == []

    def test_what_somebody_takes_part_in_is_asked_once_a_minute(self, server):
        assert set(self.gateway.taking_part("ana")) == {story.COURSE, story.SECOND, story.THIRD}
        assert self.gateway.taking_part("bo") == [story.COURSE]
        assert self.gateway.taking_part("nobody") == []
        server.forget()
        assert self.gateway.taking_part("bo") == [story.COURSE]
        assert not server.asked

    def test_a_learner_sees_what_is_still_to_be_earned(self, server, client, django_user_model):
        configured(options={"required_completion": 1})
        client.force_login(account(django_user_model, "dee"))
        server.forget()
        page = client.get("/mine/").content.decode()
        assert "Certificates 101" in page
        assert len([path for path in server.asked if "/enrollment/" in path]) == 1
        (link,) = set(re.findall(r"/mine/progress/\d+/", page))
        assert "50%" in client.get(link).content.decode()

    def test_pathways_with_a_credential_are_still_to_be_earned_too(self, server, client, django_user_model):
        """A call for each of them, and none for others; how far somebody is there costs no list of all members."""
        configured()
        configure.save_configuration(story.PATHWAY, "Course", enabled=True)
        given = CredentialConfiguration.objects.get(context_key=story.PATHWAY)
        server.forget()
        assert self.gateway.taking_part("ana")[3:] == [story.PATHWAY]
        assert self.gateway.taking_part("cy") == [story.COURSE]
        assert len([path for path in server.asked if "learning_paths" in path]) == 2
        client.force_login(account(django_user_model, "dee"))
        page = client.get("/mine/").content.decode()
        assert f"/mine/progress/{given.pk}/" in page
        assert "Data" in client.get(f"/mine/progress/{given.pk}/").content.decode()
        assert all("username=" in path for path in server.asked if "/enrollments/" in path and "learning_paths" in path)

    def test_a_pathway_that_the_lms_does_not_have_any_more_is_none_of_them(self, server):
        configured()
        configure.save_configuration(story.PATHWAY, "Course", enabled=True)
        server.campus.pathways.clear()
        assert self.gateway.taking_part("ana")[3:] == []

    def test_a_learner_has_a_page_in_the_lms(self, server):
        assert self.gateway.profile("ana") == f"{server.settings()['url']}/u/ana"

    def test_a_verified_name_is_used_by_those_who_chose_it(self, server):
        server.campus.accounts["ana"]["verified_name"] = "Ana María Ñandú"
        server.campus.verified["ana"] = body("verified_name") | {"username": "ana", "verified_name": "Ana María Ñandú"}
        assert self.gateway.people(["ana"])[0].name == "Ana María Ñandú"
        server.campus.verified["ana"]["use_verified_name_for_certs"] = False
        assert self.gateway.people(["ana"])[0].name == "Ana Ñandú"

    def test_somebody_without_a_name_is_called_by_the_username(self, server):
        server.campus.accounts["bo"]["name"] = ""
        assert self.gateway.people(["bo"])[0].name == "bo"

    def test_lessons_are_named_in_the_settings(self, server):
        assert gateway_of(server, lessons=["course-v1:*+CERT101+*"]).describe(story.COURSE).kind is Kind.LESSON
        assert gateway_of(server, lessons=[story.COURSE]).describe(story.SECOND).kind is Kind.COURSE


@pytest.fixture
def recorded():
    with serving(lms_http.recorded()) as serving_it:
        yield serving_it


@pytest.mark.parametrize(
    ("key", "grades", "completion"),
    [
        (CERT101, "grades_course_page_size_1000", "aggregator_course_1000"),
        (BIG, "big_grades_50", "big_aggregator_50"),
    ],
)
def test_the_recorded_courses_give_the_recorded_percentages(recorded, key, grades, completion):
    gateway = gateway_of(recorded, page_size=50)
    context = gateway.describe(key)
    found = {one.learner: one for page in gateway.progress(context, EVERYTHING) for one in page}
    assert {name: one.grades.total for name, one in found.items()} == {
        each["username"]: Decimal(str(each["percent"])) for each in body(grades)["results"]
    }
    assert {name: one.completion for name, one in found.items()} == {
        each["username"]: Decimal(str(each["completion"]["percent"])) for each in body(completion)["results"]
    }
    assert {name for name, one in found.items() if one.grades.passing} == {
        each["username"] for each in body(grades)["results"] if each["passed"]
    }


@pytest.mark.parametrize(("key", "count"), [(CERT101, 191), (BIG, 50)])
def test_categories_add_up_to_the_recorded_percentages(recorded, key, count):
    """The platform's own figure for the whole course, from the averages that we work out."""
    gateway = gateway_of(recorded)
    policy = recorded.campus.courses[key].info["assignment_types"]
    found = [one for page in gateway.progress(gateway.describe(key), EVERYTHING) for one in page]
    for one in found:
        exact = sum(policy[name]["weight"] * float(share) for name, share in one.grades.by_category.items())
        assert Decimal(str(int(exact * 100 + 0.55) / 100)) == one.grades.total, one
    assert len(found) == count


def test_who_has_asked_to_be_removed_gets_nothing(recorded):
    gateway = gateway_of(recorded)
    (retired,) = body("accounts_retired_new_username")
    (person,) = gateway.people([retired["username"]])
    assert (person.email, person.active) == ("", False)
    (standing,) = gateway.standing(gateway.describe(CERT101), [retired["username"]], Audience())
    assert "the account is being removed" in list(Audience().refusals(standing))


# What a run issues, and what goes wrong.


def test_a_run_issues_to_those_who_may_get_one(server):
    ended = run(configured(), trigger="command")
    assert issued() == {"ana", "dee", "eve"}  # cy audits
    assert (ended.evaluated, ended.issued) == (5, 3)
    assert Learner.objects.get(key="ana").external_id == str(server.campus.accounts["ana"]["id"])


def test_accounts_and_modes_are_asked_for_those_alone_who_qualify(server):
    server.forget()
    run(configured(), trigger="command")
    asked = [path for path in server.asked if "/accounts" in path or "/enrollment/" in path]
    assert len(asked) == 6  # three pages: for each one call for accounts, and one for modes
    assert not any("bo" in path.split("?")[1].replace("%2C", ",").split("=")[-1].split(",") for path in asked)


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ({"modes": ["audit"]}, {"cy"}),
        ({"modes": ["audit", "verified"]}, {"ana", "cy", "eve"}),
        ({"inactive_accounts": True}, {"ana", "dee", "eve"}),
    ],
)
def test_the_audience_is_an_option(server, audience, expected):
    run(configured(audience=audience), trigger="command")
    assert issued() == expected


def test_inactive_accounts_are_left_out_unless_they_are_wanted(server):
    server.campus.accounts["eve"]["is_active"] = False
    configuration = configured()
    run(configuration, trigger="command")
    assert issued() == {"ana", "dee"}
    configure.save_configuration(story.COURSE, "Course", enabled=True, audience={"inactive_accounts": True})
    run(configuration, trigger="command")
    assert issued() == {"ana", "dee", "eve"}


def test_a_category_that_the_course_does_not_have_is_refused(server):
    with pytest.raises(ConferralError, match="'Quiz' is no assignment type of .*; it has 'Homework', 'Lab'"):
        configured("grades", {"required_grades": {"Quiz": 0.5}})


def test_a_category_that_the_course_lost_is_reported_and_stops_nothing(server):
    configuration = configured("grades", {"required_grades": {"Lab": 0.5}})
    server.campus.courses[story.COURSE].info = {"grade_cutoffs": {"Pass": 0.5}, "assignment_types": {}}
    ended = run(configuration, trigger="command")
    assert (ended.status, ended.issued) == (Run.Status.FINISHED, 0)
    assert "'Lab' is no assignment type" in ended.remarks


def test_an_unknown_course_is_told_when_it_is_configured(server):
    configured()
    with pytest.raises(ConferralError, match="not known"):
        configure.save_configuration("course-v1:No+Such+Course", "Course", enabled=True)


PERMANENT = {
    "a sign-in page": (lms_http.status(200), "JSON was expected, and text/html came"),
    "forbidden": (lms_http.status(403, {"detail": "no"}), "make the user of the OAuth2 application staff"),
    "another shape": (
        lms_http.status(200, {"results": [{"name": "?"}], "pagination": {"next": None}}),
        "another shape",
    ),
    "no list": (lms_http.status(200, []), "no list of results"),
    "a link to elsewhere": (
        lms_http.status(200, {"results": [], "pagination": {"next": "https://evil.example.org/?page=2"}}),
        "links to evil.example.org",
    ),
}
PASSING = {
    "500": lms_http.status(500),
    "502": lms_http.status(502, None),
    "503 with Retry-After": lms_http.status(503, {"detail": "busy"}, Retry_After="0"),
    "429 in words": lms_http.status(
        429, {"developer_message": "Request was throttled. Expected available in 0 seconds."}
    ),
    "a truncated answer": lms_http.truncated,
    "no answer": lms_http.reset,
}


@pytest.mark.parametrize(("how", "said"), PERMANENT.values(), ids=PERMANENT)
def test_what_somebody_has_to_mend_fails_the_run_and_issues_nothing(server, how, said):
    configuration = configured()
    server.fail("/completion-aggregator/", how)
    with pytest.raises(LMSError, match=said):
        run(configuration, trigger="command")
    failed = Run.objects.get()
    assert failed.status == Run.Status.FAILED
    assert said in failed.error
    assert not Credential.objects.exists()
    run(configuration, trigger="command")  # the next one completes
    assert issued() == {"ana", "dee", "eve"}


@pytest.mark.parametrize("how", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("part", ["/completion-aggregator/", "/accounts", "/oauth2/"])
def test_what_passes_is_waited_for(server, how, part):
    configuration = configured()
    server.revoke()
    plugins.gateway().http._token = ""
    server.fail(part, how, times=2)
    run(configuration, trigger="command")
    assert issued() == {"ana", "dee", "eve"}


@pytest.mark.parametrize("how", PASSING.values(), ids=PASSING)
def test_what_does_not_pass_fails_the_run_and_the_next_one_completes(server, settings, how):
    settings.CONFERRAL_PLUGINS = {"rest": server.settings(page_size=10, tries=2)}
    plugins.load.cache_clear()
    configuration = configured()
    server.fail("/completion-aggregator/", how, times=2)
    with pytest.raises(TransientError):
        run(configuration, trigger="command")
    assert Run.objects.get().status == Run.Status.FAILED
    assert not Credential.objects.exists()
    run(configuration, trigger="command")
    assert issued() == {"ana", "dee", "eve"}


def test_the_second_page_failing_is_a_failed_run_too(server, settings):
    """Half of a course is no course."""
    settings.CONFERRAL_PLUGINS = {"rest": server.settings(page_size=10, tries=1)}
    plugins.load.cache_clear()
    for number in range(25):
        lms_http.add_learner(server.campus, story.COURSE, f"more{number}", completion=1.0)
    configuration = configured()
    server.fail("/completion-aggregator/", lms_http.status(500), times=1, after=2)
    with pytest.raises(LMSUnavailable, match="500"):
        run(configuration, trigger="command")
    assert not Credential.objects.exists()


def test_a_long_throttle_is_left_to_the_next_run(server):
    configuration = configured()
    said = {"developer_message": "Request was throttled. Expected available in 3599 seconds."}
    server.fail("/completion-aggregator/", lms_http.status(429, said))
    with pytest.raises(TransientError) as raised:
        run(configuration, trigger="command")
    assert raised.value.delay == 3600


def test_enrolments_are_throttled_and_waited_for(server):
    server.throttle, server.throttle_seconds = 1, 1
    run(configured(), trigger="command")
    assert issued() == {"ana", "dee", "eve"}


def test_tokens_end_and_are_revoked_in_the_middle(server):
    configuration = configured()
    server.fail("/accounts", lms_http.then(server.revoke))
    run(configuration, trigger="command")
    assert issued() == {"ana", "dee", "eve"}
    assert server.calls["token"] >= 2


def test_a_wrong_client_is_told(server, settings):
    settings.CONFERRAL_PLUGINS = {"rest": server.settings(client_secret="wrong")}
    plugins.load.cache_clear()
    with pytest.raises(
        LMSError, match="does not accept client_id .*invalid_client.*correct CONFERRAL_PLUGINS"
    ) as raised:
        plugins.gateway().describe(story.COURSE)
    assert "wrong" not in str(raised.value)


def test_a_service_user_who_is_no_staff_is_told(server):
    configuration = configured()
    server.campus.staff = False
    with pytest.raises(LMSError, match="make the user of the OAuth2 application staff"):
        run(configuration, trigger="command")
    with pytest.raises(LMSError, match="tells no names and addresses"):
        plugins.gateway().people(["ana"])


def test_a_gradebook_that_is_off_is_told(server):
    server.campus.gradebook = False
    with pytest.raises(LMSError, match="waffle flag grades.writable_gradebook"):
        plugins.gateway().describe(story.COURSE)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no-such-host.invalid"])
def test_an_lms_that_cannot_be_reached_is_told(server, url):
    gateway = gateway_of(server, tries=1)
    gateway.settings = RestSettings(**server.settings(tries=1) | {"url": url})
    with pytest.raises(LMSUnavailable, match="cannot be reached"):
        gateway.describe(story.COURSE)


def test_a_connection_that_is_not_secure_is_told(server):
    gateway = RestGateway()
    gateway.settings = RestSettings(**server.settings(tries=1) | {"url": server.url.replace("http:", "https:")})
    with pytest.raises(LMSError, match="the connection is not secure"):
        gateway.describe(story.COURSE)


def test_learners_who_enrol_in_the_middle_are_there_once(server):
    configuration = configured()
    for number in range(25):
        lms_http.add_learner(server.campus, story.COURSE, f"more{number:02}", completion=1.0)

    def somebody_enrols():
        # A page of another size begins elsewhere: learners come twice.
        course = server.campus.courses[story.COURSE]
        course.completion.insert(0, course.completion[0])

    server.fail("/completion-aggregator/", lms_http.then(somebody_enrols), after=1)
    ended = run(configuration, trigger="command")
    assert ended.evaluated == 30
    assert Credential.objects.count() == len(issued()) == 28


def test_learners_who_leave_in_the_middle_hide_nobody(server):
    """Numbered pages move up, and whoever was first on the next page would not be seen."""
    configuration = configured()
    for number in range(25):
        lms_http.add_learner(server.campus, story.COURSE, f"more{number:02}", completion=1.0)

    course = server.campus.courses[story.COURSE]
    server.fail("/completion-aggregator/", lms_http.then(lambda: course.completion.pop(0)), after=1)
    with pytest.raises(LMSUnavailable, match="1 of 30 left while the pages were read"):
        run(configuration, trigger="command")
    assert not Credential.objects.exists()


# Many.


def test_ten_thousand_learners_take_forty_calls(settings):
    settings.CONFERRAL_PAGE_SIZE = 1000
    with serving(lms_http.generated(10_000)) as server:
        gateway = gateway_of(server)
        with gateway.reading() as reader:
            context = reader.describe(CERT101)
            assert sum(len(page) for page in reader.progress(context, EVERYTHING)) == 10_000
            assert server.calls.total() <= 40, server.calls
            # A pathway's steps are asked for page by page: nothing is read again.
            before = server.calls.total()
            assert sum(len(page) for page in reader.progress(context, EVERYTHING, ["learner000007"])) == 1
            assert server.calls.total() == before
        assert server.most <= 4
        assert server.connections <= 4


def test_memory_does_not_grow_with_the_course():
    """What is kept of a learner is on disk."""
    peaks = []
    for count in (2_000, 10_000):
        with serving(lms_http.generated(count)) as server, gateway_of(server).reading() as reader:
            context = reader.describe(CERT101)
            reader.progress(context, frozenset({Need.COMPLETION}))
            tracemalloc.start()
            for page in reader.progress(context, frozenset({Need.COMPLETION})):
                assert page
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] - peaks[0] < 4_000_000, peaks
