"""Who learners are, and what else decides whether they may get a credential: in bulk, in the platform's own words."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q
from opaque_keys.edx.django.models import CourseKeyField
from opaque_keys.edx.keys import CourseKey

from common.djangoapps.course_modes.models import CourseMode
from common.djangoapps.student.models import CourseAccessRole, CourseEnrollment
from conferral.contract import Audience, Person, Standing
from lms.djangoapps.certificates.models import CertificateAllowlist, CertificateInvalidation
from openedx.core.djangoapps.user_api.models import UserPreference, UserRetirementRequest, UserRetirementStatus

LANGUAGE = "pref-lang"
TEACHES = frozenset({"staff", "limited_staff", "instructor"})
BETA_TESTER = "beta_testers"
NAMES = "edx_name_affirmation"
APPROVED = "approved"
MOST = 200
"""Courses of one learner that are told of."""


def people(usernames: Collection[str]) -> list[Person]:
    """Those accounts. Who has asked to be removed has no address and is not active any more."""
    users = _users(usernames, "profile")
    ids = [user.pk for user in users]
    leaving = _leaving(users)
    languages = dict(UserPreference.objects.filter(user_id__in=ids, key=LANGUAGE).values_list("user_id", "value"))
    verified = _verified_names(ids)
    return [
        Person(
            key=user.username,
            name=verified.get(user.pk) or _name(user),
            email="" if user.pk in leaving else user.email,
            language=languages.get(user.pk, ""),
            active=user.is_active and user.pk not in leaving,
            external_id=str(user.pk),
            account=user.pk,
        )
        for user in users
    ]


def courses_of(username: str) -> list[str]:
    """Keys of the courses that the account is enrolled in, the latest first: one query."""
    found = CourseEnrollment.objects.filter(user__username=username, is_active=True).order_by("-pk")
    return [str(key) for key in found.values_list("course_id", flat=True)[:MOST]]


def standing(course: CourseKey | None, usernames: Collection[str], audience: Audience) -> list[Standing]:
    """What decides about them in that course; of a pathway's members, where there is none, their accounts alone."""
    users = _users(usernames)
    ids = [user.pk for user in users]
    leaving = _leaving(users)
    modes: dict[int, str] = {}
    roles: dict[int, set[str]] = {}
    invalidated, allowed = set[int](), set[int]()
    if course is not None:
        enrolled = CourseEnrollment.objects.filter(course_id=course, user_id__in=ids, is_active=True)
        modes = dict(enrolled.values_list("user_id", "mode"))
        for user_id, role in CourseAccessRole.objects.filter(_covering(course), user_id__in=ids).values_list(
            "user_id", "role"
        ):
            roles.setdefault(user_id, set()).add(role)
        if audience.platform_invalidations:
            found = CertificateInvalidation.objects.filter(
                generated_certificate__course_id=course, generated_certificate__user_id__in=ids, active=True
            )
            invalidated = set(found.values_list("generated_certificate__user_id", flat=True))
        if audience.platform_allowlist:
            listed = CertificateAllowlist.objects.filter(course_id=course, user_id__in=ids, allowlist=True)
            allowed = set(listed.values_list("user_id", flat=True))
    return [
        Standing(
            learner=user.username,
            mode=modes.get(user.pk, ""),
            certified=user.pk not in modes or CourseMode.is_eligible_for_certificate(modes[user.pk]),
            active=user.is_active,
            staff=bool(roles.get(user.pk, set()) & TEACHES),
            beta_tester=BETA_TESTER in roles.get(user.pk, ()),
            retiring=user.pk in leaving,
            invalidated=user.pk in invalidated,
            allowed=user.pk in allowed,
        )
        for user in users
    ]


def teaches(user: Any, course: CourseKey) -> bool:
    """Whether that user has a role over the course: in it, in its organisation, or in the whole site."""
    return bool(CourseAccessRole.objects.filter(_covering(course), user_id=user.pk, role__in=TEACHES).exists())


def taught(user: Any, courses: Any) -> Any:
    """Those of the courses (a queryset) that the user has a role over, in any of the three ways; one query more."""
    roles = CourseAccessRole.objects.filter(user_id=user.pk, role__in=TEACHES)
    told = list(roles.values_list("course_id", "org"))
    if any(not course and not org for course, org in told):
        return courses
    keys = [course for course, _org in told if course]
    return courses.filter(Q(id__in=keys) | Q(org__in=[org for course, org in told if not course]))


def _covering(course: CourseKey) -> Q:
    """Roles in the course, in its organisation (no course), in the site (neither)."""
    return Q(course_id=course) | Q(course_id=CourseKeyField.Empty, org__in=(course.org, ""))


def _users(usernames: Collection[str], *related: str) -> Sequence[Any]:
    found = get_user_model().objects.filter(username__in=usernames).select_related(*related).order_by("pk")
    return [user for user in found if user.username in usernames]  # exactly: MySQL ignores upper and lower case


def _leaving(users: Iterable[Any]) -> set[int]:
    """Those being retired: as soon as it is asked for the address is replaced, long before everything else."""
    ids = [user.pk for user in users]
    asked = UserRetirementRequest.objects.filter(user_id__in=ids).values_list("user_id", flat=True)
    under_way = UserRetirementStatus.objects.filter(user_id__in=ids).values_list("user_id", flat=True)
    platform: Any = settings
    prefix, domain = platform.RETIRED_EMAIL_PREFIX, f"@{platform.RETIRED_EMAIL_DOMAIN}"
    replaced = {user.pk for user in users if user.email.startswith(prefix) and user.email.endswith(domain)}
    return replaced | set(asked) | set(under_way)


def _name(user: Any) -> str:
    profile = getattr(user, "profile", None)
    full = profile.name if profile else ""
    return (full or "").strip() or f"{user.first_name} {user.last_name}".strip() or str(user.username)


def _verified_names(ids: list[int]) -> dict[int, str]:
    """The approved names of those who chose to have them on certificates; the latest say counts."""
    if not apps.is_installed(NAMES):
        return {}
    from edx_name_affirmation.models import VerifiedName, VerifiedNameConfig  # noqa: PLC0415 - not every site has it

    said = VerifiedNameConfig.objects.filter(user_id__in=ids).order_by("change_date", "pk")
    wanted = dict(said.values_list("user_id", "use_verified_name_for_certs"))
    approved = VerifiedName.objects.filter(user_id__in=[pk for pk, wants in wanted.items() if wants], status=APPROVED)
    return dict(approved.order_by("created", "pk").values_list("user_id", "verified_name"))
