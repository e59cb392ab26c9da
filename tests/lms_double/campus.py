"""Fills the stand-in for the LMS: courses, learners, what they did."""

from datetime import UTC, datetime

from django.contrib.auth import get_user_model
from opaque_keys.edx.keys import CourseKey

from common.djangoapps.student.models import CourseAccessRole, CourseEnrollment, UserProfile
from completion.models import BlockCompletion
from completion_aggregator.models import Aggregator
from learning_paths.keys import LearningPathKey
from learning_paths.models import LearningPath, LearningPathEnrollment, LearningPathStep
from lms.djangoapps.grades.models import (
    PersistentCourseGrade,
    PersistentSubsectionGrade,
    PersistentSubsectionGradeOverride,
)
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from xmodule.modulestore.django import Block, Course, Structure, modulestore

START, END = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)
PER_UNIT = 4
"""Leaf blocks in a unit; a subsection has one unit."""


class Campus:
    """One course of the LMS. `subsections` are assignment types in course order, None for one that is not graded."""

    def __init__(self, key, policy, subsections, *, name="Certificates 101", blocks=28, pass_mark=0.5, **overview):
        self.key = CourseKey.from_string(key)
        self.policy = {"GRADER": [{"type": category} | rule for category, rule in policy.items()]}
        self.pass_mark = pass_mark
        values = {"org": self.key.org, "display_name": name, "start": START, "end": END, "language": "en"}
        values |= {"lowest_passing_grade": pass_mark, "certificates_display_behavior": "end"}
        CourseOverview.objects.create(id=self.key, **values | overview)
        store = modulestore()
        store.courses[self.key] = Course(self.key, self.policy)
        root = Block(self.key.make_usage_key("course", "course"), name, mode="aggregator")
        self.structure = store.structures[self.key] = Structure(root)
        chapter = self.structure.add(root, self._block("chapter", "week", mode="aggregator"))
        self.subsections, self.leaves = [], []
        for number, category in enumerate(subsections):
            graded = category is not None
            block = self._block("sequential", f"s{number}", mode="aggregator", graded=graded, format=category or "")
            self.subsections.append(self.structure.add(chapter, block).location)
            unit = self.structure.add(block, self._block("vertical", f"u{number}", mode="aggregator"))
            for leaf in range(number, blocks, len(subsections)):
                found = self.structure.add(unit, self._block("problem", f"p{leaf}", mode="completable"))
                self.leaves.append(found.location)
            # Shown, and nothing to complete.
            self.structure.add(unit, self._block("discussion", f"d{number}", mode="excluded"))

    def _block(self, kind, name, **more):
        return Block(self.key.make_usage_key(kind, name), f"{kind} {name}", **more)

    def learner(self, username, *, mode="verified", name=None, email=None, active=True, **account):
        """An account, made when there is none, enrolled here."""
        user = account_of(username, name=name, email=email, active=active, **account)
        CourseEnrollment.objects.create(user=user, course_id=self.key, mode=mode)
        return user

    def score(self, username, points, possible=3.0):
        """Rows of the subsections, as far as they were attempted."""
        user = get_user_model().objects.get(username=username)
        PersistentSubsectionGrade.objects.bulk_create(
            PersistentSubsectionGrade(
                user_id=user.pk,
                course_id=self.key,
                usage_key=location,
                earned_all=earned,
                possible_all=possible,
                earned_graded=earned,
                possible_graded=possible,
                first_attempted=START,
            )
            for location, earned in zip(self.subsections, points, strict=False)
            if earned is not None
        )

    def grade(self, username, percent, *, passed=None):
        """The stored grade of the course."""
        user = get_user_model().objects.get(username=username)
        letter = "Pass" if percent >= self.pass_mark else ""
        PersistentCourseGrade.objects.create(
            user_id=user.pk, course_id=self.key, percent_grade=percent, letter_grade=letter, passed_timestamp=passed
        )

    def override(self, username, place, earned, possible=None):
        """What staff put in the place of a subsection's points."""
        user = get_user_model().objects.get(username=username)
        row = PersistentSubsectionGrade.objects.get(user_id=user.pk, usage_key=self.subsections[place])
        PersistentSubsectionGradeOverride.objects.create(
            grade=row, earned_graded_override=earned, possible_graded_override=possible
        )

    def complete(self, username, count):
        """So many blocks, and what the aggregator adds up of them."""
        user = get_user_model().objects.get(username=username)
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
            )

    def team(self, username, role, *, org="", whole=False):
        """A role in the course, or in an organisation."""
        course_id = None if whole else self.key
        CourseAccessRole.objects.create(
            user=get_user_model().objects.get(username=username),
            org=org or self.key.org,
            course_id=course_id,
            role=role,
        )

    def many(self, count, first=0):
        """So many learners at once, each with rows of every subsection; every third has everything."""
        users = get_user_model().objects.bulk_create(
            get_user_model()(username=f"learner{number:06}", email=f"learner{number:06}@example.com")
            for number in range(first, first + count)
        )
        UserProfile.objects.bulk_create(UserProfile(user=user, name=f"Name {user.username}") for user in users)
        CourseEnrollment.objects.bulk_create(
            CourseEnrollment(user=user, course_id=self.key, mode="verified") for user in users
        )
        PersistentCourseGrade.objects.bulk_create(
            PersistentCourseGrade(
                user_id=user.pk,
                course_id=self.key,
                percent_grade=0.95 if number % 3 == 0 else 0.4,
                letter_grade="Pass" if number % 3 == 0 else "",
            )
            for number, user in enumerate(users)
        )
        for part in range(0, len(users), 500):
            PersistentSubsectionGrade.objects.bulk_create(
                PersistentSubsectionGrade(
                    user_id=user.pk,
                    course_id=self.key,
                    usage_key=location,
                    earned_all=earned,
                    possible_all=3.0,
                    earned_graded=earned,
                    possible_graded=3.0,
                )
                for number, user in enumerate(users[part : part + 500], part)
                for place, location in enumerate(self.subsections)
                for earned in [3.0 if number % 3 == 0 else (number * 7919 + place * 104729) % 13 / 4]
            )
        Aggregator.objects.bulk_create(
            Aggregator(
                user=user,
                course_key=self.key,
                aggregation_name="course",
                block_key=self.structure.root_block_usage_key,
                earned=1,
                possible=1,
                percent=1.0 if number % 3 == 0 else (number % 100) / 150,
            )
            for number, user in enumerate(users)
        )
        return users


def account_of(username, *, name=None, email=None, active=True, **account):
    """The account of that name, with a profile."""
    user, made = get_user_model().objects.get_or_create(
        username=username,
        defaults={"email": f"{username}@example.com" if email is None else email, "is_active": active} | account,
    )
    if made:
        UserProfile.objects.create(user=user, name=f"Name of {username}" if name is None else name)
    return user


def pathway(key, steps, members, name="Data Skills"):
    """A pathway of the learning-paths-plugin."""
    path = LearningPath.objects.create(key=LearningPathKey.from_string(key), display_name=name)
    for order, step in enumerate(steps, 1):
        LearningPathStep.objects.create(learning_path=path, course_key=CourseKey.from_string(step), order=order)
    for username in members:
        LearningPathEnrollment.objects.create(learning_path=path, user=account_of(username))
    return path
