"""The `platform` gateway against a stand-in for the LMS: the same tables, the same answers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from campus import Campus, account_of, ask_to_leave, pathway
from common.djangoapps.student.models import CourseEnrollment
from conferral import plugins
from conferral.contract import Audience, ConferralError, Kind, Need
from conferral.issuance import configure
from conferral.issuance.run import dry_run, run
from conferral.issuance.source import told
from conferral.models import Credential, CredentialConfiguration, Learner, Run
from edx_name_affirmation.models import VerifiedName, VerifiedNameConfig
from lms.djangoapps.certificates.models import CertificateAllowlist, GeneratedCertificate
from openedx.core.djangoapps.user_api.models import UserPreference
from section_to_course.models import SectionToCourseLink
from tests.lms import story
from tests.lms.story import configured, issued

pytestmark = pytest.mark.django_db

EVERYTHING = frozenset({Need.COMPLETION, Need.GRADES})
WITHOUT_AGGREGATOR = frozenset({Need.COMPLETION})


@pytest.fixture
def lms(settings):
    """The story's LMS, and Conferral installed in it."""
    settings.CONFERRAL_LMS = "platform"
    settings.CONFERRAL_PAGE_SIZE = 2
    course = Campus(story.COURSE, story.POLICY, story.SUBSECTIONS)
    for username, (name, points, completed, mode) in story.LEARNERS.items():
        course.learner(username, mode=mode, name=name)
        course.score(username, points)
        course.complete(username, completed)
        if story.total(points):
            course.grade(username, story.total(points))
    for key in (story.SECOND, story.THIRD):
        other = Campus(key, story.POLICY, story.SUBSECTIONS)
        for username in ("ana", "dee"):
            other.learner(username)
            other.complete(username, 28)
    pathway(story.PATHWAY, [story.COURSE, story.SECOND, story.THIRD], story.MEMBERS)
    return course


@pytest.fixture
def without(settings):
    """Takes apps away that not every site has."""

    def take(*names):
        settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app not in names]

    return take


class TestPlatform(story.StorySuite):
    @pytest.fixture(autouse=True)
    def _inside(self, lms):
        type(self).gateway = plugins.gateway()
        people = get_user_model().objects
        type(self).teacher, type(self).stranger = (people.create(username=name) for name in ("teacher", "stranger"))
        lms.team("teacher", "staff")


class TestPlatformWithoutAggregator(story.StorySuite):
    """Completion from the blocks themselves: the same figures."""

    @pytest.fixture(autouse=True)
    def _inside(self, lms, without):
        without("completion_aggregator")
        type(self).gateway = plugins.gateway()


def progress_of(username, needs=EVERYTHING):
    gateway = plugins.gateway()
    (found,) = [one for page in gateway.progress(gateway.describe(story.COURSE), needs, [username]) for one in page]
    return found


# Grades.


def test_an_override_takes_the_place_of_what_was_earned(lms):
    lms.override("dee", 0, 3.0)
    assert progress_of("dee").grades.by_category["Homework"] == Decimal(str((1.0 + 0.6667) / 2))


def test_an_override_may_take_away_all_possible_points(lms):
    """Then the subsection is left out: of two homeworks one, padded to three, the lowest dropped."""
    lms.override("dee", 1, 0.0, possible=0.0)
    assert progress_of("dee").grades.by_category["Homework"] == Decimal(str(0.3333 / 2))


def test_extra_credit_beyond_the_whole_is_the_whole(lms):
    lms.learner("max")
    lms.grade("max", 1.07)
    lms.score("max", (4.0, 4.0, 4.0, 4.0))
    found = progress_of("max").grades
    assert found.total == 1
    assert set(found.by_category.values()) == {Decimal(1)}


def test_an_average_that_the_policy_hides_is_known(lms):
    lms.policy["GRADER"][0]["hide_average"] = True
    assert progress_of("ana").grades.by_category["Homework"] == 1


def test_since_when_a_learner_passes_is_told_of_those_who_still_do(lms):
    lms.learner("pat")
    lms.learner("pia")
    day = datetime(2026, 5, 4, 12, tzinfo=UTC)
    lms.grade("pat", 0.7, passed=day)
    lms.grade("pia", 0.3, passed=day)  # passed once, and is not passing now: the platform never clears it
    assert (progress_of("pat").grades.passing, progress_of("pat").grades.passed) == (True, day)
    assert (progress_of("pia").grades.passing, progress_of("pia").grades.passed) == (False, None)


