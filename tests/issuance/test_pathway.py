"""A pathway: several courses, each a step, joined for those who take the pathway itself."""

import pytest

from conferral.contract import ConferralError
from conferral.issuance import configure
from conferral.issuance.run import dry_run
from conferral.models import Credential, Edition
from tests.conftest import COURSE, Course

SECOND = "course-v1:Test+T102+2026"
PATHWAY = "path-v1:Test+DEV+2026+A"


@pytest.fixture
def pathway(course):
    second = Course(SECOND)
    configure.save_context(SECOND, name="Testing on", organisation="Test")
    configure.save_context(PATHWAY, name="Tester", organisation="Test", steps=[COURSE, SECOND])
    for username, in_first, in_second in (
        ("both", "0.8", "1"),
        ("one", "1", "0.7999"),
        ("outsider", "1", "1"),
        ("half", "1", None),
    ):
        course.learner(username, in_first)
        if in_second is not None:
            second.learner(username, in_second)
    pathway = Course(PATHWAY, type_name="Diploma")
    for username in ("both", "one", "half"):
        pathway.learner(username, "")
    return pathway


def test_every_step_is_needed_and_so_is_the_pathway_itself(pathway):
    pathway.configure()
    pathway.run_and_generate()
    assert pathway.states() == {"both": "available"}

    said = {one.learner: one.reason for page in dry_run(pathway.configuration) for one in page}
    assert said["one"] == "T102: completion 79.99 % (80 % required)"
    assert said["half"] == "T102: enrolment none (active required)"
    assert "outsider" not in said


def test_the_evidence_is_by_step(pathway):
    pathway.configure()
    pathway.run()
    facts = Credential.objects.get().evidence["facts"]
    assert [(fact["step"], fact["actual"]) for fact in facts] == [(COURSE, "0.8"), (SECOND, "1")]


def test_the_page_names_the_courses_as_they_were_called_when_it_was_issued(pathway, client):
    pathway.configure()
    pathway.run_and_generate()
    configure.save_context(COURSE, name="Another name")
    edition = Edition.objects.get()
    page = client.get(f"/c/{Credential.objects.get().verification_id}").content.decode()
    assert all(f"<bdi>{name}</bdi>:" in page for name in ("Testing", "Testing on"))
    assert not any(each in page for each in ("T101", "T102", "Another name"))
    # One that was issued before names were kept, says what it always said.
    Edition.objects.update(content={name: value for name, value in edition.content.items() if name != "steps"})
    page = client.get(f"/c/{Credential.objects.get().verification_id}").content.decode()
    assert "<bdi>T102</bdi>:" in page


def test_an_edition_of_a_course_says_nothing_of_steps(course):
    """Else every course that has issued would have another edition from now on, for nothing."""
    course.learner("ana")
    course.configure()
    course.run_and_generate()
    assert "steps" not in Edition.objects.get().content


def test_a_course_of_another_name_issues_nothing_again(pathway):
    pathway.configure()
    pathway.run_and_generate()
    configure.save_context(COURSE, name="Another name")
    assert pathway.run().issued == 0
    assert Credential.objects.count() == 1


def test_a_step_may_ask_for_less(pathway):
    pathway.configure(step_options={SECOND: {"required_completion": 0.75}})
    pathway.run_and_generate()
    assert set(pathway.states()) == {"both", "one"}


def test_the_design_can_print_what_the_steps_have(pathway, template):
    configure.save_asset("classic", "classic.pdf", template)

    def designed(figure):
        elements = {"figure": {"text": f"{{evidence.{figure}}}", "y": 100}}
        return {"certificate": {"generator": "pdf", "options": {"template": "classic", "elements": elements}}}

    pathway.configure(
        processor="grades", processor_options={"required_grades": {"total": 0.5}}, generators=designed("total")
    )
    only_quiz = {"required_grades": {"total": None, "Quiz": 0.5}}
    with pytest.raises(ConferralError, match=r"{evidence.total}: the evidence has no such figure; it has: Quiz"):
        pathway.configure(
            processor="grades",
            processor_options={"required_grades": {"total": 0.5}},
            step_options={COURSE: only_quiz, SECOND: only_quiz},
            generators=designed("total"),
        )


def test_a_rule_about_the_learner_is_asked_once_for_the_pathway(pathway):
    pathway.configure(processor="listed", processor_options={"learners": ["half", "outsider"]})
    pathway.run_and_generate()
    assert pathway.states() == {"half": "available"}
    assert len(Credential.objects.get().evidence["facts"]) == 1
