"""What a learner can still earn, how far they are, and what is missing."""

import pytest
from django.urls import reverse

from conferral.issuance import configure
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
    assert all(each in page for each in ("Testing", "0 of 1 reached", "Content completed", "needed: at least 80%"))
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


def test_the_steps_of_a_pathway_by_their_names(course, ana):
    second, pathway = "course-v1:Test+T102+2026", "path-v1:Test+T+2026+A"
    configure.save_context(second, name="More Testing")
    configure.save_context(pathway, name="All of it", steps=[COURSE, second])
    course.key = pathway
    course.learner("ana", "")
    told = text_of(ana.get(progress(course.configure())))
    assert all(each in told for each in ("All of it", "Testing:", "More Testing:", "Enrolment"))


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
