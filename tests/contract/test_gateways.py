"""The gateways that come with Conferral, in the suite that every gateway has to pass."""

from decimal import Decimal

import pytest

from conferral.contract import Enrolment, Grades, Kind, LearningContext, Need, Person, Progress
from conferral.contract.testing import GatewaySuite, MemoryLMS
from conferral.issuance import configure
from conferral.lms.roster import RosterGateway, import_file
from conferral.models import Context, Learner

pytestmark = pytest.mark.django_db

COURSE = "course-v1:Demo+CS101+2026"
ROSTER = """\
username,email,name,language,active,completion,grade:Exam,grade:total
ana,ana@example.org,Ana Ñandú,es,yes,0.8,0.795,0.9
bo,,,,yes,,,
cy,cy@example.org,Cy,,no,1,1,1
dee,dee@example.org,Dee,,yes,0.79999999999999999999,0,0
eve,eve@example.org,Eve,,yes,0.5,0.5,0.5
"""


@pytest.fixture
def roster(settings, tmp_path):
    """Five learners on pages of two."""
    settings.CONFERRAL_PAGE_SIZE = 2
    configure.save_context(COURSE, name="Introduction to Computing", organisation="Demo", pass_mark="0.6")
    file = tmp_path / "roster.csv"
    file.write_text(ROSTER, encoding="utf-8")
    import_file(COURSE, file)
    return file


class TestMemory(GatewaySuite):
    gateway = MemoryLMS(
        [LearningContext(COURSE, Kind.COURSE, "Introduction to Computing")],
        {COURSE: [Progress(key, completion=Decimal("0.5")) for key in ("ana", "bo", "cy", "dee", "eve")]},
        [Person(key, key.title()) for key in ("ana", "bo", "cy", "dee", "eve", "fay")],
        staff={("teacher", COURSE)},
        page_size=2,
    )
    known_key = COURSE
    learners = ("ana", "bo", "cy", "dee", "eve")
    teacher, stranger = "teacher", "learner"

    def test_it_tells_only_what_is_asked_for(self):
        assert all(progress.completion is None for progress in self.everybody(frozenset({Need.GRADES})))

    def test_it_counts_each_page_as_a_call(self):
        before = self.gateway.calls["progress"]
        self.everybody()
        assert self.gateway.calls["progress"] - before == 3

    def test_staff_may(self):
        assert self.gateway.may("teacher", COURSE)
        assert not self.gateway.may("learner", COURSE)


@pytest.mark.usefixtures("roster")
class TestRoster(GatewaySuite):
    gateway = RosterGateway()
    known_key = COURSE
    learners = ("ana", "bo", "cy", "dee", "eve")

    @pytest.fixture(autouse=True)
    def _taught(self, roster, django_user_model):
        type(self).teacher, type(self).stranger = (
            django_user_model.objects.create(username=name) for name in ("teacher", "stranger")
        )
        Context.objects.get(key=COURSE).teachers.add(self.teacher)

    def test_figures_are_exactly_those_of_the_file(self):
        found = {progress.learner: progress for progress in self.everybody()}
        assert found["ana"].completion == Decimal("0.8")
        assert found["ana"].grades == Grades(total=Decimal("0.9"), by_category={"Exam": Decimal("0.795")})
        assert found["dee"].completion == Decimal("0.79999999999999999999")
        assert found["bo"].completion == 0

    def test_an_account_that_is_not_active_takes_no_part(self):
        found = {progress.learner: progress.enrolment for progress in self.everybody()}
        assert found["cy"] == Enrolment(active=False)
        assert found["ana"] == Enrolment(active=True)

    def test_a_name_is_never_made_up(self):
        assert list(self.gateway.people(["bo"])) == [Person("bo")]
        assert list(self.gateway.people(["ana"])) == [Person("ana", "Ana Ñandú", "ana@example.org", "es")]

    def test_a_pass_mark_is_exact(self):
        assert self.known().pass_mark == Decimal("0.6")

    def test_learners_of_another_gateway_are_not_ours(self):
        Learner.objects.create(gateway="platform", key="zoe", name="Zoe")
        assert list(self.gateway.people(["zoe"])) == []

    def test_what_somebody_does_in_another_course_stays_there(self, roster):
        other = "course-v1:Demo+CS102+2026"
        configure.save_context(other, name="Algorithms")
        roster.write_text("username,completion\neve,0.1\ncy,0.2\nzoe,0.3\nana,0.4\n", encoding="utf-8")
        import_file(other, roster)
        completed = {one.learner: one.completion for one in self.everybody()}
        assert (len(completed), completed["eve"], completed["ana"]) == (5, Decimal("0.5"), Decimal("0.8"))
        roster.write_text("username,completion\nzoe,0.3\n", encoding="utf-8")
        assert import_file(other, roster).removed == 3
        assert len(self.everybody()) == 5

    def test_each_page_is_one_query(self, django_assert_num_queries):
        context = self.known()
        with django_assert_num_queries(1 + 3):  # and the context, once
            list(self.gateway.progress(context, frozenset({Need.COMPLETION})))
        with django_assert_num_queries(1):
            self.gateway.people(self.learners)

    def test_who_is_not_in_the_next_file_takes_no_part(self, roster):
        roster.write_text("username,completion\nana,1\n", encoding="utf-8")
        import_file(COURSE, roster)
        assert [(one.learner, one.completion) for one in self.everybody()] == [("ana", 1)]
