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
        """One call for who is enrolled, by account ids alone.

        The usernames are in the first course's gradebook; a call for each of those who are not.
        """
        answer = lms.http.get(address(ENROLMENTS, context.key))
        with known_shape(ENROLMENTS):
            ids = {int(each["user"]) for each in answer if each["is_active"]}
        names = _names(lms.http, ids, context.steps[0]) if ids and context.steps else {}
        names |= dict(lms.http.at_once(lambda pk: (pk, _name(lms.http, pk)), sorted(ids - names.keys())))
        found = [name for pk in sorted(ids) if (name := names[pk]) and (learners is None or name in learners)]
        size = current().page_size
        for start in range(0, len(found), size):
            yield [Progress(username) for username in found[start : start + size]]


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
