"""The gateway itself: what it answers from which API."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property, partial
from hashlib import sha256
from itertools import chain
from typing import Any
from urllib.parse import quote

from django.core.cache import cache

from conferral import plugins
from conferral.contract import (
    LMS,
    Audience,
    Check,
    ConferralError,
    Kind,
    Known,
    LearningContext,
    Need,
    Person,
    Progress,
    Standing,
)
from conferral.contract.context import short_key
from conferral.lms import pathways
from conferral.lms.rest import course
from conferral.lms.rest.client import ME, STAFF, Client, LMSError, NotThere
from conferral.lms.rest.settings import RestSettings
from conferral.lms.rest.spool import Spool
from conferral.models import Learner
from conferral.settings import current

GATEWAY = "rest"
AUDIT = "audit"
ACCOUNTS = "/api/user/v1/accounts"
ENROLMENTS = "/api/enrollment/v1/enrollments"
COURSES = "/api/courses/v1/courses/"
COURSE_IDS = "/api/courses/v1/course_ids/"
ROLES = ("staff", "instructor")
PAGE_SECONDS = 5
"""For each part of an answer that somebody waits for."""
REMEMBERED = 60
"""Seconds for which it is known what somebody teaches, and what they take part in."""
FEW = 3
"""Learners for whom a course is asked about each, and not read whole."""
VERIFIED_NAME = "/api/edx_name_affirmation/v1/verified_name"
AT_ONCE = 100
"""Learners that one call may ask about."""
RETIRED_PREFIX, RETIRED_DOMAIN = "retired__user_", "@retired.invalid"
"""What the platform replaces an address by as soon as an account is to be removed."""
SKEW = 60
"""Seconds that two clocks may differ before dates begin to look odd."""


class RestGateway(LMS):
    """Courses, lessons by setting, and, through their sources, pathways."""

    label = "An LMS over HTTP"
    Settings = RestSettings
    settings: RestSettings

    @cached_property
    def http(self) -> Client:
        """The client, for pathway sources and plugins too."""
        return Client(self.settings)

    @contextmanager
    def reading(self) -> Iterator[LMS]:
        """A reader that reads a course once, whole, and keeps it on disk."""
        reader = _Reader(self)
        try:
            yield reader
        finally:
            reader.close()

    @cached_property
    def _brief(self) -> "RestGateway":
        made = RestGateway()
        seconds = min(self.settings.timeout, PAGE_SECONDS)
        made.settings = self.settings.model_copy(update={"tries": 1, "timeout": seconds})
        return made

    def briefly(self) -> LMS:
        """One that tries once, and waits a few seconds for each part of an answer."""
        return self._brief

    def describe(self, key: str) -> LearningContext | None:
        """Two calls."""
        if source := plugins.pathway_source(GATEWAY, key):
            return source.describe(key, self)
        try:
            found = self.http.get(course.address(course.COURSE, key))
        except NotThere:
            return None
        info = course.grading_info(self.http, key)
        with course.known_shape(course.COURSE):
            end = _instant(found["end"])
            cutoffs = [cutoff for cutoff in info["grade_cutoffs"].values() if cutoff > 0]
            return LearningContext(
                key=key,
                kind=Kind.LESSON if self._is_lesson(key) else Kind.COURSE,
                name=found["name"],
                organisation=found["org"],
                start=_instant(found["start"]),
                end=end,
                pass_mark=round(Decimal(min(cutoffs)), 4) if cutoffs else None,
                categories=tuple(info["assignment_types"]),
                awarded=end if found["pacing"] == "instructor" else None,
            )

    def progress(
        self, context: LearningContext, needs: frozenset[Need], learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """Reads the whole course, but for a few: of chosen ones the LMS tells whether they take part."""
        if not needs and learners is not None and plugins.pathway_source(GATEWAY, context.key) is None:
            for some in _hundreds(learners):
                if there := self._modes(context.key, some):
                    yield [Progress(username) for username in some if username in there]
            return
        with self.reading() as reader:
            yield from reader.progress(context, needs, learners)

    def people(self, keys: Collection[str]) -> Sequence[Person]:
        """A call for each hundred, and one for each of those who have a verified name."""
        accounts = self.accounts(keys)
        verified = self._verified_names([one for one in accounts if one.get("verified_name")])
        return [
            Person(
                key=one["username"],
                name=verified.get(one["username"]) or (one["name"] or "").strip() or one["username"],
                email="" if _is_leaving(one) else one["email"],
                active=bool(one["is_active"]) and not _is_leaving(one),
                external_id=str(one["id"]),
            )
            for one in accounts
        ]

    def standing(self, context: LearningContext, learners: Collection[str], audience: Audience) -> Sequence[Standing]:
        """Accounts and enrolment modes, a call each for every hundred. No API tells of roles and certificate lists."""
        accounts = self.accounts(learners)
        of_course = context.kind is not Kind.PATHWAY
        modes = self._modes(context.key, [one["username"] for one in accounts]) if of_course else {}
        return [
            Standing(
                learner=one["username"],
                mode=modes.get(one["username"], ""),
                certified=modes.get(one["username"]) != AUDIT,
                active=bool(one["is_active"]),
                retiring=_is_leaving(one),
            )
            for one in accounts
        ]

    def may(self, user: Any, key: str) -> bool:
        """Whether the user's account in the LMS is on the course's team; of a pathway, on that of each course."""
        taught = self._taught(user)
        if key in taught or (source := plugins.pathway_source(GATEWAY, key)) is None:
            return key in taught
        pathway = source.describe(key, self)
        return bool(pathway and pathway.steps) and taught.issuperset(pathway.steps if pathway else ())

    def contexts(self, text: str = "", *, taught_by: Any = None, most: int = 20) -> Sequence[Known]:
        """Courses: those taught by their keys, which is all that the LMS tells of them; else one call. No pathways."""
        if taught_by is not None:
            keys = sorted(key for key in self._taught(taught_by) if text.casefold() in key.casefold())
            return [Known(key, short_key(key)) for key in keys[:most]]
        with course.known_shape(COURSES):
            answer = self.http.get(COURSES, **({"search_term": text} if text else {}), page_size=AT_ONCE)
            found = [Known(one["course_id"], one["name"]) for one in answer["results"]]
        # Without its search index the LMS answers with all courses.
        return [one for one in found if text.casefold() in f"{one.key} {one.name}".casefold()][:most]

    def _taught(self, user: Any) -> frozenset[str]:
        """The LMS's answer is kept for a minute: it throttles this question."""
        accounts = Learner.objects.filter(gateway=GATEWAY, user=user.pk, retired=None).order_by("pk")
        usernames = list(accounts.values_list("key", flat=True))
        if not usernames:
            return frozenset()
        key = f"conferral.taught.{self.settings.url}.{user.pk}"
        return frozenset(cache.get_or_set(key, partial(self._told_to_teach, usernames), REMEMBERED) or ())

    def _told_to_teach(self, usernames: Sequence[str]) -> frozenset[str]:
        found: set[str] = set()
        for username in usernames:
            for role in ROLES:
                with suppress(NotThere):
                    for page in self.http.pages(COURSE_IDS, username=username, role=role, page_size=AT_ONCE):
                        found.update(str(key) for key in page)
        return frozenset(found)

    def taking_part(self, learner: str) -> Sequence[str]:
        """Active enrolments, the latest first; and those in pathways for which a credential is given, a call for each.

        Kept for a minute, for the LMS throttles these questions.
        """
        ours = partial(pathways.taking_part, GATEWAY, learner, self)
        return [*self._courses_of(learner), *self._kept("pathways", learner, ours)]

    def _courses_of(self, learner: str) -> list[str]:
        return self._kept("enrolled", learner, partial(self._enrolled, learner))

    def _kept(self, what: str, learner: str, asked: Callable[[], Sequence[str]]) -> list[str]:
        kept = f"conferral.{what}.{self.settings.url}.{sha256(learner.encode()).hexdigest()}"
        return list(cache.get_or_set(kept, asked, REMEMBERED) or ())

    def _enrolled(self, username: str) -> list[str]:
        with course.known_shape(ENROLMENTS):
            pages = self.http.pages(ENROLMENTS, username=username, page_size=AT_ONCE)
            rows = [each for page in pages for each in page if each["is_active"] and each["user"] == username]
            return [each["course_id"] for each in sorted(rows, key=lambda each: each["created"], reverse=True)]

    def profile(self, learner: str) -> str:
        """The LMS's own page about them."""
        return f"{self.settings.url}/u/{quote(learner)}"

    def removes_accounts(self, token: str) -> bool:
        """Asks the LMS whose token it is: no key of the LMS has to be copied, and a revoked token is none."""
        if not self.settings.retirement_users:
            return False
        return self.http.owner_of(token) in self.settings.retirement_users

    def accounts(self, usernames: Collection[str]) -> list[dict[str, Any]]:
        """The accounts of those usernames as the LMS tells them; who is not known is left out."""
        return list(chain.from_iterable(self.http.at_once(self._accounts, _hundreds(usernames))))

    def check(self, key: str = "") -> Iterator[Check]:
        """Address, token, staff rights, clock; with a course's key, each API that a run may need."""
        yield _tried("address and token", self.settings.url, self.http.authenticate)
        yield _tried("signed in as", "", lambda: self.http.get(ME)["username"])
        # One's own account is told to everybody; who is enrolled is told to staff alone.
        yield _tried("staff", "may read who is enrolled", partial(self.http.get, ENROLMENTS, page_size=1))
        if self.http.clock:
            skew = (datetime.now(UTC) - self.http.clock).total_seconds()
            fix = "set both machines' clocks by NTP"
            yield Check("clock", abs(skew) < SKEW, f"{abs(skew):.0f} s apart from the LMS's", fix)
        if not key:
            return
        if source := plugins.pathway_source(GATEWAY, key):
            yield _tried("pathway", "", lambda: _said(source.describe(key, self)))
            return
        first = {"page_size": 1}
        for name, path, parameters in (
            ("course", course.COURSE, {}),
            ("grades", course.GRADES, first),
            ("gradebook", course.GRADEBOOK, first),
            ("grading policy", course.INFO, {}),
            ("completion", course.COMPLETION, first),
        ):
            yield _tried(name, "answers", partial(self.http.get, course.address(path, key), **parameters))
        yield _tried("enrolments", "answers", partial(self.http.get, ENROLMENTS, course_id=key, page_size=1))

    def _accounts(self, usernames: Sequence[str]) -> list[dict[str, Any]]:
        try:
            found = self.http.get(ACCOUNTS, username=",".join(usernames))
        except NotThere:
            return []  # it knows none of them
        with course.known_shape(ACCOUNTS):
            if any("email" not in one for one in found):
                raise LMSError(f"{ACCOUNTS}: tells no names and addresses; {STAFF}")
            return [one for one in found if one["username"] in usernames]

    def _modes(self, key: str, usernames: Sequence[str]) -> dict[str, str]:
        def ask(some: Sequence[str]) -> list[Any]:
            pages = self.http.pages(ENROLMENTS, course_id=key, username=",".join(some), page_size=AT_ONCE)
            return list(chain.from_iterable(pages))

        with course.known_shape(ENROLMENTS):
            return {
                each["user"]: each["mode"]
                for each in chain.from_iterable(self.http.at_once(ask, _hundreds(usernames)))
                if each["is_active"]
            }

    def _verified_names(self, accounts: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Of those who chose to have it on certificates."""

        def ask(username: str) -> tuple[str, str]:
            with suppress(NotThere):
                said = self.http.get(VERIFIED_NAME, username=username)
                if said["use_verified_name_for_certs"] and said["status"] == "approved":
                    return username, said["verified_name"]
            return username, ""

        if not self.settings.verified_names:
            return {}
        return dict(self.http.at_once(ask, [one["username"] for one in accounts]))

    def _is_lesson(self, key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in self.settings.lessons)


class _Reader(RestGateway):
    """One run's eyes: courses by what was asked of them, each read once; the accounts that were asked for last."""

    def __init__(self, gateway: RestGateway) -> None:
        self.settings = gateway.settings
        self.http = gateway.http
        self._spools: dict[tuple[str, frozenset[Need]], Spool] = {}
        self._last: dict[str, dict[str, Any]] = {}

    def close(self) -> None:
        """Removes what was kept."""
        for spool in self._spools.values():
            spool.close()

    def progress(
        self, context: LearningContext, needs: frozenset[Need], learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """From what was read; the first to ask waits until all of it is there."""
        if source := plugins.pathway_source(GATEWAY, context.key):
            yield from source.members(context, self, learners)
            return
        if learners is not None and not learners:
            return
        kept = (context.key, needs)
        if kept not in self._spools:
            if learners is not None and len(learners) <= FEW:
                yield from self._few(context.key, needs, learners)
                return
            everybody = course.of_everybody(self.http, self.settings.page_size)
            self._spools[kept] = course.read(self.http, context.key, needs, everybody)
        yield from self._spools[kept].pages(needs, current().page_size, learners)

    def _few(self, key: str, needs: frozenset[Need], usernames: Collection[str]) -> Iterator[Sequence[Progress]]:
        """A call for each source and learner. Grades are told of those, too, who have left the course."""
        for username in usernames:
            if key in self._courses_of(username):
                with closing(course.read(self.http, key, needs, course.of_one(self.http, username))) as spool:
                    yield from spool.pages(needs, 1, [username])

    def accounts(self, usernames: Collection[str]) -> list[dict[str, Any]]:
        """Asked once for a page: whether they may get one, and then who they are."""
        if not set(usernames) <= self._last.keys():
            told = {one["username"]: one for one in super().accounts(usernames)}
            self._last = {username: told.get(username, {}) for username in usernames}
        return [self._last[username] for username in usernames if self._last[username]]


def _is_leaving(account: dict[str, Any]) -> bool:
    email = str(account["email"] or "")
    return email.startswith(RETIRED_PREFIX) and email.endswith(RETIRED_DOMAIN)


def _hundreds(usernames: Collection[str]) -> list[list[str]]:
    every = list(usernames)
    return [every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE)]


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _said(context: LearningContext | None) -> str:
    if context is None:
        raise LMSError("it is not known to the LMS; check the key")
    return f"{context.name!r} with {len(context.steps)} steps"


def _tried(name: str, found: str, step: Any) -> Check:
    """Whether a step works; what it says of itself when nothing else is to be shown."""
    try:
        said = step()
    except ConferralError as error:
        what, _, fix = str(error).rpartition("; ")
        return Check(name, ok=False, found=what or fix, fix=fix if what else "")
    return Check(name, ok=True, found=found or str(said))
