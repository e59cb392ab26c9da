"""The name that the platform prints."""

from django.apps import apps

from common.djangoapps.student.models import UserProfile


def get_preferred_certificate_name(user):
    """The latest approved name of who wants it on certificates, else the profile's, else none."""
    if apps.is_installed("edx_name_affirmation"):
        from edx_name_affirmation.models import VerifiedName, VerifiedNameConfig

        said = VerifiedNameConfig.objects.filter(user=user).first()
        if said and said.use_verified_name_for_certs:
            approved = VerifiedName.objects.filter(user=user, status="approved").order_by("-created").first()
            if approved:
                return approved.verified_name
    profile = UserProfile.objects.filter(user=user).first()
    return profile.name if profile else ""
