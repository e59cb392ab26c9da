"""Who may see and do what, and who somebody is: asked of Django's permissions and the gateway."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, TimestampSigner
from django.utils.crypto import constant_time_compare

from conferral import plugins
from conferral.models import Credential

SIGN_IN_SECONDS = 12 * 3600
_signer = TimestampSigner(salt="conferral.sign-in")


def sees_details(user: Any, credential: Credential) -> bool:
    """Whether this person is told more than the public: the holder, staff, and whoever teaches there."""
    if not user.is_authenticated:
        return False
    return (
        credential.learner.user_id == user.pk
        or user.has_perm("conferral.view_credential")
        or plugins.gateway().may(user, credential.context_key)
    )


def removes_accounts(token: str) -> bool:
    """Whether that token of the LMS is one of a user who may remove accounts here too."""
    return plugins.gateway().removes_accounts(token)


def sign_in_token(user: Any) -> str:
    """A token that signs whoever has it in as that user, for twelve hours: tell it to nobody else."""
    return _signer.sign_object({"user": user.pk, "session": user.get_session_auth_hash()})


def user_of(token: str) -> Any:
    """The active user of a token, or None: forged, too old, or the user's password was changed since."""
    try:
        said = _signer.unsign_object(token, max_age=SIGN_IN_SECONDS)
    except BadSignature:
        return None
    user = get_user_model()._default_manager.filter(pk=said["user"], is_active=True).first()  # noqa: SLF001 - documented
    return user if user and constant_time_compare(user.get_session_auth_hash(), said["session"]) else None
