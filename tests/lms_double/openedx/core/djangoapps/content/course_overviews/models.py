"""What the LMS keeps of a course to show it."""

from datetime import UTC, datetime

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField

from stamped import Stamped


class CourseOverview(Stamped):
    version = models.IntegerField(default=1)
    id = CourseKeyField(db_index=True, primary_key=True, max_length=255)
    _location = UsageKeyField(max_length=255)
    org = models.TextField(max_length=255, default="outdated_entry")
    display_name = models.TextField(null=True)
    display_number_with_default = models.TextField()
    display_org_with_default = models.TextField()
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    start_date = models.DateTimeField(null=True)
    end_date = models.DateTimeField(null=True)
    certificates_display_behavior = models.TextField(null=True)
    certificates_show_before_end = models.BooleanField(default=False)
    cert_html_view_enabled = models.BooleanField(default=False)
    has_any_active_web_certificate = models.BooleanField(default=False)
    cert_name_short = models.TextField()
    cert_name_long = models.TextField()
    certificate_available_date = models.DateTimeField(default=None, null=True)
    lowest_passing_grade = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    visible_to_staff_only = models.BooleanField(default=False)
    invitation_only = models.BooleanField(default=False)
    self_paced = models.BooleanField(default=False)
    language = models.TextField(null=True)

    @classmethod
    def get_from_id(cls, course_id):
        return cls.objects.get(id=course_id)

    def has_started(self):
        return self.start is None or datetime.now(UTC) > self.start

    def has_ended(self):
        return self.end is not None and datetime.now(UTC) > self.end
