"""How far learners have come in a course: a page at a time, each page in a constant number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.apps import apps
from django.db.models import CharField, Sum
from django.db.models.functions import Cast
from django.utils import timezone

from common.djangoapps.student.models import CourseEnrollment
from completion.models import BlockCompletion
from conferral.contract import Enrolment, Grades, Need, Progress
from conferral.lms.platform.course import Course, Points, share_of
from conferral.settings import current
from lms.djangoapps.certificates.data import CertificateStatuses
from lms.djangoapps.certificates.models import GeneratedCertificate
from lms.djangoapps.grades.models import PersistentCourseGrade, PersistentSubsectionGrade

AGGREGATOR = "completion_aggregator"
TOTALS = frozenset({Need.GRADES, Need.TOTAL})


class Member(NamedTuple):
    """One active enrolment."""

    pk: int
    user_id: int
    username: str
    mode: str


class Totals(NamedTuple):
    """A learner's stored course grade."""

    total: Decimal
    passing: bool
    passed: Any


def pages(
    course: Course, awarded: datetime | None, needs: frozenset[Need], learners: Collection[str] | None
) -> Iterator[Sequence[Progress]]:
    """Everybody enrolled, by enrolment; only active enrolments count on the platform."""
    for members in _members(course, learners):
        ids = [member.user_id for member in members]
        totals = _totals(course, ids) if needs & TOTALS else {}
        averages = _averages(course, ids) if Need.GRADES in needs else {}
        certificates = _certificates(course, awarded, ids) if Need.CERTIFICATE in needs else {}
        completed = _completed(course, ids) if Need.COMPLETION in needs else {}
        yield [
            Progress(
                learner=member.username,
                enrolment=Enrolment(mode=member.mode),
                completion=completed.get(member.user_id, Decimal(0)) if Need.COMPLETION in needs else None,
                grades=_grades(needs, totals.get(member.user_id), averages.get(member.user_id, {})),
                certificate=certificates.get(member.user_id),
                external_id=str(member.user_id),
            )
            for member in members
        ]


def _members(course: Course, learners: Collection[str] | None) -> Iterator[list[Member]]:
    found = CourseEnrollment.objects.filter(course_id=course.key, is_active=True).order_by("pk")
    if learners is not None:
        found = found.filter(user__username__in=learners)
    rows = found.values_list("pk", "user_id", "user__username", "mode")
    last, size = 0, current().page_size
    while page := [Member(*row) for row in rows.filter(pk__gt=last)[:size]]:
        # MySQL compares without regard to upper and lower case; a key is exact.
        exact = [member for member in page if learners is None or member.username in learners]
        if exact:
            yield exact
        if len(page) < size:
            return
        last = page[-1].pk


def _grades(needs: frozenset[Need], totals: Totals | None, averages: Mapping[str, Decimal]) -> Grades | None:
    if not needs & TOTALS:
        return None
    # Nothing stored is nothing attempted: the platform shows zero.
    total, passing, passed = totals or Totals(Decimal(0), False, None)
    return Grades(total, passing, passed, averages)


def _totals(course: Course, ids: list[int]) -> dict[int, Totals]:
    rows = PersistentCourseGrade.objects.filter(course_id=course.key, user_id__in=ids)
    return {
        user_id: Totals(share_of(percent), bool(letter), passed if letter else None)
        for user_id, percent, letter, passed in rows.values_list(
            "user_id", "percent_grade", "letter_grade", "passed_timestamp"
        )
    }


def _averages(course: Course, ids: list[int]) -> dict[int, dict[str, Decimal]]:
    scores: defaultdict[int, dict[str, Points]] = defaultdict(dict)
    rows = PersistentSubsectionGrade.objects.filter(
        course_id=course.key, user_id__in=ids, usage_key__in=[block.location for block in course.graded.values()]
    )
    # As text: half a million keys of a large course are compared, none is taken apart.
    for user_id, location, earned, possible, instead_earned, instead_possible in rows.annotate(
        location=Cast("usage_key", CharField(max_length=255))
    ).values_list(
        *("user_id", "location", "earned_graded", "possible_graded"),
        *("override__earned_graded_override", "override__possible_graded_override"),
    ):
        scores[user_id][location] = (
            earned if instead_earned is None else instead_earned,
            possible if instead_possible is None else instead_possible,
        )
    return {user_id: course.averages(scores[user_id]) for user_id in ids}


def _certificates(course: Course, awarded: datetime | None, ids: list[int]) -> dict[int, datetime]:
    """The dates that the platform shows of its certificates: staff's, the course's once it has come, their own."""
    rows = GeneratedCertificate.objects.filter(
        course_id=course.key, user_id__in=ids, status=CertificateStatuses.downloadable
    )
    of_course = awarded if awarded and awarded <= timezone.now() else None
    return {
        user_id: by_staff or of_course or modified
        for user_id, by_staff, modified in rows.values_list("user_id", "date_override__date", "modified_date")
    }


def _completed(course: Course, ids: list[int]) -> dict[int, Decimal]:
    if apps.is_installed(AGGREGATOR):
        from completion_aggregator.models import Aggregator  # noqa: PLC0415 - not every site has it

        rows = Aggregator.objects.filter(course_key=course.key, aggregation_name="course", user_id__in=ids)
        return {user_id: share_of(percent) for user_id, percent in rows.values_list("user_id", "percent")}
    blocks = course.completable
    if not blocks:
        return {}
    done = BlockCompletion.objects.filter(context_key=course.key, user_id__in=ids, block_key__in=blocks)
    summed = done.values("user_id").annotate(done=Sum("completion")).values_list("user_id", "done").order_by()
    return {user_id: share_of(count / len(blocks)) for user_id, count in summed}
