"""The built-in rules, in the suite that everybody's rules have to pass, and at their edges."""

from dataclasses import replace
from decimal import Decimal

import pytest

from conferral.contract import Fact, Grades, Kind, LearningContext, Need, OptionsError, Person, Progress
from conferral.contract.options import parse
from conferral.contract.testing import MemoryLMS, ProcessorSuite
from conferral.processors import completion, completion_and_grades, grades, listed

COURSE = LearningContext("course-v1:Demo+CS101+2026", Kind.COURSE, "Introduction to Computing")
GRADED = replace(COURSE, pass_mark=Decimal("0.6"))


def completed(share, learner="ana"):
    return Progress(learner, completion=None if share is None else Decimal(share))


def graded(total=None, *, passing=None, learner="ana", completion=None, **by_category):
    return Progress(
        learner,
        completion=None if completion is None else Decimal(completion),
        grades=Grades(
            total=None if total is None else Decimal(total),
            passing=passing,
            by_category={category: Decimal(share) for category, share in by_category.items()},
        ),
    )


def decide(processor, options, progress, *, context=COURSE, people=()):
    lms = MemoryLMS([context], {context.key: [progress]}, people)
    parsed = parse(processor.Options, options, "options")
    return processor.decide(progress, parsed, processor.gather(context, [progress], parsed, lms))


class TestCompletion(ProcessorSuite):
    processor = completion.Completion()
    examples = [
        ({"required_completion": 0.8}, completed("0.8"), True),
        ({"required_completion": 0.8}, completed("0.795"), False),
        ({"required_completion": 0.8}, completed("0.79999999999999999999"), False),
        ({"required_completion": "0.795"}, completed("0.795"), True),
        ({}, completed("1"), True),
        ({}, completed("0.9999"), False),
        ({"required_completion": 0}, completed("0"), True),
        ({"required_completion": 0}, completed(None), False),
    ]

    def test_the_fact_has_the_figures_as_the_source_stores_them(self):
        decision = decide(self.processor, {"required_completion": 0.8}, completed("0.795"))
        assert decision.facts == (Fact("completion", "0.795", "0.8", met=False),)
        assert decision.reason == "completion 79.5 % (80 % required)"

    def test_a_figure_that_the_source_does_not_have_is_unknown_and_not_zero(self):
        decision = decide(self.processor, {"required_completion": 0}, completed(None))
        assert decision.facts == (Fact("completion", None, "0", met=False),)

    @pytest.mark.parametrize("share", [-0.01, 1.01, "eighty", True, "NaN", None])
    def test_what_is_no_share_is_refused(self, share):
        with pytest.raises(OptionsError, match=r"^options\.required_completion: "):
            parse(self.processor.Options, {"required_completion": share}, "options")


class TestGrades(ProcessorSuite):
    processor = grades.Grades()
    context = GRADED
    examples = [
        ({"required_grades": {"total": 0.8}}, graded("0.8"), True),
        ({"required_grades": {"total": 0.8}}, graded("0.795"), False),
        ({"required_grades": {"Exam": 0.5, "Homework": 0.7}}, graded(Exam="0.5", Homework="0.7"), True),
        ({"required_grades": {"Exam": 0.5, "Homework": 0.7}}, graded(Exam="1", Homework="0.69"), False),
        ({"required_grades": {"Exam": 0.5}}, graded("1", Homework="1"), False),
        ({"required_grades": {"Exam": 0.5}}, Progress("ana"), False),
        ({"required_grades": {"total": "pass"}}, graded("0.6"), True),
        ({"required_grades": {"total": "pass"}}, graded("0.5999"), False),
        ({"required_grades": {"total": "pass", "Exam": 0.5}}, graded("0.6", Exam="0.4"), False),
        ({"required_grades": {"total": "pass"}}, graded("0.595", passing=True), True),
        ({"required_grades": {"total": "pass"}}, graded("0.6", passing=False), False),
    ]

    def test_pass_without_a_pass_mark_is_met_by_nobody(self):
        decision = decide(self.processor, {"required_grades": {"total": "pass"}}, graded("1"))
        assert not decision.eligible
        assert decision.reason == "total unknown (a pass mark, which the course does not have required)"

    def test_the_sources_own_verdict_needs_no_pass_mark(self):
        decision = decide(self.processor, {"required_grades": {"total": "pass"}}, graded("0.5", passing=True))
        assert decision.facts == (Fact("total", "0.5", "pass", met=True),)

    def test_an_assignment_type_that_the_learner_does_not_have_is_unknown(self):
        decision = decide(self.processor, {"required_grades": {"Exam": 0.5}}, graded("1", Homework="1"))
        assert decision.facts == (Fact("Exam", None, "0.5", met=False),)

    @pytest.mark.parametrize("required", [{}, {"Exam": "pass"}, {"total": 1.2}, {"total": "passed"}, {"total": True}])
    def test_what_cannot_be_required_is_refused(self, required):
        with pytest.raises(OptionsError, match=r"^options\.required_grades"):
            parse(self.processor.Options, {"required_grades": required}, "options")


