"""The `roster` gateway: contexts that were declared, and learners' progress from imported spreadsheets."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from conferral.contract import (
    LMS,
    ConferralError,
    Enrolment,
    Grades,
    Kind,
    Known,
    LearningContext,
    Need,
    Person,
    Progress,
)
from conferral.lms.spreadsheet import Row, Seen, read
from conferral.models import Context, Learner, RosterEntry
from conferral.settings import current

GATEWAY = "roster"
TOTAL = "total"
MOST = 200
"""Contexts of one learner that are told of."""
Told = Any
"""A row of a learner's progress: named columns, which Django's types do not know."""


class RosterGateway(LMS):
    """Reads the tables that `import_file` fills."""

    label = "Imported rosters"

    def describe(self, key: str) -> LearningContext | None:
        """The declared context of that key."""
        context = Context.objects.filter(key=key).first()
        if context is None:
            return None
        return LearningContext(
            key=context.key,
            kind=Kind(context.kind),
            name=context.name,
            organisation=context.organisation,
            language=context.language,
            start=context.start,
            end=context.end,
            pass_mark=context.pass_mark,
            steps=tuple(context.steps),
        )

    def progress(
        self, context: LearningContext, needs: frozenset[Need], learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """One query a page, by key."""
        entries = RosterEntry.objects.filter(context__key=context.key).order_by("pk")
        if learners is not None:
            entries = entries.filter(learner__gateway=GATEWAY, learner__key__in=learners)
        for page in _pages(entries):
            yield [_progress(entry).only(needs) for entry in page]

    def people(self, keys: Collection[str]) -> Sequence[Person]:
        """One query."""
        return [
            Person(learner.key, learner.name, learner.email, learner.language, learner.active, learner.external_id)
            for learner in Learner.objects.filter(gateway=GATEWAY, key__in=keys)
        ]

    def taking_part(self, learner: str) -> Sequence[str]:
        """One query."""
        entries = RosterEntry.objects.filter(learner__gateway=GATEWAY, learner__key=learner, learner__active=True)
        return list(entries.order_by("-pk").values_list("context__key", flat=True)[:MOST])

    def may(self, user: Any, key: str) -> bool:
        """Whether the user is among its teachers, as an operator declared them."""
        return Context.objects.filter(key=key, teachers=user.pk).exists()

    def contexts(self, text: str = "", *, taught_by: Any = None, most: int = 20) -> Sequence[Known]:
        """One query."""
        found = Context.objects.filter(Q(key__icontains=text) | Q(name__icontains=text)).order_by("key")
        if taught_by is not None:
            found = found.filter(teachers=taught_by.pk)
        return [Known(key, name) for key, name in found.values_list("key", "name")[:most]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import changed."""

    learners: int
    added: int
    changed: int
    removed: int
    retired: int = 0


def import_file(key: str, path: Path) -> Imported:
    """Makes the file the roster of that context: the whole file or nothing.

    Who is not in it any more does not take part any more; what was issued stays issued.
    """
    context = Context.objects.filter(key=key).first()
    if context is None:
        raise ConferralError(f"context {key!r} is not known; declare it under `contexts:` and apply that file first")
    with closing(Seen()) as seen, transaction.atomic():
        count = added = changed = retired = 0
        rows = read(path, seen)
        while page := list(islice(rows, current().page_size)):
            learners, people_changed = Learner.objects.record(GATEWAY, {row.username: row.person for row in page})
            taking_part = [row for row in page if row.username in learners]  # the others are retired
            page_added, page_changed = _save_entries(context, taking_part, learners, people_changed)
            count, retired = count + len(page), retired + len(page) - len(taking_part)
            added, changed = added + page_added, changed + page_changed
        removed = _remove_others(context, seen)
    return Imported(count, added, changed, removed, retired)


def _remove_others(context: Context, seen: Seen) -> int:
    """Whoever is not in the file takes no part any more; how many those are."""
    removed = last = 0
    entries = RosterEntry.objects.filter(context=context).order_by("pk")
    while page := list(entries.filter(pk__gt=last).values_list("pk", "learner__key")[: current().page_size]):
        if gone := [pk for pk, username in page if not seen.has(username)]:
            RosterEntry.objects.filter(pk__in=gone).delete()
            removed += len(gone)
        last = page[-1][0]
    return removed


def _save_entries(
    context: Context, rows: Sequence[Row], learners: dict[str, Learner], people_changed: set[str]
) -> tuple[int, int]:
    known = {
        entry.learner_id: entry
        for entry in RosterEntry.objects.filter(context=context, learner_id__in=[one.pk for one in learners.values()])
    }
    new, changed, touched = [], [], 0
    for row in rows:
        learner = learners[row.username]
        entry = known.get(learner.pk)
        if entry is None:
            # By keys: Django asks its routers about each object that is assigned.
            told = {"completion": row.completion, "grades": row.grades}
            new.append(RosterEntry(context_id=context.pk, learner_id=learner.pk, **told))
            continue
        differs = (entry.completion, entry.grades) != (row.completion, row.grades)
        if differs:
            entry.completion, entry.grades = row.completion, row.grades
            changed.append(entry)
        touched += differs or row.username in people_changed
    RosterEntry.objects.bulk_update(changed, ["completion", "grades"], batch_size=500)
    RosterEntry.objects.bulk_create(new)
    return len(new), touched


def _pages(entries: QuerySet[RosterEntry]) -> Iterator[list[Told]]:
    size = current().page_size
    last = 0
    told = entries.values_list("pk", "learner__key", "learner__active", "completion", "grades", named=True)
    while page := list(told.filter(pk__gt=last)[:size]):
        yield page
        last = page[-1].pk
        if len(page) < size:
            return


def _progress(entry: Told) -> Progress:
    grades = {category: Decimal(share) for category, share in entry.grades.items()}
    return Progress(
        learner=entry.learner__key,
        enrolment=Enrolment(active=entry.learner__active),
        completion=Decimal(entry.completion) if entry.completion else None,
        grades=Grades(total=grades.pop(TOTAL, None), by_category=grades),
    )
