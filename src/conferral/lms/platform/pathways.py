"""Pathways of the learning-paths-plugin, where the site has it."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db.models import F
from opaque_keys import InvalidKeyError

from conferral.contract import LMS, ConferralError, Kind, LearningContext, Progress
from conferral.contract.pathways import PathwaySource
from conferral.settings import current

APP = "learning_paths"
SCHEME = "path-v1:"


class LearningPaths(PathwaySource):
    """Read from its models. A step is a course; who is enrolled in the pathway is a member."""

    label = "learning-paths-plugin"

    def knows(self, key: str) -> bool:
        """`path-v1:org+number+run+group`."""
        return key.startswith(SCHEME)

    def describe(self, key: str, lms: LMS) -> LearningContext | None:
        """Two queries."""
        models = _models(key)
        try:
            path_key = _key(key)
        except InvalidKeyError:
            return None
        path = models.LearningPath.objects.filter(key=path_key).first()
        if path is None:
            return None
        steps = path.steps.order_by(F("order").asc(nulls_last=True), "pk").values_list("course_key", flat=True)
        return LearningContext(
            key=key,
            kind=Kind.PATHWAY,
            name=path.display_name,
            organisation=path_key.org,
            steps=tuple(str(step) for step in steps),
        )

    def listed(self, lms: LMS) -> Sequence[LearningContext]:
        """Two queries."""
        if not apps.is_installed(APP):
            return ()
        steps: dict[int, list[str]] = {}
        models = _models(SCHEME)
        found = models.LearningPathStep.objects.order_by(F("order").asc(nulls_last=True), "pk")
        for path, course in found.values_list("learning_path_id", "course_key"):
            steps.setdefault(path, []).append(str(course))
        return [
            LearningContext(str(path.key), Kind.PATHWAY, path.display_name, steps=tuple(steps.get(path.pk, ())))
            for path in models.LearningPath.objects.order_by("pk")
        ]

    def members(
        self, context: LearningContext, lms: LMS, learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """One query a page."""
        found = _models(context.key).LearningPathEnrollment.objects.filter(
            learning_path__key=_key(context.key), is_active=True
        )
        if learners is not None:
            found = found.filter(user__username__in=learners)
        rows = found.order_by("pk").values_list("pk", "user_id", "user__username")
        last, size = 0, current().page_size
        while page := list(rows.filter(pk__gt=last)[:size]):
            members = [
                Progress(username, external_id=str(account))
                for _, account, username in page
                if learners is None or username in learners
            ]
            if members:
                yield members
            if len(page) < size:
                return
            last = page[-1][0]

    def taking_part(self, learner: str, lms: LMS, keys: Collection[str]) -> Sequence[str]:
        """One query."""
        if not apps.is_installed(APP):
            return ()
        from learning_paths.models import LearningPathEnrollment  # noqa: PLC0415 - not every site has it

        found = LearningPathEnrollment.objects.filter(
            user__username=learner, is_active=True, learning_path__key__in=[_key(key) for key in keys]
        )
        return [str(key) for key in found.order_by("-pk").values_list("learning_path__key", flat=True)]


def _models(key: str) -> Any:
    if not apps.is_installed(APP):
        raise ConferralError(
            f"context key: {key!r} is a pathway, and learning-paths-plugin is not installed in this LMS; install it"
        )
    from learning_paths import models  # noqa: PLC0415 - not every site has it

    return models


def _key(key: str) -> Any:
    from learning_paths.keys import LearningPathKey  # noqa: PLC0415 - as above

    return LearningPathKey.from_string(key)
