"""Who may see and do what, and who somebody is: asked of Django's permissions and the gateway."""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, TimestampSigner
from django.utils.crypto import constant_time_compare

from conferral import plugins
from conferral.models import Credential, Learner
from conferral.settings import current

TEACHERS_MAY = frozenset(
    (
        *(f"{verb}_credentialconfiguration" for verb in ("view", "add", "change")),
        *(
            f"view_{model}"
            for model in ("credentialtype", "credentialasset", "context", "rosterentry", "learner", "run")
        ),
        *(
            "view_credential",
            "change_credential",
            "view_namerequest",
            "view_candidate",
            "view_dryrun",
            "view_reissue",
            "change_run",
            "view_credentialartifact",
            "view_delivery",
        ),
    )
)
"""What the gateway's word gives whoever teaches, in what they teach; types and files are everybody's to look at."""
MOST_TAUGHT = 10_000
SIGN_IN_SECONDS = 12 * 3600
MAILED_SECONDS = 20 * 60
PROVES = "address"
"""What a token says that was sent to an address."""
MADE = "learner-"
"""How usernames begin of accounts that sign in by mail alone."""
MOST = 20
"""Learners, or accounts, of one address."""
_TAUGHT = "_conferral_taught"
_signer = TimestampSigner(salt="conferral.sign-in")


def taught(user: Any) -> frozenset[str]:
    """The keys of what this user teaches, as the gateway says; asked once for each request (its user)."""
    if not (user.is_authenticated and user.is_active):
        return frozenset()
    if not hasattr(user, _TAUGHT):
        found = plugins.gateway().contexts(taught_by=user, most=MOST_TAUGHT)
        setattr(user, _TAUGHT, frozenset(one.key for one in found))
    keys: frozenset[str] = getattr(user, _TAUGHT)
    return keys


def limits(user: Any, *rights: str) -> frozenset[str] | None:
    """In which contexts this user has any of those rights (`view_run`): None for everywhere, empty for nowhere.

    Django's permissions count everywhere; what the gateway says somebody teaches gives TEACHERS_MAY there.
    """
    if any(user.has_perm(f"conferral.{right}") for right in rights):
        return None
    return taught(user) if TEACHERS_MAY.intersection(rights) else frozenset()


def works_here(user: Any) -> bool:
    """Whether this user has anything to do on the staff's pages: some right of ours, or something that they teach."""
    return bool(user.is_active and (user.has_module_perms("conferral") or taught(user)))


def sees_details(user: Any, credential: Credential) -> bool:
    """Whether this person is told more than the public: the holder, staff, and whoever teaches there."""
    if not user.is_authenticated:
        return False
    return (
        is_holder(user, credential)
        or user.has_perm("conferral.view_credential")
        or plugins.gateway().may(user, credential.context_key)
    )


def is_holder(user: Any, credential: Credential) -> bool:
    """Whether it is this person's own: their account is linked to the learner who earned it."""
    return bool(user.is_authenticated and credential.learner.user_id == user.pk)


def removes_accounts(token: str) -> bool:
    """Whether that token of the LMS is one of a user who may remove accounts here too."""
    return plugins.gateway().removes_accounts(token)


def sign_in_token(user: Any) -> str:
    """A token that signs whoever has it in as that user, for twelve hours: tell it to nobody else."""
    return _signer.sign_object({"user": user.pk, "session": user.get_session_auth_hash()})


def one_time_token(user: Any) -> str:
    """A token for a mail: for twenty minutes, once, and only while the account has the address that it was sent to."""
    return _signer.sign_object(_mailed(user) | {"user": user.pk, "session": user.get_session_auth_hash()})


def user_of(token: str) -> Any:
    """The active user of a token, or None: forged, too old, used, or the user's password was changed since."""
    try:
        said = _signer.unsign_object(token, max_age=SIGN_IN_SECONDS)
        if PROVES in said:
            _signer.unsign_object(token, max_age=MAILED_SECONDS)
    except BadSignature:
        return None
    user = get_user_model()._default_manager.filter(pk=said["user"], is_active=True).first()  # noqa: SLF001 - documented
    if user is None or not constant_time_compare(user.get_session_auth_hash(), said["session"]):
        return None
    return user if PROVES not in said or said | _mailed(user) == said else None


def proves_address(token: str) -> bool:
    """Whether who has a valid token has read the user's mail: then what belongs to that address is theirs."""
    try:
        return PROVES in _signer.unsign_object(token)
    except BadSignature:
        return False


def of_address(address: str) -> list[Learner]:
    """The learners of the site's source who are reached there: by an index, as it is mostly written, else any way."""
    known = Learner.objects.filter(gateway=current().lms, retired=None, active=True)
    for condition in ({"email__in": {address, address.lower()}}, {"email__iexact": address}):
        if found := list(known.filter(**condition).select_related("user").order_by("pk")[:MOST]):
            return found
    return []


def accounts_of(address: str) -> list[Any]:
    """The users whom a link sent there signs in: those of that address, and those of its learners who are no staff.

    A learner without one gets one now, without a password. Nothing is linked before the address is proven.
    """
    users = get_user_model()._default_manager  # noqa: SLF001 - as above
    learners = of_address(address)
    found = {user.pk: user for user in users.filter(email__iexact=address, is_active=True).order_by("pk")[:MOST]}
    for learner in learners:
        if (user := learner.user) and user.is_active and not user.is_staff:
            found[user.pk] = user
    if learners and not found:
        user = get_user_model()(username=f"{MADE}{secrets.token_hex(8)}", email=learners[0].email)
        user.set_unusable_password()
        user.save()
        found[user.pk] = user
    return list(found.values())


def link_address(user: Any) -> int:
    """Gives the user the learners of their address, which they have proven to be theirs; those of others stay so."""
    mine = [learner.pk for learner in of_address(user.email) if learner.user_id is None] if user.email else []
    return Learner.objects.filter(pk__in=mine, user=None).update(user=user)


def link_username(user: Any, username: str) -> int:
    """Gives the user the learner of that username, where the LMS itself has said that it is theirs."""
    return Learner.objects.filter(gateway=current().lms, key=username, retired=None).update(user=user)


def made_here(user: Any) -> bool:
    """Whether it is an account that was made for a learner to sign in by mail, and nothing else."""
    return bool(user.get_username().startswith(MADE)) and not user.has_usable_password() and not user.is_staff


def _mailed(user: Any) -> dict[str, str]:
    """What changes once such a token has been used, or once the address is another."""
    return {PROVES: user.email, "login": user.last_login.isoformat() if user.last_login else ""}