def test_subsections_that_only_staff_see_do_not_count(lms):
    lms.hide(lms.subsections[3])
    assert progress_of("ana").grades.by_category["Final Exam"] == 0  # none is left: padded to one


def test_blocks_that_only_staff_see_need_not_be_completed(lms, without):
    without("completion_aggregator")
    assert progress_of("dee").completion == Decimal("0.5")
    lms.hide(lms.subsections[3])
    hidden = set(lms.structure.topological_traversal(start_node=lms.subsections[3]))
    seen = [leaf for leaf in lms.leaves if leaf not in hidden]
    assert 0 < len(seen) < 28
    done = sum(leaf in seen for leaf in lms.leaves[:14])
    assert progress_of("dee").completion == Decimal(str(done / len(seen)))


def test_a_course_without_grading_policy_has_no_assignment_types(lms):
    lms.policy["GRADER"] = []
    with pytest.raises(ConferralError, match="it has no grading policy"):
        configured("grades", {"required_grades": {"Homework": 0.5}})
    configured("grades", {"required_grades": {"total": 0.5}})


def test_a_category_that_the_course_lost_is_reported_and_stops_nothing(lms):
    configuration = configured("grades", {"required_grades": {"Lab": 0.5}})
    del lms.policy["GRADER"][1]
    ended = run(configuration, trigger="command")
    assert (ended.status, ended.issued) == (Run.Status.FINISHED, 0)
    assert "'Lab' is no assignment type" in ended.remarks


# Who may get one.


def test_a_run_leaves_out_whom_the_platform_leaves_out(lms):
    account_of("ana").groups.clear()
    lms.team("dee", "beta_testers")
    lms.team("eve", "staff")
    run(configured(), trigger="command")
    assert issued() == {"ana"}
    said = {one.learner: one.reason for page in dry_run(CredentialConfiguration.objects.get()) for one in page}
    assert said["cy"] == "enrolled as audit, which gets none"
    assert said["dee"] == "a beta tester of the course"
    assert said["eve"] == "teaches or runs the course"


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ({}, {"ana"}),
        ({"modes": ["audit"]}, {"cy"}),
        ({"modes": ["honor"], "beta_testers": True}, {"dee"}),
        ({"beta_testers": True, "course_staff": True}, {"ana", "dee", "eve"}),
        ({"inactive_accounts": True}, {"ana", "fay"}),
    ],
)
def test_each_of_them_is_an_option(lms, audience, expected):
    lms.team("dee", "beta_testers")
    lms.team("eve", "instructor", whole=True)  # of the whole organisation
    lms.learner("fay", active=False)
    lms.complete("fay", 28)
    run(configured(audience=audience), trigger="command")
    assert issued() == expected


def test_roles_elsewhere_do_not_count(lms):
    lms.team("eve", "staff", org="Another", whole=True)
    run(configured(), trigger="command")
    assert "eve" in issued()


@pytest.mark.parametrize("how", ["asked for", "under way"])
def test_who_is_to_be_removed_gets_nothing_whatever_the_options_say(lms, how):
    ana = get_user_model().objects.get(username="ana")
    if how == "asked for":
        ana.email = "retired__user_7b3b51c38dea425b434902155a10c9efdfc9e773@retired.invalid"
        ana.save()
    else:
        ask_to_leave("ana")
        get_user_model().objects.filter(pk=ana.pk).update(email="ana@example.com")  # known by the row alone
    run(configured(audience={"inactive_accounts": True}), trigger="command")
    assert issued() == {"dee", "eve"}
    (person,) = plugins.gateway().people(["ana"])
    assert (person.email, person.active) == ("", False)


def test_invalidated_certificates_are_honoured_by_option(lms):
    lms.invalidate("ana")
    assert not any(one.invalidated for one in standings(Audience()))
    assert [one.learner for one in standings(Audience(platform_invalidations=True)) if one.invalidated] == ["ana"]
    run(configured(audience={"platform_invalidations": True}), trigger="command")
    assert issued() == {"dee", "eve"}


def test_the_allowlist_is_honoured_by_option(lms):
    CertificateAllowlist.objects.create(user=account_of("bo"), course_id=lms.key, allowlist=True)
    configuration = configured()
    run(configuration, trigger="command")
    assert issued() == {"ana", "dee", "eve"}
    configure.save_configuration(story.COURSE, "Course", enabled=True, audience={"platform_allowlist": True})
    run(configuration, trigger="command")
    assert issued() == {"ana", "bo", "dee", "eve"}
    (fact,) = Credential.objects.get(learner__key="bo").evidence["facts"]
    assert fact["key"] == "platform allowlist"


