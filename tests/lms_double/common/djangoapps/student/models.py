"""Enrolments, profiles and roles."""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField

from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from openedx.core.djangoapps.xmodule_django.models import NoneToEmptyManager


class UserProfile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, related_name="profile", on_delete=models.CASCADE)
    name = models.CharField(blank=True, max_length=255, db_index=True)
    # What a learner once typed here; the language of the site is a preference.
    language = models.CharField(blank=True, max_length=255, db_index=True)
    meta = models.TextField(blank=True)

    class Meta:
        db_table = "auth_userprofile"


class CourseEnrollment(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    # `course_id` is a course key. There need not be an overview.
    course = models.ForeignKey(CourseOverview, db_constraint=False, on_delete=models.DO_NOTHING)
    created = models.DateTimeField(auto_now_add=True, null=True, db_index=True)
    is_active = models.BooleanField(default=True)
    mode = models.CharField(default="audit", max_length=100)

    class Meta:
        unique_together = (("user", "course"),)
        indexes = [models.Index(fields=["user", "-created"], name="double_enrolment")]
        ordering = ("user", "course")


class CourseAccessRole(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    # Empty: the whole site's.
    org = models.CharField(max_length=64, db_index=True, blank=True)
    # Empty, asked for as None: the whole organisation's.
    course_id = CourseKeyField(max_length=255, db_index=True, blank=True)
    role = models.CharField(max_length=64, db_index=True)

    objects = NoneToEmptyManager()

    class Meta:
        unique_together = ("user", "org", "course_id", "role")
