"""What a person types into a search box, and the rows that an index finds by it: no search reads a whole table.

A number, an address, a key, a username are told by how they look; anything else is a name, which is found by the
beginnings of its words. Tables that stay small (configurations, types, contexts) are read whole. What belongs to
learners or credentials is found by their keys: of a name that more than NEWEST have, by those of the newest.

Whoever teaches is limited to some contexts: what is found is then found there, so that others do not crowd it out.
"""

import re
from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import F, Model, OuterRef, Q, Subquery

from conferral.admin.lists import few
from conferral.issuance import history
from conferral.models import Candidate, Context, Credential, CredentialConfiguration, Learner, NameWord, RosterEntry
from conferral.models.name_word import words_of
from conferral.models.verification import normalised
from conferral.settings import current

Limits = Collection[str] | None
"""The keys of the contexts in which somebody may do something; None for everywhere."""
MOST = 1000
"""Learners, or configurations, whose rows are looked for."""
NEWEST = 500
"""Of a common name, so many: ten pages. With more of them databases rather read all there is."""
BEARERS = 10_000
"""Learners with a word in their name: as many as are looked through."""
WORDS = 5
"""Words of what is typed that a name is found by."""
BEGINNING = 3
"""Letters from which on a word is found by its beginning: of one letter nearly everybody has a word."""
LITTLE = 30_000
"""Credentials of those whom somebody teaches, so that what belongs to them is found by their keys."""
_SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


def configured(keys: Collection[str]) -> list[int]:
    """The configurations in those contexts."""
    found = CredentialConfiguration.objects.filter(context_key__in=keys).order_by("pk")
    return list(found.values_list("pk", flat=True))


def contexts(keys: Collection[str]) -> list[int]:
    """The rows of those contexts."""
    return list(Context.objects.filter(key__in=keys).order_by("pk").values_list("pk", flat=True))


def is_little(keys: Collection[str]) -> bool:
    """Whether few credentials were issued in those contexts; what is counted an index has."""
    found = Credential.objects.filter(configuration__in=configured(keys)).order_by()
    return bool(found.values("configuration")[: LITTLE + 1].count() <= LITTLE)


def starting_with(field: str, text: str) -> Q:
    """Rows whose field begins with the text, however that is asked so that the database uses its plain index.

    Case is minded but on MySQL, whose collation minds none.
    """
    if connection.vendor == "sqlite":  # its LIKE uses no index that minds case
        return Q(**{f"{field}__gte": text, f"{field}__lt": text + chr(0x10FFFF)})
    if connection.vendor == "mysql":  # LIKE BINARY, which is Django's other one, uses none
        return Q(**{f"{field}__istartswith": text})
    return Q(**{f"{field}__startswith": text})


def spellings(text: str) -> list[str]:
    """As it was typed, and as people are usually written: an index that minds case is asked for each."""
    return list(dict.fromkeys((text, text.lower(), text.upper(), text.title())))


def named(model: type[Credential] | type[Learner], field: str, text: str) -> Q:
    """Those whose name begins with the first word, and has the others anywhere: `maria silva`, `Maria da Silva`.

    However many they are, which `called` does not find of a name that is common.
    One small query for each spelling: of several joined by OR databases rather read a whole index.
    """
    first, *others = text.split()
    there = [each for each in spellings(first) if model._default_manager.filter(starting_with(field, each)).exists()]  # noqa: SLF001 - documented
    if connection.vendor == "mysql":  # each is all of them
        there = there[:1]
    rest = Q(*(Q(**{f"{field}__icontains": word}) for word in others))  # of those few that the index finds
    return _any(starting_with(field, each) & rest for each in there)


def called(text: str, among: Any = None, limits: Limits = None) -> list[int]:
    """The newest learners whose name, or one on a credential of theirs, has those words, in any order: at most NEWEST.

    Of several words the bearers of the rarest are looked through. `among`: rows of which they have one; and with
    `limits` a name that is printed on a credential elsewhere finds nobody. A few queries for each word, and three more.
    """
    words = words_of(text)[:WORDS]
    telling = [word for word in words if len(word) >= BEGINNING] or words
    bearers = ((_bearers(word, among), word) for word in telling)
    found, rarest = min(bearers, key=lambda each: len(each[0]), default=([], ""))
    for word in (each for each in words if each != rarest and found):
        found = _learners(NameWord.objects.filter(starting_with("word", word), learner__in=found))
    newest = sorted(set(found), reverse=True)
    return (newest if limits is None else _known_there(newest[: 2 * NEWEST], words, limits))[:NEWEST]


def _bearers(word: str, among: Any) -> list[int]:
    """The newest learners with that word; when they are few, also those with words that begin so."""
    words: Any = NameWord.objects.all()
    if among is not None:  # within, so that others do not crowd them out
        words = _having(words, among, "learner")
    found = _learners(words.filter(word=word).order_by("-learner")[:BEARERS])
    if len(word) >= BEGINNING and len(found) < NEWEST:
        found += _learners(words.filter(starting_with("word", word)).order_by("word", "learner")[:BEARERS])
    return found


def _known_there(learners: Collection[int], words: Collection[str], limits: Collection[str]) -> list[int]:
    """Those whose own name has the words, or one that is printed on what they have in those contexts."""
    there = Credential.objects.filter(learner__in=learners, configuration__in=configured(limits))
    names = [
        *Learner.objects.filter(pk__in=learners).values_list("pk", "name"),
        *there.values_list("learner", "recipient_name"),
    ]
    known = {pk for pk, name in names if _has(words_of(name), words)}
    return [pk for pk in learners if pk in known]