def standings(audience, learners=tuple(story.LEARNERS)):
    gateway = plugins.gateway()
    return gateway.standing(gateway.describe(story.COURSE), learners, audience)


def test_who_left_the_course_takes_no_part(lms):
    CourseEnrollment.objects.filter(user__username="ana").update(is_active=False)
    run(configured(), trigger="command")
    assert issued() == {"dee", "eve"}


# Names, languages, accounts.


def test_names_are_those_that_the_platform_prints(lms):
    users = {
        "verified": account_of("verified", name="Profile Name"),
        "opted-out": account_of("opted-out", name="Profile Name"),
        "unapproved": account_of("unapproved", name="Profile Name"),
        "no-profile": account_of("no-profile", name="", first_name="First", last_name="Last"),
        "nameless": account_of("nameless", name="  "),
        "profileless": get_user_model().objects.create(username="profileless"),
    }
    for username, wants, status in (
        ("verified", True, "approved"),
        ("opted-out", False, "approved"),
        ("unapproved", True, "pending"),
    ):
        VerifiedName.objects.create(user=users[username], verified_name="Legal Name", status=status)
        VerifiedNameConfig.objects.create(user=users[username], use_verified_name_for_certs=wants)
    VerifiedNameConfig.objects.create(
        user=users["opted-out"], use_verified_name_for_certs=True, change_date=timezone.now() - timedelta(days=9)
    )
    assert {one.key: one.name for one in plugins.gateway().people(list(users))} == {
        "verified": "Legal Name",
        "opted-out": "Profile Name",
        "unapproved": "Profile Name",
        "no-profile": "First Last",
        "nameless": "nameless",
        "profileless": "profileless",
    }


def test_learners_are_linked_to_their_accounts_by_id(lms):
    UserPreference.objects.create(user=account_of("ana"), key="pref-lang", value="es-419")
    run(configured(), trigger="command")
    ana = Learner.objects.get(key="ana")
    assert (ana.user, ana.external_id, ana.language) == (account_of("ana"), str(account_of("ana").pk), "es-419")


def test_a_new_username_is_nobody_new(lms):
    configuration = configured()
    run(configuration, trigger="command")
    before = Credential.objects.get(learner__key="ana")
    get_user_model().objects.filter(username="ana").update(username="ana.maria")
    ended = run(configuration, trigger="command")
    assert (ended.issued, ended.already) == (0, 3)
    before.refresh_from_db()
    assert before.learner.key == "ana.maria"
    # And whoever takes the old name is somebody else.
    lms.learner("ana")
    lms.complete("ana", 28)
    assert run(configuration, trigger="command").issued == 1
    assert Learner.objects.filter(key="ana").exclude(pk=before.learner_id).exists()


@pytest.mark.parametrize("page_size", [1, 2, 50])
def test_a_username_given_to_somebody_else_takes_nothing_along(lms, settings, page_size):
    settings.CONFERRAL_PAGE_SIZE = page_size
    configuration = configured()
    run(configuration, trigger="command")
    before = Credential.objects.get(learner__key="ana")
    get_user_model().objects.filter(username="ana").update(username="ana.maria")
    lms.learner("ana", name="Another Ana")
    lms.complete("ana", 28)
    for issued_then in (1, 0):
        assert run(configuration, trigger="command").issued == issued_then
        before.refresh_from_db()
        theirs = Credential.objects.get(learner__key="ana")
        assert (before.learner.key, before.learner.user.username) == ("ana.maria", "ana.maria")
        assert (theirs.recipient_name, theirs.learner.user) == ("Another Ana", account_of("ana"))
        assert theirs.pk != before.pk


def test_two_may_take_each_other_s_username(lms):
    configuration = configured()
    run(configuration, trigger="command")
    names = dict(Credential.objects.values_list("learner__external_id", "recipient_name"))
    people = get_user_model().objects
    for old, new in (("ana", "between"), ("bo", "ana"), ("between", "bo")):
        people.filter(username=old).update(username=new)
    run(configuration, trigger="command")
    assert dict(Credential.objects.values_list("learner__external_id", "recipient_name")) == names
    run(configured(), trigger="command")
    for learner in Learner.objects.exclude(user=None):
        assert learner.external_id == str(learner.user.pk)


