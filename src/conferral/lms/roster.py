"""The `roster` gateway: contexts that were declared, and learners' progress from imported spreadsheets."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

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
from conferral.lms.spreadsheet import RosterError, Row, Seen, read
from conferral.models import Context, Learner, RosterEntry
from conferral.settings import current

GATEWAY = "roster"
TOTAL = "total"
GRADED = frozenset({Need.GRADES, Need.TOTAL})
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
        """One query for the context, and one a page."""
        known = Context.objects.filter(key=context.key).values_list("pk", flat=True).first()
        if known is None:
            return
        which = {"gateway": GATEWAY, "key__in": learners} if learners is not None else {}
        figures = ["roster_entries__completion", *(["roster_entries__grades"] if GRADED & needs else ())]
        for page in _pages(known, which, "active", *figures):
            yield [_progress(row).only(needs) for row in page]

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
            _refuse_other_spellings([row.username for row in page], seen)
            learners, people_changed = _record(page, seen)
            taking_part = [row for row in page if row.username in learners]  # the others are retired
            page_added, page_changed = _save_entries(context, taking_part, learners, people_changed)
            count, retired = count + len(page), retired + len(page) - len(taking_part)
            added, changed = added + page_added, changed + page_changed
        removed = _remove_others(context, seen)
    return Imported(count, added, changed, removed, retired)


def _record(page: Sequence[Row], seen: Seen) -> tuple[dict[str, Learner], set[str]]:
    try:
        return Learner.objects.record(GATEWAY, {row.username: row.person for row in page})
    except IntegrityError:
        # Two of them are one to the database, which alone knows how it compares: so they are recorded one by one.
        for row in page:
            _refuse_other_spellings([row.username], seen)
            Learner.objects.record(GATEWAY, {row.username: row.person})
        raise


def _refuse_other_spellings(usernames: Sequence[str], seen: Seen) -> None:
    """Nobody can tell whether it is a slip of the hand or another person, for whom the database has no place."""
    for username, stored in Learner.objects.spelt_otherwise(GATEWAY, usernames).items():
        raise RosterError(
            f"{seen.place(username)}: username {username!r} is known as {stored!r}, which is the same to the database;"
            f" write {stored!r}, or another username if it is somebody else"
        )


def _remove_others(context: Context, seen: Seen) -> int:
    """Whoever is not in the file takes no part any more; how many those are."""
    removed = 0
    for page in _pages(context.pk, {}):
        if gone := [row.pk for row in page if not seen.has(row.key)]:
            RosterEntry.objects.filter(context=context, learner__in=gone).delete()
            removed += len(gone)
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


def _pages(context: int, which: Mapping[str, Any], *columns: str) -> Iterator[list[Told]]:
    """Those of the learners who are in its roster, with `pk`, `key` and the columns."""
    size = current().page_size
    last = 0
    while True:
        # Both tables begin where the last page ended. With one alone, some databases walk through all that was read of
        # the other, or sort all that is left, for every page.
        beyond = {"pk__gt": last, "roster_entries__learner__gt": last}
        found = Learner.objects.filter(**which, **beyond, roster_entries__context=context)
        page = list(found.order_by("roster_entries__learner_id").values_list("pk", "key", *columns, named=True)[:size])
        if page:
            yield page
        if len(page) < size:
            return
        last = page[-1].pk


def _progress(row: Told) -> Progress:
    grades = {category: Decimal(share) for category, share in getattr(row, "roster_entries__grades", {}).items()}
    return Progress(
        learner=row.key,
        enrolment=Enrolment(active=row.active),
        completion=Decimal(row.roster_entries__completion) if row.roster_entries__completion else None,
        grades=Grades(total=grades.pop(TOTAL, None), by_category=grades),
    )
