"""Pathways of the learning-paths-plugin over its REST API."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from conferral.contract import LMS, Kind, LearningContext, PathwaySource, Progress
from conferral.lms.rest.client import Client, LMSError, NotThere
from conferral.lms.rest.course import GRADEBOOK, address, known_shape
from conferral.settings import current

SCHEME = "path-v1:"
PATHWAY = "/api/learning_paths/v1/learning-paths/{key}/"
ENROLMENTS = "/api/learning_paths/v1/{key}/enrollments/"
ACCOUNTS = "/api/user/v1/accounts"
PAGE = 1000
FEW = 3
"""Learners of whom the LMS is asked by name, each in a call, and not who else is enrolled."""


class LearningPathsAPI(PathwaySource):
    """A step is a course; who is enrolled in the pathway is a member. The service user has to be staff."""

    label = "learning-paths-plugin over HTTP"

    def knows(self, key: str) -> bool:
        """`path-v1:org+number+run+group`."""
        return key.startswith(SCHEME)

    def describe(self, key: str, lms: LMS) -> LearningContext | None:
        """One call."""
        try:
            found = lms.http.get(address(PATHWAY, key))
        except NotThere:
            return None
        with known_shape(PATHWAY):
            return LearningContext(
                key=key,
                kind=Kind.PATHWAY,
                name=found["display_name"],
                organisation=key.removeprefix(SCHEME).partition("+")[0],
                steps=tuple(each["course_key"] for each in found["steps"]),  # in their order, as the LMS has it
            )

    def members(
        self, context: LearningContext, lms: LMS, learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """One call for who is enrolled, by account ids alone; for a few learners one for each.

        The usernames are in the first course's gradebook; a call for each of those who are not.
        """
        if learners is not None and len(learners) <= FEW:
            if there := [Progress(name) for name in learners if _is_enrolled(lms.http, context.key, name)]:
                yield there
            return
        answer = lms.http.get(address(ENROLMENTS, context.key))
        with known_shape(ENROLMENTS):
            ids = {int(each["user"]) for each in answer if each["is_active"]}
        names = _names(lms.http, ids, context.steps[0]) if ids and context.steps else {}
        names |= dict(lms.http.at_once(lambda pk: (pk, _name(lms.http, pk)), sorted(ids - names.keys())))
        found = [name for pk in sorted(ids) if (name := names[pk]) and (learners is None or name in learners)]
        size = current().page_size
        for start in range(0, len(found), size):
            yield [Progress(username) for username in found[start : start + size]]

    def taking_part(self, learner: str, lms: LMS, keys: Collection[str]) -> Sequence[str]:
        """A call for each of the keys, a few at a time."""
        asked = list(keys)
        there = lms.http.at_once(lambda key: _is_enrolled(lms.http, key, learner), asked)
        return [key for key, enrolled in zip(asked, there, strict=True) if enrolled]


def _is_enrolled(client: Client, key: str, username: str) -> bool:
    try:
        found = client.get(address(ENROLMENTS, key), username=username)
    except NotThere:
        return False  # there is no such pathway any more, or no plugin
    with known_shape(ENROLMENTS):
        return any(each["is_active"] for each in found)


def _names(client: Client, ids: set[int], course: str) -> dict[int, str]:
    """The usernames of those who are in the course's gradebook too: a thousand in a call."""
    names: dict[int, str] = {}
    try:
        for page in client.pages(address(GRADEBOOK, course), page_size=PAGE):
            with known_shape(GRADEBOOK):
                names |= {each["user_id"]: each["username"] for each in page if each["user_id"] in ids}
    except LMSError:
        return {}  # the gradebook is switched off: the accounts are asked for one by one
    return names


def _name(client: Client, pk: int) -> str:
    """The username of an account; empty when it is gone."""
    try:
        found: Any = client.get(ACCOUNTS, lms_user_id=pk)
    except NotThere:
        return ""
    with known_shape(ACCOUNTS):
        return str(found[0]["username"])