def test_who_lost_a_username_is_put_aside_with_what_they_earned(lms):
    configuration = configured()
    run(configuration, trigger="command")
    address = Learner.objects.get(key="ana").email
    get_user_model().objects.filter(username="ana").update(username="ana.maria")
    lms.learner("ana", name="Another Ana")
    get_user_model().objects.filter(username="ana").update(email="another@example.com")
    Learner.objects.record("platform", told(plugins.gateway().people(["ana"])))
    aside = Learner.objects.get(email=address)
    assert (aside.key, Learner.objects.get(key="ana").email) == (f"ana #{aside.pk}", "another@example.com")
    assert Credential.objects.get(learner=aside).learner_id == aside.pk


def test_upper_and_lower_case_are_two_people(lms):
    assert list(plugins.gateway().people(["ANA"])) == []
    assert list(plugins.gateway().progress(plugins.gateway().describe(story.COURSE), EVERYTHING, ["ANA"])) == []


# Contexts and dates.


def test_lessons_are_courses_that_were_made_of_a_section(lms, without):
    assert plugins.gateway().describe(story.COURSE).kind is Kind.COURSE
    SectionToCourseLink.objects.create(
        source_course_id=lms.key,
        destination_course_id=lms.key,
        source_section_id=lms.subsections[0],
        destination_section_id=lms.subsections[0],
    )
    assert plugins.gateway().describe(story.COURSE).kind is Kind.LESSON
    with pytest.raises(ConferralError, match="is for course; .* is a lesson"):
        configured(kinds=["course"])
    without("section_to_course")
    assert plugins.gateway().describe(story.COURSE).kind is Kind.COURSE


def test_the_certificate_has_a_name_of_its_own(lms, settings):
    Campus("course-v1:Example+LONG+1", story.POLICY, [], cert_name_long="A Certificate's Long Name", blocks=0)
    assert plugins.gateway().describe("course-v1:Example+LONG+1").name == "A Certificate's Long Name"


DAY = datetime(2026, 3, 1, tzinfo=UTC)
AVAILABLE = datetime(2026, 7, 15, tzinfo=UTC)
ENDED = datetime(2026, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("overview", "earned"),
    [
        ({"self_paced": True}, DAY),
        ({}, ENDED),
        ({"certificates_display_behavior": "end_with_date", "certificate_available_date": AVAILABLE}, AVAILABLE),
        ({"certificates_display_behavior": "early_no_info"}, DAY),
        ({"end": datetime(2099, 1, 1, tzinfo=UTC)}, DAY),  # not yet: the day of passing
    ],
)
def test_earned_follows_the_course_s_pace_and_its_certificates_dates(lms, overview, earned):
    key = "course-v1:Example+DATES+1"
    course = Campus(key, story.POLICY, story.SUBSECTIONS, **overview)
    course.learner("ana")
    course.grade("ana", 0.9, passed=DAY)
    configure.save_type("Dates", processor="grades", processor_options={"required_grades": {"total": "pass"}})
    configure.save_configuration(key, "Dates", enabled=True)
    run(CredentialConfiguration.objects.get(context_key=key), trigger="command")
    assert Credential.objects.get(context_key=key).earned == earned


def test_holders_of_the_platform_s_certificate_qualify_from_its_date(lms):
    for username, status in (("ana", "downloadable"), ("dee", "notpassing")):
        GeneratedCertificate.objects.create(
            user=account_of(username), course_id=lms.key, status=status, modified_date=DAY
        )
    run(configured("platform-certificate", {}), trigger="command")
    assert issued() == {"ana"}
    assert Credential.objects.get().earned == ENDED  # as the platform shows it: an instructor's course, which has ended
    (fact,) = Credential.objects.get().evidence["facts"]
    assert (fact["key"], fact["actual"]) == ("platform certificate", "held")


def test_a_date_that_staff_gave_a_certificate_is_its_date(lms):
    lms.certificate("ana", date=DAY)
    run(configured("platform-certificate", {}), trigger="command")
    assert Credential.objects.get().earned == DAY


def test_a_pathway_needs_the_plugin(lms, without):
    without("learning_paths")
    with pytest.raises(ConferralError, match="learning-paths-plugin is not installed in this LMS; install it"):
        plugins.gateway().describe(story.PATHWAY)


