"""What our records take over from the source."""

from collections.abc import Iterable
from typing import Any

from conferral.contract import LearningContext, Person
from conferral.models import CredentialConfiguration
from conferral.models.configuration import NAME_LENGTH

FIELDS = ("external_id", "name", "email", "language", "active")


def told(people: Iterable[Person]) -> dict[str, dict[str, Any]]:
    """By key, the fields of `Learner` that the source knows; the account where it has one, linked by its id."""
    return {
        person.key: {field: getattr(person, field) for field in FIELDS}
        | ({} if person.account is None else {"user_id": person.account})
        for person in people
    }


def keep_name(configuration: CredentialConfiguration, context: LearningContext) -> None:
    """Keeps what the source calls its course, for lists that cannot ask it of each."""
    name = context.name[:NAME_LENGTH]
    if configuration.context_name != name:
        CredentialConfiguration.objects.filter(pk=configuration.pk).update(context_name=name)
        configuration.context_name = name
