"""The platform's own certificates, and what staff decide about them."""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField

from lms.djangoapps.certificates.data import CertificateStatuses
from openedx.core.djangoapps.xmodule_django.models import NoneToEmptyManager
from stamped import Stamped


class EligibleCertificateManager(models.Manager):
    def get_queryset(self):
        audit = (CertificateStatuses.audit_passing, CertificateStatuses.audit_notpassing)
        return super().get_queryset().exclude(status__in=audit)


class GeneratedCertificate(models.Model):
    # The first is the default manager.
    eligible_certificates = EligibleCertificateManager()
    objects = models.Manager()

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255, blank=True, default=None)
    verify_uuid = models.CharField(max_length=32, blank=True, default="", db_index=True)
    download_uuid = models.CharField(max_length=32, blank=True, default="")
    download_url = models.CharField(max_length=128, blank=True, default="")
    grade = models.CharField(max_length=5, blank=True, default="")
    key = models.CharField(max_length=32, blank=True, default="")
    distinction = models.BooleanField(default=False)
    status = models.CharField(max_length=32, default="unavailable")
    mode = models.CharField(max_length=32, default="honor")
    name = models.CharField(blank=True, max_length=255)
    created_date = models.DateTimeField(auto_now_add=True)
    modified_date = models.DateTimeField(auto_now=True)
    error_reason = models.CharField(max_length=512, blank=True, default="")

    class Meta:
        unique_together = (("user", "course_id"),)

    def is_valid(self):
        return self.status == CertificateStatuses.downloadable


class CertificateDateOverride(Stamped):
    generated_certificate = models.OneToOneField(
        GeneratedCertificate, on_delete=models.CASCADE, related_name="date_override"
    )
    date = models.DateTimeField()
    reason = models.TextField()
    overridden_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING)


class CertificateInvalidation(Stamped):
    generated_certificate = models.ForeignKey(GeneratedCertificate, on_delete=models.CASCADE)
    invalidated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    notes = models.TextField(default=None, null=True)
    active = models.BooleanField(default=True)


class CertificateAllowlist(Stamped):
    objects = NoneToEmptyManager()

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255, blank=True, default=None)
    allowlist = models.BooleanField(default=False)
    notes = models.TextField(default=None, null=True)

    class Meta:
        unique_together = [["course_id", "user"]]
