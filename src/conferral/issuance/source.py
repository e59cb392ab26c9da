"""What our records take over from the source."""

from collections.abc import Collection, Iterable
from typing import Any

from conferral.contract import LearningContext, Person, Phrase
from conferral.contract.text import check_storable
from conferral.issuance.limit import limited
from conferral.models import CredentialConfiguration, Learner
from conferral.models.configuration import NAME_LENGTH
from conferral.settings import current

FIELDS = ("external_id", "name", "email", "language", "active")
TEXTS = {"external_id": "number of the account", "name": "name", "email": "e-mail address", "language": "language"}
"""Those that are texts, as reasons call them."""
DESCRIBING_SECONDS = 300
"""How long the source may take to tell of one course: a throttle and a further try are in it."""
NOT_ACCEPTED = Phrase("the source tells a value that is not accepted: %(field)s: %(why)s")
TOO_LONG = Phrase("it has %(count)s characters; at most %(most)s are accepted")
NO_TEXT = Phrase("it is no text")


def describing() -> limited:
    """A block in which the source tells of one course; a TookTooLong when it hangs."""
    return limited(min(current().page_seconds, DESCRIBING_SECONDS), "reading the course")


def told(people: Iterable[Person]) -> dict[str, dict[str, Any]]:
    """By key, the fields of `Learner` that the source knows; the account where it has one, linked by its id.

    Without those who have an objection: nothing of them can be kept, and a part of a name is a wrong one.
    """
    return {
        person.key: {field: getattr(person, field) for field in FIELDS}
        | ({} if person.account is None else {"user_id": person.account})
        for person in people
        if not _objection(person)
    }


def objections(people: Iterable[Person]) -> dict[str, str]:
    """By key, why what the source tells of somebody cannot be kept: others are not to wait for them."""
    return {person.key: why for person in people if (why := _objection(person))}


def usernames_not_accepted(page: Collection[str]) -> dict[str, str]:
    """Why some of those usernames cannot be kept; the page is looked at as one text first, for nearly none is."""
    most: Any = Learner._meta.get_field("key").max_length  # noqa: SLF001 - Django documents this name
    if not _why_not("".join(page), most * len(page)) and max(map(len, page), default=0) <= most:
        return {}
    found = {key: why for key in page if (why := _why_not(key, most))}
    return {key: NOT_ACCEPTED % {"field": "username", "why": why} for key, why in found.items()}


def _objection(person: Person) -> str:
    for field, name in TEXTS.items():
        column: Any = Learner._meta.get_field(field)  # noqa: SLF001 - Django documents this name
        if why := _why_not(getattr(person, field), column.max_length):
            return NOT_ACCEPTED % {"field": name, "why": why}
    return ""


def _why_not(value: Any, most: int) -> str:
    if not isinstance(value, str):
        return NO_TEXT
    if len(value) > most:
        return TOO_LONG % {"count": len(value), "most": most}
    try:
        check_storable(value)
    except ValueError as error:
        return str(error)
    return ""


def keep_name(configuration: CredentialConfiguration, context: LearningContext) -> None:
    """Keeps what the source calls its course, for lists that cannot ask it of each."""
    name = context.name[:NAME_LENGTH]
    if configuration.context_name != name:
        CredentialConfiguration.objects.filter(pk=configuration.pk).update(context_name=name)
        configuration.context_name = name
