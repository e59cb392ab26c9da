"""Who may see and do what, and who somebody is: asked of Django's permissions and the gateway."""

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.utils import timezone

from conferral import journal, plugins
from conferral.contract import LMS, ConferralError, Known
from conferral.models import Credential, Learner
from conferral.settings import current

logger = logging.getLogger(__name__)
R = TypeVar("R")

REVOKE, REISSUE, RENAME = "revoke_credential", "reissue_credential", "rename_credential"
RELEASE, AWARD = "release_credential", "award_credential"
RESEND, RETRY = "resend_credential", "retry_credential"
RUN, LIST = "run_credentialconfiguration", "list_credentialconfiguration"
ACTIVATE = "activate_credentialasset"
"""Rights to do one thing alone; whoever may change those records has them all."""

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
SIGN_IN = "conferral.sign-in"
"""What tokens are signed for, and nothing else."""
MADE = "learner-"
"""How usernames begin of accounts that sign in by mail alone."""
MOST = 20
"""Learners, or accounts, of one address."""
_TAUGHT, _AWAY = "_conferral_taught", "_conferral_away"


class Reached(NamedTuple):
    """An account, and the address at which it is reached, as it is stored; empty where no mail says so."""

    user: Any
    address: str


def taught(user: Any) -> frozenset[str]:
    """The keys of what this user teaches, as the gateway says; asked once for each request (its user)."""
    if not (user.is_authenticated and user.is_active):
        return frozenset()
    if not hasattr(user, _TAUGHT):
        found: Sequence[Known] = _asked(user, lambda lms: lms.contexts(taught_by=user, most=MOST_TAUGHT), ())
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
        or _asked(user, lambda lms: lms.may(user, credential.context_key), False)
    )


def is_holder(user: Any, credential: Credential) -> bool:
    """Whether it is this person's own: their account is linked to the learner who earned it."""
    return bool(user.is_authenticated and credential.learner.user_id == user.pk)


def removes_accounts(token: str) -> bool:
    """Whether that token of the LMS is one of a user who may remove accounts here too."""
    return plugins.gateway().briefly().removes_accounts(token)


def sign_in_token(user: Any) -> str:
    """A token that signs whoever has it in as that user, for twelve hours: tell it to nobody else."""
    return _signer(user).sign(user.pk)


def one_time_token(reached: Reached) -> str:
    """A token for a mail to that address: for twenty minutes, once, and only while the account is reached there."""
    return _signer(reached.user, reached.address).sign(reached.user.pk)


def user_of(token: str) -> Any:
    """The active user of a token, or None: forged, too old, used, or the user's password was changed since."""
    proven = _proven_by(token)
    return proven.user if proven else None


def sign_in(token: str) -> Any:
    """The user whom a token signs in now, or None as for `user_of`.

    One of a mail is used up by that, in one statement: of two who come at once, one is late. Whoever has it has read
    the mail, so that what belongs to its address is theirs.
    """
    proven = _proven_by(token)
    if proven is None:
        return None
    user, address = proven
    if not address:
        return user
    with transaction.atomic():
        known = get_user_model()._default_manager.filter(pk=user.pk, last_login=user.last_login)  # noqa: SLF001 - as above
        moved = {"email": address} if made_here(user) else {}
        if not known.update(last_login=timezone.now(), **moved):
            return None
        link_address(user, address)
    user.email = moved.get("email", user.email)
    return user


def is_same_address(stored: str, typed: str) -> bool:
    """Whether it is that address: letter for letter, or but for the case of plain letters.

    Databases take more for equal, some of them `ı` for `i` and `é` for `e`: domains that somebody else may have.
    """
    return stored == typed or (stored.isascii() and typed.isascii() and stored.casefold() == typed.casefold())


def of_address(address: str) -> list[Learner]:
    """The learners of the site's source who are reached there: by an index, as it is mostly written, else any way."""
    known = Learner.objects.filter(gateway=current().lms, retired=None, active=True)
    for condition in ({"email__in": {address, address.lower()}}, {"email__iexact": address}):
        alike = known.filter(**condition).select_related("user").order_by("pk")[:MOST]
        if found := [learner for learner in alike if is_same_address(learner.email, address)]:
            return found
    return []


