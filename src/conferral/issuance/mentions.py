"""Mentions: the names of who is retired, taken out of what people wrote about others."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from conferral.issuance import history
from conferral.models import Act, Candidate, Credential, NameRequest, Reissue, Run, Standstill
from conferral.settings import current

REMOVED = "(removed)"
FREE_TEXT: tuple[tuple[QuerySet[Any], str], ...] = (
    (Act.objects.exclude(by_name=history.ITSELF), "reason"),  # whose reasons name days: `May` is a name, too
    (Candidate.objects.all(), "reason"),
    (Credential.objects.all(), "revoked_reason"),
    (NameRequest.objects.all(), "explanation"),
    (NameRequest.objects.all(), "reason"),
    (Reissue.objects.all(), "reason"),
    (Reissue.objects.all(), "error"),
    (Run.objects.all(), "error"),
    (Standstill.objects.all(), "reason"),
)
"""Where people and plugins write what they like, and so may name whoever it is about."""
SHORTEST = 3
"""Letters of a name that is looked for in all of it: fewer are a word of some language, or somebody else's initials."""
UNSPACED = ("CJK", "HANGUL", "HIRAGANA", "KATAKANA", "KHMER", "LAO", "MYANMAR", "THAI")
"""Scripts, as Unicode calls their letters, in which a name has other letters at its sides; two of them tell enough."""


def forget(named: Collection[str]) -> None:
    """Takes them out of all that was written, about whomever; a page of what mentions one at a time.

    Usernames like `will` or `verified` are left: what they would take away nobody could bring back.
    """
    telling = [name for name in named if _is_telling(name)]
    for rows, field in FREE_TEXT if telling else ():
        mentions = reduce(or_, (Q(**{f"{field}__icontains": name}) for name in telling))
        # By their keys: locked as they are looked for, all would be on some databases.
        found, last = rows.filter(mentions).order_by("pk").values_list("pk", flat=True), 0
        while keys := list(found.filter(pk__gt=last)[: current().page_size]):
            with transaction.atomic():
                _forget_in(rows.select_for_update().filter(pk__in=keys).order_by("pk"), field, telling)
            last = keys[-1]
    _forget_in_problems(telling)


def _forget_in_problems(named: Collection[str]) -> None:
    """Of reissues, of which there are few."""
    with transaction.atomic():
        for row in Reissue.objects.select_for_update().exclude(problems={}).order_by("pk") if named else ():
            problems: Counter[str] = Counter()
            for why, number in row.problems.items():
                problems[without(why, named)] += number
            if problems != row.problems:
                Reissue.objects.filter(pk=row.pk).update(problems=dict(problems))


def _forget_in(rows: QuerySet[Any], field: str, telling: Collection[str]) -> None:
    changed = []
    for row in rows.only(field):
        before = getattr(row, field)
        setattr(row, field, without(before, telling))
        if getattr(row, field) != before:
            changed.append(row)
    rows.model._default_manager.bulk_update(changed, [field], batch_size=500)  # noqa: SLF001 - documented


def _is_telling(name: str) -> bool:
    """Whether wherever it is written somebody is meant: it is neither short nor a word of a language."""
    if _is_unspaced(name):
        return len(name) >= SHORTEST - 1
    return len(name) >= SHORTEST and not (name.isalpha() and name.islower())


def without(text: str, named: Collection[str]) -> str:
    """The text with something else in place of each of those names."""
    return re.sub("|".join(map(_mention, sorted(named, key=len, reverse=True))), REMOVED, text)


def _mention(name: str) -> str:
    """The pattern of it. By itself it is a word: `Ann` is not in `Anna`, and `Mark` is no `mark`."""
    found = re.escape(name)
    if not name.isalpha():
        found = f"(?i:{found})"
    return found if _is_unspaced(name) else rf"(?<![\w-]){found}(?![\w-])"


def _is_unspaced(name: str) -> bool:
    return any(unicodedata.name(letter, "").startswith(UNSPACED) for letter in name)
