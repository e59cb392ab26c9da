"""Fills the stand-in for the LMS: courses, learners, what they did."""

from datetime import UTC, datetime
from hashlib import sha1
from itertools import chain, islice

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from common.djangoapps.student.models import CourseAccessRole, CourseEnrollment, UserProfile
from completion.models import BlockCompletion
from completion_aggregator.models import Aggregator
from learning_paths.keys import LearningPathKey
from learning_paths.models import LearningPath, LearningPathEnrollment, LearningPathStep
from lms.djangoapps.certificates.models import CertificateDateOverride, CertificateInvalidation, GeneratedCertificate
from lms.djangoapps.grades import api, course_grade
from lms.djangoapps.grades.models import (
    PersistentCourseGrade,
    PersistentSubsectionGrade,
    PersistentSubsectionGradeOverride,
    VisibleBlocks,
)
from openedx.core.djangoapps.content.block_structure.block_structure import BlockData, BlockStructure
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from openedx.core.djangoapps.user_api.accounts import signals
from openedx.core.djangoapps.user_api.models import RetirementState, UserRetirementRequest, UserRetirementStatus
from xmodule.modulestore.django import CourseBlock, modulestore

START, END = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)
LEAVES = {"p": ("problem", "completable"), "h": ("html", "completable"), "d": ("discussion", "excluded")}
"""By letter: block type and completion mode. A problem is one point; a discussion is shown, and cannot be completed."""

PARAMETERS = 20_000
"""In one statement; every database takes as many."""


