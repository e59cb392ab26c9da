"""One story that every gateway has to tell alike: the same learners, the same progress, the same evidence."""

from dataclasses import replace
from decimal import Decimal

from conferral.contract import Grades, Need
from conferral.contract.decision import exact
from conferral.contract.testing import GatewaySuite
from conferral.issuance import configure
from conferral.issuance.run import dry_run, run
from conferral.models import Credential, CredentialConfiguration

COURSE = "course-v1:Example+CERT101+2026_T1"
SECOND = "course-v1:Example+CERT102+2026_T1"
THIRD = "course-v1:Example+CERT103+2026_T1"
PATHWAY = "path-v1:Example+DATA+2026+G1"
POLICY = {
    "Homework": {"weight": 0.2, "min_count": 3, "drop_count": 1},
    "Lab": {"weight": 0.1, "min_count": 1, "drop_count": 0},
    "Final Exam": {"weight": 0.7, "min_count": 1, "drop_count": 0},
}
CUTOFFS = {"Pass": 0.5}
SUBSECTIONS = ("Homework", "Homework", "Lab", "Final Exam")
"""Of the course, in its order, by assignment type."""

# username: name, what each subsection earned of 3 points (None: not attempted), completion of 28, mode
LEARNERS = {
    "ana": ("Ana Ñandú", (3, 3, 3, 3), 28, "verified"),
    "bo": ("Bo", (None, None, None, None), 0, "verified"),
    "cy": ("Cy Twombly", (3, 2, None, 3), 28, "audit"),
    "dee": ("Dee", (1, 2, 3, 2), 14, "honor"),
    "eve": ("Eve", (3, None, 3, 0), 28, "verified"),
}
MEMBERS = ("ana", "bo", "dee")
"""Of the pathway, which is the course and two more in which ana and dee have done everything."""


def averages(points):
    """By assignment type, worked out by hand from the rule: lowest homework of three dropped, the rest averaged."""
    shares = {"Homework": [], "Lab": [], "Final Exam": []}
    for category, earned in zip(SUBSECTIONS, points, strict=True):
        shares[category].append(0.0 if earned is None else round(earned / 3, 4))
    homework = sorted([*shares["Homework"], 0.0], reverse=True)[:2]
    # In the order of the course, as the platform adds them up.
    kept = [share for share in shares["Homework"] if share in homework] or homework
    return {
        "Homework": sum(kept) / 2,
        "Lab": shares["Lab"][0],
        "Final Exam": shares["Final Exam"][0],
    }


def total(points):
    found = averages(points)
    exact = sum(POLICY[category]["weight"] * share for category, share in found.items())
    return int(exact * 100 + 0.05 + 0.5) / 100


def letter(points):
    return "Pass" if total(points) >= CUTOFFS["Pass"] else ""


EXPECTED = {
    username: (
        Decimal(str(completed / 28)),
        Grades(
            total=Decimal(str(total(points))),
            passing=bool(letter(points)),
            by_category={category: Decimal(str(share)) for category, share in averages(points).items()},
        ),
    )
    for username, (_, points, completed, _) in LEARNERS.items()
}


class StorySuite(GatewaySuite):
    """What roster, platform and rest all pass; each subclass has a fixture that tells its source the story."""

    known_key = COURSE
    learners = tuple(LEARNERS)

    def test_figures_are_those_of_the_story(self):
        found = {one.learner: one for one in self.everybody()}
        for username, (completion, grades) in EXPECTED.items():
            assert found[username].completion == completion, username
            told = found[username].grades
            # A roster has no verdict of its own, and only a platform knows since when.
            verdict = grades.passing if told.passing is None else told.passing
            assert replace(told, passed=None, passing=verdict) == grades, username
            assert found[username].enrolment.active

    def test_only_what_is_asked_for_is_told(self):
        for needs in (frozenset({Need.COMPLETION}), frozenset({Need.GRADES}), frozenset({Need.TOTAL})):
            (ana,) = [one for one in self.everybody(needs) if one.learner == "ana"]
            assert (ana.completion is not None) == (Need.COMPLETION in needs)
            assert bool(ana.grades and ana.grades.total is not None) == (Need.COMPLETION not in needs)
            assert bool(ana.grades and ana.grades.by_category) == (Need.GRADES in needs)

    def test_the_context_is_described(self):
        context = self.known()
        assert (context.name, context.organisation) == ("Certificates 101", "Example")
        assert context.pass_mark == Decimal("0.5")
        assert f"{context.start:%Y-%m-%d}" == "2026-01-10"

    def test_people_have_names_and_addresses(self):
        (ana,) = self.gateway.people(["ana"])
        assert (ana.name, ana.email, ana.active) == ("Ana Ñandú", "ana@example.com", True)

    def test_a_run_decides_alike(self):
        """The same evidence from each, to the last digit."""
        said = self.decisions(
            "completion-and-grades",
            {"required_completion": 0.5, "required_grades": {"Homework": 0.5, "Final Exam": 0.6}},
        )
        for username, (completion, grades) in EXPECTED.items():
            homework, final = grades.by_category["Homework"], grades.by_category["Final Exam"]
            eligible = completion >= Decimal("0.5") and homework >= Decimal("0.5") and final >= Decimal("0.6")
            facts = [("completion", completion, "0.5"), ("Homework", homework, "0.5"), ("Final Exam", final, "0.6")]
            assert said[username] == (eligible, [(key, exact(share), required) for key, share, required in facts])
        assert {username for username, (eligible, _) in said.items() if eligible} == {"ana", "cy", "dee"}

    def test_a_pathway_is_joined_step_by_step(self):
        said = self.decisions("completion", {"required_completion": 0.5}, key=PATHWAY)
        assert {learner: eligible for learner, (eligible, _) in said.items()} == {"ana": True, "bo": False, "dee": True}

    def test_a_pathway_of_three_courses_is_issued(self):
        configure.save_type(
            "Path", processor="completion", processor_options={"required_completion": 0.5}, generators={}
        )
        configure.save_configuration(PATHWAY, "Path", enabled=True)
        run(CredentialConfiguration.objects.get(context_key=PATHWAY), trigger="command")
        found = Credential.objects.filter(context_key=PATHWAY)
        assert set(found.values_list("learner__key", "context_name")) == {
            ("ana", "Data Skills"),
            ("dee", "Data Skills"),
        }

    def decisions(self, processor, options, key=COURSE):
        """Of a dry run, by username: whether eligible by the facts, and the facts."""
        configure.save_type("Story", processor=processor, processor_options=options, generators={})
        configure.save_configuration(key, "Story", enabled=True)
        configuration = CredentialConfiguration.objects.get(context_key=key)
        return {
            one.learner: (
                one.decision.eligible,
                [(fact.key, fact.actual, fact.required) for fact in one.decision.facts],
            )
            for page in dry_run(configuration)
            for one in page
        }


def configured(processor="completion", options=None, **values):
    """The course with a credential type, enabled."""
    configure.save_type(
        "Course",
        processor=processor,
        processor_options={"required_completion": 0.5} if options is None else options,
        generators={},
        **values,
    )
    configure.save_configuration(COURSE, "Course", enabled=True)
    return CredentialConfiguration.objects.get()


def issued():
    return set(Credential.objects.values_list("learner__key", flat=True))
