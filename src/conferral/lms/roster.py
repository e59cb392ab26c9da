"""The `roster` gateway: contexts that were declared, and learners' progress from imported spreadsheets."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from conferral.contract import LMS, ConferralError, Enrolment, Grades, Kind, LearningContext, Need, Person, Progress
from conferral.lms.spreadsheet import Row, read
from conferral.models import Context, Learner, RosterEntry
from conferral.settings import current

GATEWAY = "roster"
TOTAL = "total"


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

    def may(self, user: Any, key: str) -> bool:
        """A roster has no teachers: Django's permissions alone decide."""
        return False


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
    rows = read(path)
    with transaction.atomic():
        added = changed = retired = 0
        seen: set[int] = set()
        size = current().page_size
        for start in range(0, len(rows), size):
            page = rows[start : start + size]
            learners, people_changed = Learner.objects.record(GATEWAY, {row.username: row.person for row in page})
            taking_part = [row for row in page if row.username in learners]  # the others are retired
            retired += len(page) - len(taking_part)
            page_added, page_changed = _save_entries(context, taking_part, learners, people_changed)
            added, changed = added + page_added, changed + page_changed
            seen.update(learner.pk for learner in learners.values())
        gone = set(RosterEntry.objects.filter(context=context).values_list("learner_id", flat=True)) - seen
        left = sorted(gone)
        for start in range(0, len(left), size):
            RosterEntry.objects.filter(context=context, learner_id__in=left[start : start + size]).delete()
    return Imported(len(rows), added, changed, len(gone), retired)


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
            new.append(RosterEntry(context=context, learner=learner, completion=row.completion, grades=row.grades))
            continue
        differs = (entry.completion, entry.grades) != (row.completion, row.grades)
        if differs:
            entry.completion, entry.grades = row.completion, row.grades
            changed.append(entry)
        touched += differs or row.username in people_changed
    RosterEntry.objects.bulk_update(changed, ["completion", "grades"], batch_size=500)
    RosterEntry.objects.bulk_create(new)
    return len(new), touched


def _pages(entries: QuerySet[RosterEntry]) -> Iterator[list[RosterEntry]]:
    size = current().page_size
    last = 0
    while page := list(entries.filter(pk__gt=last).select_related("learner")[:size]):
        yield page
        last = page[-1].pk
        if len(page) < size:
            return


def _progress(entry: RosterEntry) -> Progress:
    grades = {category: Decimal(share) for category, share in entry.grades.items()}
    return Progress(
        learner=entry.learner.key,
        enrolment=Enrolment(active=entry.learner.active),
        completion=Decimal(entry.completion) if entry.completion else None,
        grades=Grades(total=grades.pop(TOTAL, None), by_category=grades),
    )
