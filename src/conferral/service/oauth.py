"""Signing in with the account of the LMS: a step for the pipeline of social-auth, for sites that have set it up.

How is in docs/how-to/run-beside-your-lms.md.
"""

from collections.abc import Mapping
from typing import Any

from conferral import access


def link_learner(details: Mapping[str, Any], user: Any = None, **about: Any) -> None:
    """Gives the account the learner of the username that the LMS has told; the LMS has proven that it is theirs."""
    if user is not None and details.get("username"):
        access.link_username(user, str(details["username"]))