class TestCompletionAndGrades(ProcessorSuite):
    processor = completion_and_grades.CompletionAndGrades()
    context = GRADED
    examples = [
        (
            {"required_completion": 0.8, "required_grades": {"total": "pass", "Exam": 0.5}},
            graded("0.6", completion="0.8", Exam="0.5"),
            True,
        ),
        ({"required_completion": 0.8, "required_grades": {"total": 0.5}}, graded("1", completion="0.795"), False),
        ({"required_completion": 0.8, "required_grades": {"total": 0.5}}, graded("0.49", completion="1"), False),
        ({"required_grades": {"total": 0.5}}, graded("1"), False),
        ({"required_grades": {"total": 0.5}}, Progress("ana"), False),
    ]

    def test_it_needs_what_both_rules_need(self):
        assert self.processor.needs == {Need.COMPLETION, Need.GRADES}

    def test_the_facts_of_both_rules_are_told(self):
        options = {"required_completion": 0.8, "required_grades": {"total": 0.5}}
        decision = decide(self.processor, options, graded("0.49", completion="0.795"))
        assert decision.reason == "completion 79.5 % (80 % required); total 49 % (50 % required)"


class TestListed(ProcessorSuite):
    processor = listed.Listed()
    people = [Person("ana", "Ana", "Ana@Example.org"), Person("bo", "Bo", ""), Person("straße", "S", "s@x.example")]
    examples = [
        ({"learners": ["ana"]}, Progress("ana"), True),
        ({"learners": ["bo", "ana@example.ORG"]}, Progress("ana"), True),
        ({"learners": ["bo"]}, Progress("bo"), True),
        ({"learners": ["bo@example.org"]}, Progress("bo"), False),
        ({"learners": ["ANA"]}, Progress("ana"), False),
        ({"learners": ["somebody@example.org", "nobody"]}, Progress("ana"), False),
    ]

    def test_addresses_are_looked_up_only_when_there_are_addresses(self):
        page = [Progress("ana"), Progress("bo")]
        for entries, calls in ((["ana", "bo"], 0), (["ana", "bo@example.org"], 1)):
            lms = MemoryLMS([COURSE], {COURSE.key: page}, self.people)
            self.processor.gather(COURSE, page, parse(self.processor.Options, {"learners": entries}, "o"), lms)
            assert lms.calls["people"] == calls

    def test_a_username_that_looks_like_an_address_is_found_as_either(self):
        entries = {"learners": ["Ana@example.org"]}
        assert decide(self.processor, entries, Progress("Ana@example.org")).eligible
        assert decide(
            self.processor, entries, Progress("ana"), people=[Person("ana", email="ANA@example.org")]
        ).eligible

    def test_an_empty_list_is_refused(self):
        with pytest.raises(OptionsError, match=r"^options\.learners: "):
            parse(self.processor.Options, {"learners": []}, "options")
