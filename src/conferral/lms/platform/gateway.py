"""The gateway itself: what it answers from where."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.conf import settings
from django.db.models import Q
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from conferral import plugins
from conferral.contract import LMS, Audience, Check, Kind, Known, LearningContext, Need, Person, Progress, Standing
from conferral.lms import pathways
from conferral.lms.platform import people, progress
from conferral.lms.platform.course import Course
from openedx.core.djangoapps.content.course_overviews.api import get_course_overview_or_none
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview

GATEWAY = "platform"
LESSONS = "section_to_course"
END, END_WITH_DATE = "end", "end_with_date"
"""Display behaviours of certificates: at the course's end, at the certificates' own date."""


class PlatformGateway(LMS):
    """Courses, lessons and, through their sources, pathways."""

    label = "The LMS that Conferral is installed in"
    tells = frozenset(Need)

    def __init__(self) -> None:
        self._courses: dict[str, Course] | None = None

    @contextmanager
    def reading(self) -> Iterator[LMS]:
        """A reader that looks at a course's blocks and grader once."""
        reader = PlatformGateway()
        reader._courses = {}
        yield reader

    def describe(self, key: str) -> LearningContext | None:
        """From the course overview, one query; the assignment types from the course itself."""
        if source := plugins.pathway_source(GATEWAY, key):
            return source.describe(key, self)
        course_key = _course_key(key)
        overview = get_course_overview_or_none(course_key) if course_key else None
        if course_key is None or overview is None:
            return None
        mark = overview.lowest_passing_grade
        return LearningContext(
            key=key,
            kind=Kind.LESSON if _is_lesson(course_key) else Kind.COURSE,
            name=overview.cert_name_long or overview.display_name or key,
            organisation=overview.org or "",
            language=overview.language or "",
            start=overview.start,
            end=overview.end,
            pass_mark=None if mark is None else round(Decimal(str(mark)), 4),
            categories=self._course(key).categories,
            awarded=_awarded(overview),
        )

    def progress(
        self, context: LearningContext, needs: frozenset[Need], learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """A page is one query for who is enrolled, and one for each figure that is asked for."""
        if source := plugins.pathway_source(GATEWAY, context.key):
            return source.members(context, self, learners)
        return progress.pages(self._course(context.key), context.awarded, needs, learners)

    def people(self, keys: Collection[str]) -> Sequence[Person]:
        """Names as the platform prints them: verified, profile, account, else the username."""
        return people.people(keys)

    def standing(self, context: LearningContext, learners: Collection[str], audience: Audience) -> Sequence[Standing]:
        """Five queries, and one for each of the platform's lists that is asked about."""
        return people.standing(_course_key(context.key), learners, audience)

    def key_of(self, user: Any) -> str:
        """The username."""
        return str(user.get_username())

    def taking_part(self, learner: str) -> Sequence[str]:
        """Active enrolments, the latest first; and those in pathways for which a credential is given."""
        return [*people.courses_of(learner), *pathways.taking_part(GATEWAY, learner, self)]

    def profile(self, learner: str) -> str:
        """The LMS's own page about them."""
        root = getattr(settings, "LMS_ROOT_URL", "")
        return f"{root.rstrip('/')}/u/{quote(learner)}" if root else ""

    def may(self, user: Any, key: str) -> bool:
        """Whether the user is on the course's team; of a pathway, on the team of each of its courses."""
        source = plugins.pathway_source(GATEWAY, key)
        pathway = source.describe(key, self) if source else None
        courses = [_course_key(one) for one in (pathway.steps if pathway else (key,))]
        return bool(courses) and all(course is not None and people.teaches(user, course) for course in courses)

    def contexts(self, text: str = "", *, taught_by: Any = None, most: int = 20) -> Sequence[Known]:
        """One query for courses, one for roles, and what the sources of pathways take."""
        courses = CourseOverview.objects.order_by("id")
        if taught_by is not None:
            courses = people.taught(taught_by, courses)
        pathways = [path for source in plugins.pathway_sources(GATEWAY) for path in source.listed(self)]
        if taught_by is not None and pathways:
            steps = [_course_key(step) for path in pathways for step in path.steps]
            own = courses.filter(id__in=[key for key in steps if key]).values_list("id", flat=True)
            mine = {str(key) for key in own}
            pathways = [path for path in pathways if path.steps and mine.issuperset(path.steps)]
        found = [Known(path.key, path.name) for path in pathways if text.casefold() in _searched(path)]
        matching = courses.filter(Q(id__icontains=text) | Q(display_name__icontains=text)) if text else courses
        found += [Known(str(key), name or str(key)) for key, name in matching.values_list("id", "display_name")[:most]]
        return found[:most]

    def check(self, key: str = "") -> Iterator[Check]:
        """What of the platform is there to be used; with a course's key, what it has."""
        for app, name, without in (
            (progress.AGGREGATOR, "completion", "without the completion aggregator, from block completions"),
            (LESSONS, "lessons", "section-to-course is not installed: every course counts as a course"),
            ("learning_paths", "pathways", "learning-paths-plugin is not installed: there are no pathways"),
            (people.NAMES, "names", "edx-name-affirmation is not installed: profile names are used"),
        ):
            installed = apps.is_installed(app)
            yield Check(name, True if installed else None, f"from {app}" if installed else without)
        yield from super().check(key)
        course_key = _course_key(key)
        if course_key and get_course_overview_or_none(course_key):
            course = self._course(key)
            types = ", ".join(course.categories) or "no grading policy: grades by assignment type are unknown"
            yield Check("assignment types", True if course.categories else None, types)
            yield Check("graded subsections", True if course.graded else None, str(len(course.graded)))

    def _course(self, key: str) -> Course:
        if self._courses is None:
            return Course(CourseKey.from_string(key))
        if key not in self._courses:
            self._courses[key] = Course(CourseKey.from_string(key))
        return self._courses[key]


def _course_key(key: str) -> CourseKey | None:
    try:
        return CourseKey.from_string(key)
    except InvalidKeyError:
        return None


def _searched(context: LearningContext) -> str:
    return f"{context.key} {context.name}".casefold()


def _is_lesson(key: CourseKey) -> bool:
    """Whether section-to-course made it of a section."""
    if not apps.is_installed(LESSONS):
        return False
    from section_to_course.models import SectionToCourseLink  # noqa: PLC0415 - not every site has it

    return bool(SectionToCourseLink.objects.filter(destination_course_id=key).exists())


def _awarded(overview: Any) -> datetime | None:
    """The date that an instructor-paced course prints on all certificates; self-paced ones print the day of passing."""
    if overview.self_paced:
        return None
    end: datetime | None = overview.end
    own: datetime | None = overview.certificate_available_date
    return {END_WITH_DATE: own or end, END: end}.get(overview.certificates_display_behavior)
