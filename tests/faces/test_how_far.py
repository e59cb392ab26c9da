"""What a learner can still earn, how far they are, and what is missing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from conferral.contract import Fact
from conferral.facts import lines
from conferral.issuance import configure
from conferral.issuance.run import run
from conferral.models import Credential, CredentialConfiguration, Learner
from tests.conftest import COURSE
from tests.faces.test_pages import text_of


@pytest.fixture
def ana(course, person):
    """Ana, signed in, who has done half of the course."""
    course.learner("ana", "0.5", Homework="0.9", Exam="0.4")
    client = person("ana")
    Learner.objects.filter(key="ana").update(user=client.user)
    return client


def progress(configuration):
    return reverse("conferral:progress", args=[configuration.pk])


def test_from_my_credentials_to_what_is_missing(course, ana):
    configuration = course.configure()
    page = text_of(ana.get("/mine/"))
    assert "What you can still earn" in page
    assert progress(configuration) in page
    assert all(each in page for each in ("Testing", "<bdi>Content completed</bdi>: 50% of 80%"))
    assert "course-v1" not in page
    told = text_of(ana.get(progress(configuration)))
    assert all(
        each in told for each in ("Content completed", "50%", "needed: at least 80%", "not yet", "1 thing is missing")
    )


def test_each_figure_that_counts(course, ana):
    rule = {"required_grades": {"Homework": 0.7, "Exam": 0.6, "total": 0.5}}
    told = text_of(ana.get(progress(course.configure(processor="grades", processor_options=rule))))
    assert told.count('<li class="met">') == 1
    assert told.count('<li class="missing">') == 2
    assert "1 of 3 reached" in text_of(ana.get("/mine/"))
    assert all(each in told for each in ("Homework", "Exam", "Grade of the whole course", "unknown"))


def test_who_qualifies_is_told_when_it_comes(course, ana):
    course.learner("ana", "0.9")
    configuration = course.configure(schedule={"at": "2099-05-12T09:00:00+00:00"})
    told = text_of(ana.get(progress(configuration)))
    assert "You have reached everything." in told
    assert "You have reached everything." in text_of(ana.get("/mine/"))
    assert "12 May 2099" in told or "May 12, 2099" in told


def ruled(course, ended=None, **rules):
    """The configuration with those rules, in a course that ended so many days ago, or has no end."""
    course.configure()
    end = ended and timezone.now() - timedelta(days=ended)
    configure.save_context(COURSE, name="Testing", organisation="Test", end=end)
    configure.save_configuration(COURSE, course.type_name, enabled=True, **rules)
    return CredentialConfiguration.objects.get()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({}, "No issuing run is planned; the staff may start one."),
        (
            {"schedule": {"every": "1 day"}, "opening": {"after_end": 3}},
            "Not open yet: the course has not been given the date on which it depends.",
        ),
        ({"ended": 1, "opening": {"after_end": 0}}, "No issuing run is planned; the staff may start one."),
        ({"ended": 1, "opening": {"after_end": 3}}, "Not open yet: it opens on "),
    ],
)
def test_no_run_is_promised_where_none_is_to_come(course, ana, rules, said):
    course.learner("ana", "0.9")
    told = text_of(ana.get(progress(ruled(course, **rules))))
    assert f"You have reached everything. {said}" in told
    assert "next issuing run" not in told


@pytest.mark.parametrize("held", [False, True])
def test_what_has_closed_is_open_to_those_alone_whose_credential_it_holds(course, ana, held):
    course.learner("ana", "0.9" if held else "0.5")
    configuration = ruled(course, 2, schedule={"every": "1 day"}, opening={"stop": 1}, guards={"review": True})
    assert "What you can still earn" in text_of(ana.get("/mine/"))
    run(configuration, trigger="command")
    assert CredentialConfiguration.objects.get().closed
    course.learner("ana", "0.9")
    assert ("What you can still earn" in text_of(ana.get("/mine/"))) == held
    page = ana.get(progress(configuration))
    assert page.status_code == (200 if held else 404)
    assert ("The staff look at it before it is issued" in text_of(page)) == held


def test_the_steps_of_a_pathway_by_their_names(course, ana):
    second, pathway = "course-v1:Test+T102+2026", "path-v1:Test+T+2026+A"
    configure.save_context(second, name="More Testing")
    configure.save_context(pathway, name="All of it", steps=[COURSE, second])
    course.key = pathway
    course.learner("ana", "")
    told = text_of(ana.get(progress(course.configure())))
    assert all(each in told for each in ("All of it", "<bdi>Testing</bdi>:", "<bdi>More Testing</bdi>:", "Enrolment"))


def test_what_is_held_already_is_not_offered_again(course, ana):
    course.learner("ana", "0.9")
    configuration = course.configure()
    course.run_and_generate()
    assert Credential.objects.count() == 1
    assert "What you can still earn" not in text_of(ana.get("/mine/"))
    assert ana.get(progress(configuration)).status_code == 404


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("pending", "You have reached everything. It is being made."),
        ("failed", "You have reached everything. It could not be made yet; the staff know."),
    ],
)
def test_what_is_being_made_or_could_not_be_is_said(course, ana, state, said):
    course.learner("ana", "0.9")
    course.configure()
    course.run_and_generate()
    assert said not in text_of(ana.get("/mine/"))
    Credential.objects.update(state=state)
    page = text_of(ana.get("/mine/"))
    assert said in page
    assert "Nothing has been issued to you yet" not in page


def test_nobody_looks_into_what_they_take_no_part_in(course, ana, stranger, person):
    configuration = course.configure()
    assert stranger.get(progress(configuration)).status_code == 302
    assert person("bo").get(progress(configuration)).status_code == 404
    CredentialConfiguration.objects.update(enabled=False)
    assert ana.get(progress(configuration)).status_code == 404
    assert "What you can still earn" not in text_of(ana.get("/mine/"))


def test_a_source_that_is_down_takes_nothing_else_away(course, ana, settings):
    configuration = course.configure()
    settings.CONFERRAL_LMS = "gone"
    response = ana.get("/mine/")
    assert response.status_code == 200
    assert "My credentials" in text_of(response)
    settings.CONFERRAL_LMS = "roster"
    CredentialConfiguration.objects.update(processor_options={"required_completion": "nonsense"})
    response = ana.get(progress(configuration))
    assert (response.status_code, "cannot be told at the moment" in text_of(response)) == (503, True)


def test_queries_do_not_grow_with_the_course(course, ana, django_assert_max_num_queries):
    configuration = course.configure()
    course.learners(30)
    with django_assert_max_num_queries(12):
        ana.get(progress(configuration))
    with django_assert_max_num_queries(20):
        ana.get("/mine/")


def test_of_many_the_latest_are_told_of_and_the_others_named(course, ana):
    """Thirty, the newest in what she joined last: it is the first that is shown, and each has its page."""
    course.configure()
    keys = [f"course-v1:Test+M{number}+2026" for number in range(30)]
    for number, key in enumerate(keys):
        configure.save_context(key, name=f"Module {number}.")
        course.key = key
        course.learner("ana", "0.5")
        configure.save_configuration(key, course.type_name, enabled=True)
    CredentialConfiguration.objects.filter(context_key=keys[3]).update(context_name="Module 3.")
    page = text_of(ana.get("/mine/"))
    assert page.index("Module 29.") < page.index("Module 28.") < page.index("Module 22.")
    assert page.count("50% of 80%") == 8
    before, after = page.split("7 more</summary>")
    assert (before.count("How far am I?"), after.count('<li><a href="/mine/progress/')) == (24, 7)
    assert "Module 3." in after
    for configuration in CredentialConfiguration.objects.all():
        assert progress(configuration) in page
        assert ana.get(progress(configuration)).status_code == 200


@pytest.mark.parametrize(
    ("actual", "required", "said"),
    [
        ("0.5927", "0.8", "59%"),
        ("0.79999", "0.8", "79%"),
        ("0.9999", "1", "99%"),
        ("0.7955", "0.795", "79.55%"),  # reached: it is not to look missed
        ("1", "1", "100%"),
        (None, "0.8", "unknown"),
    ],
)
def test_whole_per_cent_are_neither_more_nor_seemingly_less(actual, required, said):
    (line,) = lines([Fact.share("completion", actual and Decimal(actual), Decimal(required))])
    assert line.roughly == said


def test_the_end_of_a_bar_has_no_mark(course, ana):
    course.configure(processor_options={"required_completion": 1})
    page = text_of(ana.get("/mine/"))
    assert "50% of 100%" in page
    assert 'class="bar"' in page
    assert "<line" not in page
