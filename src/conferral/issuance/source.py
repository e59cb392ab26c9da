"""What our records of learners take over from the source."""

from collections.abc import Iterable
from typing import Any

from conferral.contract import Person

FIELDS = ("external_id", "name", "email", "language", "active")


def told(people: Iterable[Person]) -> dict[str, dict[str, Any]]:
    """By key, the fields of `Learner` that the source knows; the account where it has one, linked by its id."""
    return {
        person.key: {field: getattr(person, field) for field in FIELDS}
        | ({} if person.account is None else {"user_id": person.account})
        for person in people
    }
