"""Which modes there are certificates for."""

from django.conf import settings


class CourseMode:
    AUDIT, HONOR, VERIFIED, PROFESSIONAL = "audit", "honor", "verified", "professional"

    @classmethod
    def is_eligible_for_certificate(cls, mode_slug, status=None):
        """All but audit; where a site has switched honor certificates off, only those honor learners have already."""
        if mode_slug == cls.HONOR and getattr(settings, "FEATURES", {}).get("DISABLE_HONOR_CERTIFICATES"):
            return status == "downloadable"
        return mode_slug != cls.AUDIT