def test_a_pathway_of_three_courses_is_issued(lms):
    configure.save_type("Path", processor="completion", processor_options={"required_completion": 0.5}, generators={})
    configure.save_configuration(story.PATHWAY, "Path", enabled=True)
    assert story.PATHWAY in plugins.gateway().taking_part("bo")
    assert story.PATHWAY not in plugins.gateway().taking_part("cy")
    run(CredentialConfiguration.objects.get(), trigger="command")
    assert issued() == {"ana", "dee"}


def test_an_audit_step_is_no_certified_step(lms):
    CourseEnrollment.objects.filter(user__username="ana", course_id=lms.key).update(mode="audit")
    configure.save_type("Path", processor="completion", processor_options={"required_completion": 0.5}, generators={})
    configure.save_configuration(story.PATHWAY, "Path", enabled=True)
    run(CredentialConfiguration.objects.get(), trigger="command")
    assert issued() == {"dee"}
    said = {one.learner: one.reason for page in dry_run(CredentialConfiguration.objects.get()) for one in page}
    assert said["ana"] == "CERT101: enrolled as audit, which gets none"


# Access.


def test_a_course_s_team_sees_it(lms):
    lms.learner("teacher")
    lms.team("teacher", "instructor")
    gateway = plugins.gateway()
    assert gateway.may(account_of("teacher"), story.COURSE)
    assert not gateway.may(account_of("teacher"), story.SECOND)
    assert not gateway.may(account_of("teacher"), story.PATHWAY)
    assert not gateway.may(account_of("ana"), story.COURSE)


@pytest.mark.parametrize(
    ("role", "taught"),
    [
        ({}, {story.COURSE}),
        ({"whole": True}, {story.COURSE, story.SECOND, story.THIRD, story.PATHWAY}),
        ({"whole": True, "org": "Other"}, set()),
    ],
)
def test_what_somebody_teaches_is_listed(lms, role, taught, django_assert_num_queries):
    """By a role in the course, in its organisation or in another; a pathway by roles in each of its courses."""
    lms.learner("teacher")
    lms.team("teacher", "staff", **role)
    user = account_of("teacher")
    with django_assert_num_queries(5):  # roles, the paths, their steps, which of these are taught, the courses
        found = {one.key for one in plugins.gateway().contexts(taught_by=user)}
    assert found == taught
    every = (story.COURSE, story.SECOND, story.THIRD, story.PATHWAY)
    assert {key for key in every if plugins.gateway().may(user, key)} == taught


# Queries.


def test_a_page_costs_the_same_however_many_are_on_it(lms, settings, django_assert_num_queries):
    settings.CONFERRAL_PAGE_SIZE = 1000
    lms.many(300)
    gateway = plugins.gateway()
    context = gateway.describe(story.COURSE)
    with django_assert_num_queries(4):  # who is enrolled, totals, subsections, completion
        assert sum(len(page) for page in gateway.progress(context, EVERYTHING)) == 305
    everybody = [f"learner{number:06}" for number in range(300)]
    for audience, queries in ((Audience(), 5), (Audience(platform_invalidations=True, platform_allowlist=True), 7)):
        with django_assert_num_queries(queries):
            assert len(gateway.standing(context, everybody, audience)) == 300
    with django_assert_num_queries(5):  # accounts with profiles, removals (two), languages, names
        assert len(gateway.people(everybody)) == 300


def test_what_nobody_asks_for_is_not_read(lms, django_assert_num_queries):
    gateway = plugins.gateway()
    context = gateway.describe(story.COURSE)
    with django_assert_num_queries(2):
        list(gateway.progress(context, frozenset({Need.COMPLETION}), ["ana"]))


def test_a_package_adds_pathways_of_another_kind(lms):
    """As openedx-core's would be: a source tells of steps and members, the gateway of what they have done."""
    assert plugins.gateway().describe("catalog-pathway:Example:OTHER") is None
    configure.save_type("Path", processor="completion", processor_options={"required_completion": 0.5}, generators={})
    configure.save_configuration("catalog-pathway:Example:DATA", "Path", enabled=True)
    run(CredentialConfiguration.objects.get(), trigger="command")
    assert issued() == {"ana"}
    assert Credential.objects.get().context_name == "From the catalog"


def test_a_learner_has_a_page_on_the_platform(lms, settings):
    assert plugins.gateway().profile("ana") == ""
    settings.LMS_ROOT_URL = "https://lms.example.org"
    assert plugins.gateway().profile("ana") == "https://lms.example.org/u/ana"