class Campus:
    """One course of the LMS.

    `subsections` are assignment types in course order, None for one that is not graded, in a single chapter over which
    `blocks` are spread. `outline` says it all instead: chapters of subsections, each its assignment type and its leaves
    by letter, `unit` of them to a unit.
    """

    def __init__(
        self,
        key,
        policy,
        subsections=(),
        *,
        name="Certificates 101",
        blocks=28,
        pass_mark=0.5,
        cutoffs=None,
        outline=None,
        unit=None,
        **overview,
    ):
        self.key = CourseKey.from_string(key)
        cutoffs = cutoffs or {"Pass": pass_mark}
        self.pass_mark = min(cutoffs.values())
        self.policy = {"GRADER": [{"type": category} | rule for category, rule in policy.items()]}
        self.policy["GRADE_CUTOFFS"] = cutoffs
        values = {"org": self.key.org, "display_name": name, "start": START, "end": END, "language": "en"}
        values |= {"lowest_passing_grade": self.pass_mark, "certificates_display_behavior": "end"}
        values |= {"display_number_with_default": self.key.course, "display_org_with_default": self.key.org}
        root = self.key.make_usage_key("course", "course")
        self.overview = CourseOverview.objects.create(id=self.key, _location=root, **values | overview)
        shown = ("start", "end", "self_paced", "display_name", "language")
        store = modulestore()
        self.course = store.courses[self.key] = CourseBlock(
            self.key, self.policy, **{field: getattr(self.overview, field) for field in shown}
        )
        self.structure = store.structures[self.key] = BlockStructure(self._block("course", "course", name=name))
        self.visible = VisibleBlocks.objects.create(
            course_id=self.key, blocks_json="{}", hashed=sha1(str(self.key).encode(), usedforsecurity=False).hexdigest()
        )
        self.subsections, self.leaves, self.problems = [], [], {}
        if outline is None:
            shares = [len(range(place, blocks, len(subsections))) for place in range(len(subsections))]
            outline = [[(category, "p" * share + "d") for category, share in zip(subsections, shares, strict=True)]]
        for number, chapter in enumerate(outline, 1):
            self._chapter(number, chapter, unit)

    def _chapter(self, number, subsections, unit):
        chapter = self._add(self.structure[self.structure.root_block_usage_key], "chapter", f"week{number}")
        for category, leaves in subsections:
            place = len(self.subsections)
            inherited = {"graded": category is not None}
            subsection = self._add(chapter, "sequential", f"s{place}", format=category, **inherited)
            self.subsections.append(subsection.location)
            self.problems[subsection.location] = leaves.count("p")
            for first in range(0, len(leaves), unit or max(len(leaves), 1)):
                vertical = self._add(subsection, "vertical", f"u{place}-{first}", **inherited)
                for at, letter in enumerate(leaves[first : first + unit] if unit else leaves, first):
                    kind, mode = LEAVES[letter]
                    leaf = self._add(vertical, kind, f"{letter}{place}-{at}", mode=mode, **inherited)
                    if mode == "completable":
                        self.leaves.append(leaf.location)

    def _add(self, parent, kind, name, **more):
        return self.structure.add(parent, self._block(kind, name, **more))

    def _block(self, kind, block_id, *, name=None, mode="aggregator", graded=False, format=None):  # noqa: A002
        """What the collectors of the LMS gather of every block. Who may see it is not among the fields."""
        return BlockData(
            self.key.make_usage_key(kind, block_id),
            display_name=name or f"{kind} {block_id}",
            category=kind,
            graded=graded,
            format=format,
            due=None,
            has_score=kind == "problem",
            weight=None,
            show_correctness="always",
            completion_mode=mode,
        )

    def hide(self, location):
        """Shows it, and what is in it, to staff only."""
        for key in self.structure.topological_traversal(start_node=location):
            self.structure.set_transformer_block_field(key, "visibility", "merged_visible_to_staff_only", True)

    # One learner.

    def learner(self, username, *, mode="verified", name=None, email=None, active=True, **account):
        """An account, made when there is none, enrolled here."""
        user = account_of(username, name=name, email=email, active=active, **account)
        CourseEnrollment.objects.create(user=user, course_id=self.key, mode=mode)
        return user

    def score(self, username, points, possible=3.0):
        """Rows of the subsections, as far as they were attempted."""
        for place, earned in enumerate(points):
            if earned is not None:
                self._row(username, place, earned, possible)

    def attempt(self, username, marks, *, passed=None):
        """Rows of the subsections, by place: earned and possible; and the course's grade that follows from them."""
        for place, (earned, possible) in marks.items():
            self._row(username, place, earned, possible)
        return self.regrade(username, passed=passed)

    def _row(self, username, place, earned, possible):
        location = self.subsections[place]
        figures = (float(earned), float(possible))
        graded = figures if self.structure[location].graded else (0.0, 0.0)
        PersistentSubsectionGrade.objects.create(
            user_id=user_of(username).pk,
            course_id=self.key,
            usage_key=location,
            earned_all=figures[0],
            possible_all=figures[1],
            earned_graded=graded[0],
            possible_graded=graded[1],
            first_attempted=START,
            visible_blocks=self.visible,
        )

    def regrade(self, username, *, passed=None):
        """The course's grade, stored as it follows from the rows and from what staff put in their place."""
        rows = PersistentSubsectionGrade.objects.filter(user_id=user_of(username).pk, course_id=self.key)
        points = {row.usage_key: api.points(row) for row in rows.select_related("override")}
        percent, letter = course_grade.stored(self.course, self.structure, points)
        return self.grade(username, percent, letter=letter, passed=passed or (timezone.now() if letter else None))

    def grade(self, username, percent, *, letter=None, passed=None):
        """The stored grade of the course. When a learner first passed stays, whatever becomes of the grade."""
        letter = course_grade.letter(self.course.grade_cutoffs, percent) if letter is None else letter
        row, made = PersistentCourseGrade.objects.get_or_create(
            user_id=user_of(username).pk,
            course_id=self.key,
            defaults={"percent_grade": percent, "letter_grade": letter, "passed_timestamp": passed},
        )
        if not made:
            row.percent_grade, row.letter_grade = percent, letter
            row.passed_timestamp = row.passed_timestamp or passed
            row.save()
        return row

    def override(self, username, place, earned, possible=None):
        """What staff put in the place of a subsection's points. The course's grade stays as it is until a `regrade`."""
        row = PersistentSubsectionGrade.objects.get(
            user_id=user_of(username).pk, usage_key=self.subsections[place], course_id=self.key
        )
        PersistentSubsectionGradeOverride.objects.create(
            grade=row, earned_graded_override=earned, possible_graded_override=possible
        )

    def complete(self, username, count):
        """So many blocks, and what the aggregator adds up of them."""
        user = user_of(username)
        BlockCompletion.objects.bulk_create(
            BlockCompletion(user=user, context_key=self.key, block_key=leaf, block_type=leaf.block_type, completion=1.0)
            for leaf in self.leaves[:count]
        )
        if count:
            Aggregator.objects.create(
                user=user,
                course_key=self.key,
                aggregation_name="course",
                block_key=self.structure.root_block_usage_key,
                earned=count,
                possible=len(self.leaves),
                percent=count / len(self.leaves),
                last_modified=START,
            )

    def team(self, username, role, *, org="", whole=False):
        """A role in the course, or in an organisation."""
        course_id = None if whole else self.key
        CourseAccessRole.objects.create(user=user_of(username), org=org or self.key.org, course_id=course_id, role=role)

    def certificate(self, username, status="downloadable", *, modified=None, date=None):
        """The platform's own: of the day that it was last changed, or that staff put in its place."""
        user = user_of(username)
        certificate = GeneratedCertificate.objects.create(user=user, course_id=self.key, status=status)
        if modified:
            GeneratedCertificate.objects.filter(pk=certificate.pk).update(modified_date=modified)
        if date:
            CertificateDateOverride.objects.create(
                generated_certificate=certificate, date=date, reason="asked for", overridden_by=user
            )
        return certificate

    def invalidate(self, username):
        """Staff take the platform's certificate away."""
        certificate = self.certificate(username, "unavailable")
        return CertificateInvalidation.objects.create(
            generated_certificate=certificate, invalidated_by=account_of("registrar")
        )

    # Very many.

    def many(self, count, first=0, *, mode="verified", completions=False):
        """So many learners at once: every third has everything, the others more or less of it, always the same.

        All have rows of subsections, of the course and of the aggregator; block completions only if asked for.
        """
        numbers = range(first, first + count)
        users = get_user_model().objects.bulk_create(
            [get_user_model()(username=f"learner{n:06}", email=f"learner{n:06}@example.com") for n in numbers],
            batch_size=2000,
        )
        if any(user.pk is None for user in users):  # MySQL does not tell
            ids = dict(get_user_model().objects.filter(username__startswith="learner").values_list("username", "pk"))
            for user in users:
                user.pk = ids[user.username]
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        day = connection.ops.adapt_datetimefield_value(START)
        key, root, stamps = str(self.key), str(self.structure.root_block_usage_key), {"created": now, "modified": now}
        places = [(str(one), one, self.problems[one], self.structure[one].graded) for one in self.subsections]
        everybody = list(zip(numbers, users, strict=True))

        def profiles():
            for _, user in everybody:
                yield {"user_id": user.pk, "name": f"Name {user.username}", "language": "", "meta": ""}

        def enrolments():
            for _, user in everybody:
                yield {"user_id": user.pk, "course_id": key, "mode": mode, "is_active": True, "created": now}

        def subsections():
            for n, user in everybody:
                for place, (text, _, possible, graded) in enumerate(places):
                    earned = _earned(n, place, possible)
                    if earned is not None:
                        yield {
                            "user_id": user.pk,
                            "course_id": key,
                            "usage_key": text,
                            "course_version": "",
                            "earned_all": float(earned),
                            "possible_all": float(possible),
                            "earned_graded": float(earned if graded else 0),
                            "possible_graded": float(possible if graded else 0),
                            "first_attempted": day,
                            "visible_blocks_hash": self.visible.hashed,
                        } | stamps

        def grades():
            known = {}
            for n, user in everybody:
                marks = tuple(_earned(n, at, possible) for at, (_, _, possible, _) in enumerate(places))
                if marks not in known:
                    points = {
                        location: (float(earned), float(possible))
                        for earned, (_, location, possible, _) in zip(marks, places, strict=True)
                        if earned is not None
                    }
                    known[marks] = course_grade.stored(self.course, self.structure, points)
                percent, letter = known[marks]
                yield {
                    "user_id": user.pk,
                    "course_id": key,
                    "course_version": "",
                    "grading_policy_hash": "",
                    "percent_grade": percent,
                    "letter_grade": letter,
                    "passed_timestamp": day if letter else None,
                } | stamps

        def aggregates():
            for n, user in everybody:
                done = _completed(n, len(self.leaves))
                if done:
                    yield {
                        "user_id": user.pk,
                        "course_key": key,
                        "aggregation_name": "course",
                        "block_key": root,
                        "earned": float(done),
                        "possible": float(len(self.leaves)),
                        "percent": done / len(self.leaves),
                        "last_modified": day,
                    } | stamps

        def blocks():
            leaves = [(str(leaf), leaf.block_type) for leaf in self.leaves]
            for n, user in everybody:
                for text, kind in leaves[: _completed(n, len(leaves))]:
                    yield {
                        "user_id": user.pk,
                        "course_key": key,
                        "block_key": text,
                        "block_type": kind,
                        "completion": 1.0,
                    } | stamps

        _insert(UserProfile, profiles())
        _insert(CourseEnrollment, enrolments())
        _insert(PersistentSubsectionGrade, subsections())
        _insert(PersistentCourseGrade, grades())
        _insert(Aggregator, aggregates())
        if completions:
            _insert(BlockCompletion, blocks())
        return users


