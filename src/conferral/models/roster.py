"""What the roster gateway knows: learning contexts, and how far learners have come in them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.contract import KEY_LENGTH, Kind
from conferral.models.learner import Learner

KINDS = [(Kind.COURSE.value, _("Course")), (Kind.LESSON.value, _("Lesson")), (Kind.PATHWAY.value, _("Pathway"))]


class Context(models.Model):
    """A course, lesson or pathway that no LMS tells of. `steps` are the keys of a pathway's courses, in order.

    `teachers` are the users who look after its credentials.

    .. no_pii:
    """

    key = models.CharField(_("key"), max_length=KEY_LENGTH, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=KINDS, default=Kind.COURSE)
    name = models.CharField(_("name"), max_length=255)
    organisation = models.CharField(_("organisation"), max_length=255, blank=True)
    language = models.CharField(_("language"), max_length=35, blank=True)
    start = models.DateTimeField(pgettext_lazy("when", "begins"), null=True, blank=True)
    end = models.DateTimeField(pgettext_lazy("when", "ends"), null=True, blank=True)
    pass_mark = models.DecimalField(_("pass mark"), max_digits=5, decimal_places=4, null=True, blank=True)
    steps = models.JSONField(_("steps"), default=list, blank=True)
    teachers = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="conferral_contexts")

    class Meta:
        verbose_name = _("course, lesson or pathway")
        verbose_name_plural = _("courses, lessons and pathways")

    def __str__(self) -> str:
        return self.key


class RosterEntry(models.Model):
    """A learner's progress in one context: shares 0..1 as decimal strings, exactly as the file had them.

    `completion` is empty when the file has no such column; `grades` is by assignment type, and `total`.

    .. pii: A learner's completion and grades.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    context = models.ForeignKey(
        Context, on_delete=models.PROTECT, related_name="entries", verbose_name=_("course, lesson or pathway")
    )
    learner = models.ForeignKey(
        Learner, on_delete=models.PROTECT, related_name="roster_entries", verbose_name=_("learner")
    )
    completion = models.CharField(max_length=40, blank=True)
    grades = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("roster entry")
        verbose_name_plural = _("roster entries")
        constraints = [models.UniqueConstraint(fields=["context", "learner"], name="conferral_rosterentry_once")]

    def __str__(self) -> str:
        return f"{self.learner_id} in {self.context_id}"