def accounts_of(address: str) -> list[Reached]:
    """The users whom a link signs in, and where it goes: those of that address, and those of its learners, but staff.

    A learner without one gets one now, without a password. Nothing is linked before the address is proven.
    """
    users = get_user_model()._default_manager  # noqa: SLF001 - as above
    learners = of_address(address)
    alike = users.filter(email__iexact=address, is_active=True).order_by("pk")[:MOST]
    same = [user for user in alike if is_same_address(user.email, address) and _is_reached(user, address)]
    found = {user.pk: Reached(user, user.email) for user in same}
    for learner in learners:
        if (user := learner.user) and user.is_active and not user.is_staff:
            found[user.pk] = Reached(user, learner.email)
    if learners and not found:
        user = get_user_model()(username=f"{MADE}{secrets.token_hex(8)}", email=learners[0].email)
        user.set_unusable_password()
        user.save()
        found[user.pk] = Reached(user, user.email)
    return list(found.values())


def link_address(user: Any, address: str) -> int:
    """Gives the user the learners of an address that they have proven to be theirs; those of others stay so."""
    mine = [learner.pk for learner in of_address(address) if learner.user_id is None] if address else []
    return Learner.objects.filter(pk__in=mine, user=None).update(user=user)


def link_username(user: Any, username: str) -> int:
    """Gives the user the learner of that username, where the LMS itself has said that it is theirs."""
    return Learner.objects.filter(gateway=current().lms, key=username, retired=None).update(user=user)


def made_here(user: Any) -> bool:
    """Whether it is an account that was made for a learner to sign in by mail, and nothing else."""
    return bool(user.get_username().startswith(MADE)) and not user.has_usable_password() and not user.is_staff


def _signer(user: Any, address: str = "") -> TimestampSigner:
    """Signs tokens of that user. They say whose they are, and nothing of what makes them void, which is signed along.

    That is another password; for one that was sent to an address, also another sign-in, or another address.
    """
    address = address.casefold() if address.isascii() else address  # what `is_same_address` takes for the same
    mailed = (user.last_login.isoformat() if user.last_login else "", address) if address else ()
    return TimestampSigner(salt="\n".join((SIGN_IN, user.get_session_auth_hash(), *mailed)))


def _proven_by(token: str) -> Reached | None:
    """Whose token it is, and which of the addresses where they are reached now it was sent to."""
    key = token.split(":", maxsplit=1)[0]
    try:
        user = get_user_model()._default_manager.filter(pk=key, is_active=True).first()  # noqa: SLF001 - documented
    except (ValueError, OverflowError, ValidationError):  # no key at all
        return None
    if user is None:
        return None
    possible = {"": SIGN_IN_SECONDS} | dict.fromkeys(_reached_at(user), MAILED_SECONDS)
    return next((Reached(user, each) for each, age in possible.items() if _is_signed(token, user, each, age)), None)


def _is_signed(token: str, user: Any, address: str, age: int) -> bool:
    try:
        return _signer(user, address).unsign(token, max_age=age) == str(user.pk)
    except BadSignature:
        return False


def _reached_at(user: Any) -> list[str]:
    """The addresses at which mail reaches this user today.

    Where accounts that were made here are reached, their learners say: the LMS may have given somebody else the
    address since.
    """
    learners = Learner.objects.filter(user=user.pk, retired=None).values_list("email", flat=True)
    told = list(dict.fromkeys(learners))
    own = [] if told and made_here(user) else [user.email]
    return [address for address in [*own, *([] if user.is_staff else told)] if address]


def _is_reached(user: Any, address: str) -> bool:
    """Whether mail to that address reaches this user today."""
    return any(is_same_address(one, address) for one in _reached_at(user))


def _asked(user: Any, question: Callable[[LMS], R], otherwise: R) -> R:
    """What the gateway says of this user, to somebody who waits for a page. While it says nothing, nobody is anything.

    Pages work without their source; it is asked, and the log told, once for each request (its user).
    """
    if getattr(user, _AWAY, False):
        return otherwise
    try:
        with plugins.blamed(plugins.GATEWAYS, current().lms):
            return question(plugins.gateway().briefly())
    except ConferralError as error:
        with journal.hiding(user.get_username()):
            journal.breakdown(logger, "who teaches what cannot be told, and nobody is taken for a teacher", error)
        setattr(user, _AWAY, True)
        return otherwise
