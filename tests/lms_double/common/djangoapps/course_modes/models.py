"""Which modes there are certificates for."""


class CourseMode:
    AUDIT = "audit"

    @classmethod
    def is_eligible_for_certificate(cls, mode_slug, status=None):
        return mode_slug != cls.AUDIT
