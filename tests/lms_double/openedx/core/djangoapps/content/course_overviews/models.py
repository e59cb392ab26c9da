"""What the LMS keeps of a course to show it."""

from datetime import UTC, datetime

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class CourseOverview(models.Model):
    id = CourseKeyField(db_index=True, primary_key=True, max_length=255)
    org = models.TextField(max_length=255, default="outdated_entry")
    display_name = models.TextField(null=True)
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    cert_name_short = models.TextField(default="")
    cert_name_long = models.TextField(default="")
    certificates_display_behavior = models.TextField(null=True)
    certificate_available_date = models.DateTimeField(default=None, null=True)
    self_paced = models.BooleanField(default=False)
    language = models.TextField(null=True)
    lowest_passing_grade = models.DecimalField(max_digits=5, decimal_places=2, null=True)

    def has_ended(self):
        return self.end is not None and datetime.now(UTC) > self.end
