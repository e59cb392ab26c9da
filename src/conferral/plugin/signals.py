"""What the LMS tells us: that an account is being removed."""

from typing import Any

from conferral.issuance import people
from conferral.settings import current


def retire(sender: Any, *, user: Any, **about: Any) -> None:
    """Removes name, address and files of that account's learner, by its id.

    An error ends that step of the site's retirement, which is tried again: nothing is left behind silently.
    """
    email = about.get("email") or user.email
    people.retire_account(current().lms, str(user.pk), username=user.username, email=email)