def _earned(n, place, possible):
    """Points of the learner of that number; None for a subsection that was not attempted."""
    if n % 3 == 0:
        return possible
    mixed = (n * 2_654_435_761 + place * 40_503) >> 7
    return None if mixed % 9 == 0 else mixed % (possible + 1)


def _completed(n, leaves):
    return leaves if n % 3 == 0 else (n * 7919) % 1000 * leaves // 1500


def _insert(model, rows):
    """Rows of prepared values, by column. The keys of half a million rows are not serialised one by one."""
    rows = iter(rows)
    one = next(rows, None)
    if one is None:
        return
    quote = connection.ops.quote_name
    columns, marks = ", ".join(map(quote, one)), f"({', '.join(['%s'] * len(one))})"
    statement = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES "
    rows = chain([one], rows)
    with connection.cursor() as cursor:
        while part := list(islice(rows, PARAMETERS // len(one))):
            cursor.execute(
                statement + ", ".join([marks] * len(part)), [value for row in part for value in row.values()]
            )


# The courses that were recorded.

CUTOFFS = {"A": 0.9, "B": 0.75, "Pass": 0.5}


def rule(weight, min_count, short_label, drop_count=0):
    return {"weight": weight, "min_count": min_count, "drop_count": drop_count, "short_label": short_label}


SMALL_POLICY = {"Homework": rule(0.2, 3, "HW"), "Lab": rule(0.1, 2, "Lab"), "Final Exam": rule(0.7, 1, "Final")}
BIG_POLICY = {"Homework": rule(0.3, 11, "HW", drop_count=1), "Final Exam": rule(0.7, 1, "Final")}
_WEEK = [("Homework", "hppp"), ("Lab", "hpp"), (None, "h")]
SMALL_OUTLINE = [_WEEK, _WEEK, [("Homework", "hppp"), (None, "h")], [("Final Exam", "hpppppp")]]
BIG_OUTLINE = [[(None, "hp" * 6)] * 4 + [("Homework", "hp" * 6)]] * 11 + [
    [(None, "hp" * 6)] * 4 + [("Final Exam", "hp" * 6)]
]


def small(key="course-v1:Example+CERT101+2026_T1", **overview):
    """CERT101: 28 leaves in nine subsections, six of them graded."""
    return Campus(key, SMALL_POLICY, outline=SMALL_OUTLINE, cutoffs=CUTOFFS, **overview)


def big(key="course-v1:Example+BIG+2026_T1", **overview):
    """BIG: 973 blocks, 720 of them leaves, in sixty subsections, twelve of them graded."""
    values = {"name": "Big Course"} | overview
    return Campus(key, BIG_POLICY, outline=BIG_OUTLINE, unit=4, cutoffs={"Pass": 0.5}, **values)


# Accounts and pathways.


def user_of(username):
    return get_user_model().objects.get(username=username)


def account_of(username, *, name=None, email=None, active=True, **account):
    """The account of that name, with a profile."""
    user, made = get_user_model().objects.get_or_create(
        username=username,
        defaults={"email": f"{username}@example.com" if email is None else email, "is_active": active} | account,
    )
    if made:
        UserProfile.objects.create(user=user, name=f"Name of {username}" if name is None else name)
    return user


def ask_to_leave(username):
    """What an LMS does at once when a learner deletes the account: address and password go, all else stays."""
    user = user_of(username)
    pending, _ = RetirementState.objects.get_or_create(
        state_name="PENDING", defaults={"state_execution_order": 1, "required": True}
    )
    digest = sha1(user.email.lower().encode(), usedforsecurity=False).hexdigest()
    status = UserRetirementStatus.objects.create(
        user=user,
        original_username=user.username,
        original_email=user.email,
        original_name=user.profile.name,
        retired_username=f"retired__user_{digest}",
        retired_email=f"retired__user_{digest}@retired.invalid",
        current_state=pending,
        last_state=pending,
        responses="Created in state PENDING",
    )
    UserRetirementRequest.objects.create(user=user)
    user.email = status.retired_email
    user.set_unusable_password()
    user.save()
    return user


def leave(username):
    """What it does days later, step by step: signals before the name goes, then the name."""
    user = user_of(username)
    status = UserRetirementStatus.objects.get(user=user)
    signals.USER_RETIRE_LMS_MISC.send(sender=None, user=user)
    signals.USER_RETIRE_MAILINGS.send(
        sender=None, email=status.original_email, new_email=status.retired_email, user=user
    )
    CourseEnrollment.objects.filter(user=user).update(is_active=False)
    UserProfile.objects.filter(user=user).update(name="")
    signals.USER_RETIRE_LMS_CRITICAL.send(sender=None, user=user)
    user.first_name = user.last_name = ""
    user.is_active = False
    user.username = status.retired_username
    user.save()
    return user


def pathway(key, steps, members, name="Data Skills"):
    """A pathway of the learning-paths-plugin."""
    path = LearningPath.objects.create(key=LearningPathKey.from_string(key), display_name=name)
    for order, step in enumerate(steps, 1):
        LearningPathStep.objects.create(learning_path=path, course_key=CourseKey.from_string(step), order=order)
    for username in members:
        LearningPathEnrollment.objects.create(learning_path=path, user=account_of(username))
    return path
