"""The stand-in for the LMS itself: its grader and its tables against what a running LMS answered."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from opaque_keys.edx.keys import CourseKey, UsageKey

import campus
from common.djangoapps.student.models import CourseAccessRole, CourseEnrollment
from completion.models import BlockCompletion
from completion_aggregator.models import Aggregator
from edx_name_affirmation.models import VerifiedName, VerifiedNameConfig
from lms.djangoapps.certificates.models import GeneratedCertificate
from lms.djangoapps.certificates.utils import get_preferred_certificate_name
from lms.djangoapps.grades import course_grade
from lms.djangoapps.grades.api import CourseGradeFactory
from lms.djangoapps.grades.context import graded_subsections_for_course
from lms.djangoapps.grades.models import PersistentCourseGrade, PersistentSubsectionGrade
from openedx.core.djangoapps.content.block_structure.api import get_block_structure_manager, get_course_in_cache
from openedx.core.djangoapps.content.course_overviews.api import get_course_overview_or_none
from openedx.core.djangoapps.site_configuration.helpers import get_value
from openedx.core.djangoapps.user_api.accounts import signals
from openedx.core.djangoapps.user_api.models import UserRetirementRequest, UserRetirementStatus
from xmodule.graders import grader_from_conf
from xmodule.modulestore.django import modulestore
from xmodule.modulestore.exceptions import ItemNotFoundError

RECORDINGS = Path(__file__).parents[1] / "services" / "recordings"


def recorded(name):
    return json.loads((RECORDINGS / f"{name}.json").read_text())["response"]["body"]


def sheet_of(sections):
    """The grader's input from a learner's recorded sections."""
    sheet = {}
    for one in sections:
        total = course_grade.Total(one["score_earned"], one["score_possible"])
        score = SimpleNamespace(graded_total=total, percent_graded=one["percent"], display_name=one["subsection_name"])
        sheet.setdefault(one["category"], {})[one["module_id"]] = score
    return sheet


def policy_of(rules):
    return [{"type": category} | rule for category, rule in rules.items()]


# The grader.


@pytest.mark.parametrize(
    ("gradebook", "grades", "policy", "cutoffs", "learners"),
    [
        ("gradebook_page_size_500", "grades_course_page_size_1000", campus.SMALL_POLICY, campus.CUTOFFS, 191),
        ("big_gradebook_50", "big_grades_50", campus.BIG_POLICY, {"Pass": 0.5}, 50),
    ],
)
def test_the_grader_grades_every_recorded_learner_as_the_lms_did(gradebook, grades, policy, cutoffs, learners):
    grader = grader_from_conf(policy_of(policy))
    shown = {one["username"]: one for one in recorded(grades)["results"]}
    book = recorded(gradebook)["results"]
    assert len(book) == learners
    for learner in book:
        percent = course_grade.rounded(grader.grade(sheet_of(learner["section_breakdown"]))["percent"])
        assert percent == learner["percent"] == shown[learner["username"]]["percent"], learner["username"]
        letter = course_grade.letter(cutoffs, percent)
        assert (letter or None) == shown[learner["username"]]["letter_grade"], learner["username"]


def test_the_policy_of_the_small_course_is_the_recorded_one():
    info = recorded("gradebook_grading_info")
    assert info["grade_cutoffs"] == campus.CUTOFFS
    assert info["assignment_types"] == {name: {"type": name} | rule for name, rule in campus.SMALL_POLICY.items()}


def test_the_breakdown_has_the_labels_and_averages_that_the_lms_showed():
    """As `section_grades_breakdown` was recorded, of a learner without points."""
    (learner,) = [one for one in recorded("gradebook_page_size_500")["results"] if one["username"] == "learner0000"]
    graded = grader_from_conf(policy_of(campus.SMALL_POLICY)).grade(sheet_of(learner["section_breakdown"]))
    entries = [(one["label"], one["detail"], one.get("prominent", False)) for one in graded["section_breakdown"]]
    assert entries == [
        ("HW 01", "Homework 1 - Homework 1 - 0.00% (0/3)", False),
        ("HW 02", "Homework 2 - Homework 2 - 0.00% (0/3)", False),
        ("HW 03", "Homework 3 - Homework 3 - 0.00% (0/3)", False),
        ("HW Avg", "Homework Average = 0.00%", True),
        ("Lab 01", "Lab 1 - Lab 1 - 0.00% (0/2)", False),
        ("Lab 02", "Lab 2 - Lab 2 - 0.00% (0/2)", False),
        ("Lab Avg", "Lab Average = 0.00%", True),
        ("Final", "Final Exam = 0.00%", True),
    ]
    assert all(one["percent"] == 0 for one in graded["section_breakdown"])


@pytest.mark.parametrize(
    ("marks", "rule", "average", "shown"),
    [
        ([0.5, 1.0, 0.5], {"min_count": 3, "drop_count": 1}, 0.75, 4),
        ([1.0], {"min_count": 3, "drop_count": 0}, 1 / 3, 4),  # padded with zeros
        ([1.0], {"min_count": 3, "drop_count": 2}, 1.0, 4),  # which are what is dropped
        ([1.0, 1.0, 1.0], {"min_count": 1, "drop_count": 5}, 0.0, 4),  # all are dropped, and nothing divided
        ([0.4], {"min_count": 1, "drop_count": 0, "hide_average": True}, 0.4, 1),  # a single one is its average
        ([0.4, 0.8], {"min_count": 1, "drop_count": 0, "hide_average": True}, 0.6, 2),
        ([0.4, 0.8], {"min_count": 1, "drop_count": 0, "show_only_average": True}, 0.6, 1),
        ([], {"min_count": 0, "drop_count": 0}, 0.0, 1),
    ],
)
def test_averages_by_the_rules(marks, rule, average, shown):
    scores = [
        SimpleNamespace(graded_total=course_grade.Total(m, 1.0), percent_graded=m, display_name="") for m in marks
    ]
    sheet = {"Lab": dict(enumerate(scores))}
    graded = grader_from_conf([{"type": "Lab", "weight": 1.0} | rule]).grade(sheet)
    assert graded["percent"] == pytest.approx(average)
    assert len(graded["section_breakdown"]) == shown
    prominent = [one["percent"] for one in graded["section_breakdown"] if one.get("prominent")]
    assert prominent == ([] if rule.get("hide_average") and len(marks) > 1 else [graded["percent"]])


def test_of_equals_the_later_ones_are_dropped():
    sheet = sheet_of(
        [
            {"score_earned": 1, "score_possible": 2, "percent": 0.5, "subsection_name": name, "category": "Lab"}
            | {"module_id": name}
            for name in "abc"
        ]
    )
    graded = grader_from_conf([{"type": "Lab", "weight": 1.0, "min_count": 3, "drop_count": 1}]).grade(sheet)
    assert ["mark" in one for one in graded["section_breakdown"]] == [False, False, True, False]


def test_weights_may_add_up_to_more_than_one():
    rules = [{"type": name, "weight": 0.8, "min_count": 1, "drop_count": 0} for name in ("Lab", "Exam")]
    score = SimpleNamespace(graded_total=course_grade.Total(1.0, 1.0), percent_graded=1.0, display_name="")
    assert grader_from_conf(rules).grade({"Lab": {1: score}, "Exam": {2: score}})["percent"] == 1.6


@pytest.mark.parametrize(("percent", "shown"), [(0.494, 0.49), (0.4945, 0.5), (0.4949, 0.5), (0.5, 0.5), (1.0, 1.0)])
def test_percentages_are_rounded_in_the_learner_s_favour(percent, shown):
    assert course_grade.rounded(percent) == shown


# Courses.


@pytest.mark.django_db
def test_the_small_course_has_the_recorded_shape():
    course = campus.small()
    assert (len(course.leaves), len(course.subsections), len(course.structure)) == (28, 9, 51)
    graded = list(graded_subsections_for_course(get_course_in_cache(course.key)))
    recorded_ones = recorded("gradebook_grading_info")["subsections"]
    assert [block.format for block in graded] == [one["assignment_type"] for one in recorded_ones]
    book = recorded("gradebook_page_size_500")["results"][0]["section_breakdown"]
    assert [course.problems[block.location] for block in graded] == [one["score_possible"] for one in book]


@pytest.mark.django_db
def test_the_big_course_has_the_recorded_shape():
    course = campus.big()
    assert (len(course.leaves), len(course.subsections), len(course.structure)) == (720, 60, 973)
    graded = list(graded_subsections_for_course(get_course_in_cache(course.key)))
    book = recorded("big_gradebook_50")["results"][0]["section_breakdown"]
    assert [(block.format, course.problems[block.location]) for block in graded] == [
        (one["category"], one["score_possible"]) for one in book
    ]


@pytest.mark.django_db
def test_a_structure_has_the_fields_that_the_lms_collects_and_no_others():
    course = campus.small()
    structure = get_block_structure_manager(course.key).get_collected()
    leaf = course.leaves[0]
    assert structure.get_xblock_field(leaf, "completion_mode") == "completable"
    assert structure.get_xblock_field(structure.root_block_usage_key, "completion_mode") == "aggregator"
    # Who may see a block is kept beside the fields.
    assert structure.get_xblock_field(leaf, "visible_to_staff_only") is None
    with pytest.raises(AttributeError):
        _ = structure[leaf].visible_to_staff_only
    course.hide(course.subsections[0])
    assert structure[leaf].transformer_data["visibility"].fields["merged_visible_to_staff_only"] is True
    assert not structure.get_transformer_block_field(course.leaves[-1], "visibility", "merged_visible_to_staff_only")
    assert course.subsections[0] not in [block.location for block in graded_subsections_for_course(structure)]


@pytest.mark.django_db
def test_blocks_come_in_course_order_each_before_what_is_in_it():
    course = campus.small()
    order = list(course.structure.topological_traversal())
    assert order[0] == course.structure.root_block_usage_key
    assert [key for key in order if key in set(course.leaves)] == course.leaves
    place = {key: at for at, key in enumerate(order)}
    assert all(place[parent] < place[key] for key in order for parent in course.structure.get_parents(key))
    assert set(order) == set(course.structure)
    without_units = course.structure.topological_traversal(filter_func=lambda key: key.block_type != "vertical")
    assert {key.block_type for key in without_units} == {"course", "chapter", "sequential"}


@pytest.mark.django_db
def test_a_course_is_read_as_in_the_lms():
    course = campus.small(self_paced=True)
    block = modulestore().get_course(course.key)
    assert (block.grade_cutoffs, block.lowest_passing_grade, block.self_paced) == (campus.CUTOFFS, 0.5, True)
    assert [rule["type"] for rule in block.grading_policy["GRADER"]] == ["Homework", "Lab", "Final Exam"]
    assert get_course_overview_or_none(course.key).display_name == block.display_name == "Certificates 101"


@pytest.mark.django_db
def test_a_course_that_is_not_there():
    missing = CourseKey.from_string("course-v1:No+SUCH+course")
    assert get_course_overview_or_none(missing) is None
    assert modulestore().get_course(missing) is None
    with pytest.raises(ItemNotFoundError):
        get_course_in_cache(missing)


# Learners.


@pytest.mark.django_db
def test_a_stored_grade_follows_from_the_rows():
    course = campus.small()
    ana = course.learner("ana")
    row = course.attempt("ana", {0: (3, 3), 1: (1, 2), 2: (0, 0), 8: (6, 6)})
    # Homework 1 of 3, half of the first of two labs, all of the exam: 0.2/3 + 0.1/4 + 0.7.
    assert (row.percent_grade, row.letter_grade) == (0.79, "B")
    assert row.passed_timestamp is not None
    read = CourseGradeFactory().read(ana, course_key=course.key)
    assert (read.percent, read.letter_grade, read.passed) == (0.79, "B", True)
    assert list(read.graded_subsections_by_format()) == ["Homework", "Lab", "Final Exam"]


@pytest.mark.django_db
def test_an_override_changes_the_grade_when_it_is_graded_again_and_passing_once_is_never_forgotten():
    course = campus.small()
    course.learner("ana")
    passed = course.attempt("ana", {8: (6, 6)}).passed_timestamp
    course.override("ana", 8, 0.0)
    assert PersistentCourseGrade.objects.get().percent_grade == 0.7
    row = course.regrade("ana")
    assert (row.percent_grade, row.letter_grade, row.passed_timestamp) == (0.0, "", passed)


@pytest.mark.django_db
def test_subsections_that_are_not_graded_have_rows_without_graded_points():
    course = campus.small()
    course.learner("ana")
    course.attempt("ana", {2: (1, 1)})
    row = PersistentSubsectionGrade.objects.get()
    assert (row.earned_all, row.possible_all, row.earned_graded, row.possible_graded) == (1, 1, 0, 0)
    assert row.usage_key == course.subsections[2]


@pytest.mark.django_db
@pytest.mark.parametrize(("course", "rows"), [(campus.small, 7), (campus.big, 60)])
def test_many_learners_have_varied_progress_graded_by_the_policy(course, rows):
    course = course()
    users = course.many(60)
    assert CourseEnrollment.objects.filter(course_id=course.key, is_active=True).count() == 60
    grades = {row.user_id: row for row in PersistentCourseGrade.objects.all()}
    assert len(grades) == 60
    assert len({row.percent_grade for row in grades.values()}) > 10
    assert all(grades[user.pk].percent_grade == 1 for user in users[::3])
    first = PersistentSubsectionGrade.objects.filter(user_id=users[0].pk)
    assert first.count() >= rows
    for user in users[:10]:
        kept = grades[user.pk].percent_grade, grades[user.pk].letter_grade
        again = course.regrade(user.username)
        assert (again.percent_grade, again.letter_grade) == kept
    done = dict(Aggregator.objects.values_list("user_id", "percent"))
    assert done[users[0].pk] == 1
    assert len(set(done.values())) > 10
    assert users[0].profile.name == "Name learner000000"


@pytest.mark.django_db
def test_block_completions_of_many_are_those_that_the_aggregator_adds_up():
    course = campus.small()
    course.many(10, completions=True)
    for row in Aggregator.objects.all():
        blocks = BlockCompletion.objects.filter(user=row.user, context_key=course.key)
        assert (blocks.count(), row.possible) == (row.earned, 28)
    assert isinstance(BlockCompletion.objects.first().block_key, UsageKey)


# Tables.


@pytest.mark.django_db
def test_keys_come_back_as_keys():
    course = campus.small()
    course.learner("ana")
    (enrolment,) = CourseEnrollment.objects.filter(course_id=course.key).select_related("user__profile")
    assert (enrolment.course_id, enrolment.course) == (course.key, course.overview)
    assert list(CourseEnrollment.objects.values_list("course_id", flat=True)) == [course.key]


@pytest.mark.django_db
def test_an_enrolment_needs_no_overview():
    key = CourseKey.from_string("course-v1:No+OVERVIEW+1")
    CourseEnrollment.objects.create(user=campus.account_of("ana"), course_id=key)
    assert CourseEnrollment.objects.get().course_id == key


@pytest.mark.django_db
def test_a_learner_has_one_row_of_each_kind():
    course = campus.small()
    ana = course.learner("ana")
    course.attempt("ana", {0: (1, 3)})
    course.complete("ana", 3)
    course.certificate("ana")
    for again in (
        lambda: CourseEnrollment.objects.create(user=ana, course_id=course.key),
        lambda: course._row("ana", 0, 1, 3),
        lambda: course.complete("ana", 1),
        lambda: course.certificate("ana"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            again()


@pytest.mark.django_db
def test_roles_of_an_organisation_are_asked_for_with_none():
    course = campus.small()
    campus.account_of("eve")
    course.team("eve", "staff", whole=True)
    assert CourseAccessRole.objects.get(course_id=None).course_id is None
    assert not CourseAccessRole.objects.filter(course_id=course.key).exists()


@pytest.mark.django_db
def test_audit_certificates_are_left_out_by_default():
    course = campus.small()
    campus.account_of("ana")
    course.certificate("ana", "audit_passing")
    assert GeneratedCertificate.objects.count() == 1
    assert GeneratedCertificate.eligible_certificates.count() == 0


@pytest.mark.django_db
def test_the_preferred_name():
    ana = campus.account_of("ana", name="Profile Name")
    VerifiedName.objects.create(user=ana, verified_name="Legal Name", status="approved")
    assert get_preferred_certificate_name(ana) == "Profile Name"
    VerifiedNameConfig.objects.create(user=ana, use_verified_name_for_certs=True)
    assert get_preferred_certificate_name(ana) == "Legal Name"
    VerifiedName.objects.update(status="pending")
    assert get_preferred_certificate_name(ana) == "Profile Name"


@pytest.mark.django_db
def test_who_leaves_is_told_of_before_the_name_goes():
    campus.account_of("ana")
    heard = []

    def hear(signal, sender, user, **more):
        heard.append((signal, user.username, sorted(more)))

    told = (signals.USER_RETIRE_LMS_MISC, signals.USER_RETIRE_MAILINGS, signals.USER_RETIRE_LMS_CRITICAL)
    for signal in told:
        signal.connect(hear)
    try:
        ana = campus.ask_to_leave("ana")
        assert heard == []
        assert (ana.is_active, ana.username, ana.has_usable_password()) == (True, "ana", False)
        assert ana.email.endswith("@retired.invalid")
        assert UserRetirementRequest.has_user_requested_retirement(ana)
        assert UserRetirementStatus.objects.get().original_email == "ana@example.com"
        gone = campus.leave("ana")
    finally:
        for signal in told:
            signal.disconnect(hear)
    assert heard == [
        (signals.USER_RETIRE_LMS_MISC, "ana", []),
        (signals.USER_RETIRE_MAILINGS, "ana", ["email", "new_email"]),
        (signals.USER_RETIRE_LMS_CRITICAL, "ana", []),
    ]
    assert (gone.is_active, gone.username.startswith("retired__user_")) == (False, True)


def test_what_a_site_says_wins_over_the_setting(settings):
    assert get_value("PLATFORM_NAME", "Campus") == "Campus"
    settings.SITE_VALUES = {"PLATFORM_NAME": "Another", "LINKS": {"a": 2}}
    assert get_value("PLATFORM_NAME", "Campus") == "Another"
    assert get_value("LINKS", {"a": 1, "b": 1}) == {"a": 2, "b": 1}