def _has(those: Collection[str], words: Collection[str]) -> bool:
    return all(any(each.startswith(word) for each in those) for word in words)


def _learners(words: Any) -> list[int]:
    return list(words.values_list("learner_id", flat=True))


def learners(text: str, limits: Limits = None) -> Q:
    """By username, name, e-mail address, or the id of the account."""
    return _people(text, _in_credentials(limits), limits)


def credentials(text: str, limits: Limits = None) -> Q:
    """By number, the recipient's name as it was printed, username, e-mail address, or the key of what it is for."""
    if number := normalised(text):
        found = Credential.objects.filter(verification_id=number).values_list("pk", flat=True).first()
        if found:
            return Q(pk=found)
    if is_key(text) and "@" not in text:
        return Q(configuration__in=_configured(Q(context_key__icontains=text)))
    return _issued_to(text, limits)


def of_credentials(text: str, limits: Limits = None) -> Q:
    """What belongs to credentials, by what finds these."""
    if is_key(text) and "@" not in text:
        return Q(credential__configuration__in=_configured(Q(context_key__icontains=text)))
    found = Credential.objects.filter(credentials(text, limits))
    if limits is not None:
        found = found.filter(configuration__in=configured(limits))
    return Q(credential__in=few(Credential.objects.filter(pk__in=_newest(found))))


def files(text: str, limits: Limits = None) -> Q:
    """By what finds their credentials, or by SHA-256."""
    return Q(sha256=text.lower()) if _SHA256.fullmatch(text) else of_credentials(text, limits)


def progress(text: str, limits: Limits = None) -> Q:
    """By the learner, or by the key of the course or lesson."""
    if is_key(text) and "@" not in text:
        return Q(context__in=_keys(Context.objects.filter(key__icontains=text)))
    there = None if limits is None else RosterEntry.objects.filter(context__in=contexts(limits))
    return _of_people(text, there, limits)


def candidates(text: str, limits: Limits = None) -> Q:
    """By the learner."""
    there = None if limits is None else Candidate.objects.filter(configuration__in=configured(limits))
    return _of_people(text, there, limits)


def runs(text: str, limits: Limits = None) -> Q:
    """By the key of what they were for, or by the name of the credential type."""
    return Q(configuration__in=_configured(Q(context_key__icontains=text) | Q(type__name__icontains=text)))


def acts(text: str, limits: Limits = None) -> Q:
    """By the object (a credential's number, its learner's username, the key of a course), or by who did it."""
    if number := normalised(text):
        return _done_to(Credential, Credential.objects.filter(verification_id=number))
    if is_key(text) and "@" not in text:
        return _done_to(CredentialConfiguration, CredentialConfiguration.objects.filter(context_key__icontains=text))
    persons = get_user_model()._default_manager.filter(username=text)  # noqa: SLF001 - documented
    of_learner = Learner.objects.filter(_addressed(text) if "@" in text else Q(key__in=spellings(text)))
    theirs = Credential.objects.filter(learner__in=_keys(of_learner))
    return Q(by__in=_keys(persons)) | _done_to(Credential, theirs)


def _done_to(model: type[Model], found: Any) -> Q:
    return Q(kind=history.kind(model), object_id__in=_keys(found))


def is_key(text: str) -> bool:
    """Whether it looks like the key of a course, lesson or pathway, or like a part of one."""
    return ":" in text or "+" in text


def is_name(text: str) -> bool:
    """Whether it may be a name: neither a number, nor an address, nor a key."""
    return not (normalised(text) or "@" in text or is_key(text))


def _issued_to(text: str, limits: Limits) -> Q:
    if "@" in text:
        return Q(learner__in=_keys(Learner.objects.filter(_addressed(text))))
    # Asked for by themselves: no database joins two indexes of two tables by OR.
    known = _keys(Learner.objects.filter(key__in=spellings(text)))
    found = called(text, _in_credentials(limits), limits)
    return Q(learner__in=[*known, *found]) | named(Credential, "recipient_name", text)


def _people(text: str, among: Any, limits: Limits) -> Q:
    if "@" in text:
        return _addressed(text)
    people = Q(key__in=spellings(text)) | Q(pk__in=called(text, among, limits)) | named(Learner, "name", text)
    return people | Q(gateway=current().lms, external_id=text) if text.isdigit() else people


def _of_people(text: str, among: Any, limits: Limits) -> Q:
    found = Learner.objects.filter(_people(text, among, limits))
    return Q(learner__in=_newest(found if among is None else _having(found, among)))


def _in_credentials(limits: Limits) -> Any:
    return None if limits is None else Credential.objects.filter(configuration__in=configured(limits))


def _addressed(text: str) -> Q:
    return _any(starting_with("email", each) for each in spellings(text))


def _configured(which: Q) -> list[int]:
    return _keys(CredentialConfiguration.objects.filter(which))


def _having(learners: Any, rows: Any, learner: str = "pk") -> Any:
    """Those who have one of the rows. Each is asked for by itself: what databases join they rather read whole."""
    one = rows.filter(learner=OuterRef(learner)).order_by().values("pk")[:1]
    return learners.annotate(one=Subquery(one)).filter(one__isnull=False)


def _newest(found: Any) -> list[int]:
    """By a sum, which no index sorts: else databases walk through all rows by key until they have met enough."""
    return list(found.order_by((F("pk") + 0).desc()).values_list("pk", flat=True)[:NEWEST])


def _keys(found: Any) -> list[int]:
    return list(found.order_by("pk").values_list("pk", flat=True)[:MOST])


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions, Q(pk__in=()))
