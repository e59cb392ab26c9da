"""The platform's own certificates."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from opaque_keys.edx.django.models import CourseKeyField


class GeneratedCertificate(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, db_constraint=False, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255)
    status = models.CharField(max_length=32, default="unavailable")
    mode = models.CharField(max_length=32, default="honor")
    created_date = models.DateTimeField(default=timezone.now)
    modified_date = models.DateTimeField(default=timezone.now)

    class Meta:
        unique_together = (("user", "course_id"),)


class CertificateDateOverride(models.Model):
    generated_certificate = models.OneToOneField(
        GeneratedCertificate, on_delete=models.CASCADE, related_name="date_override"
    )
    date = models.DateTimeField()
    reason = models.CharField(max_length=150)


class CertificateInvalidation(models.Model):
    generated_certificate = models.ForeignKey(GeneratedCertificate, on_delete=models.CASCADE)
    active = models.BooleanField(default=True)


class CertificateAllowlist(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, db_constraint=False, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255, blank=True, default=None)
    allowlist = models.BooleanField(default=False)

    class Meta:
        unique_together = [("course_id", "user")]
