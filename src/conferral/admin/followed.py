"""What goes on in the background, as a person follows it: how far it is, in words and in figures."""

from typing import Any

from babel.numbers import format_decimal
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _now

from conferral.admin import words
from conferral.admin.base import RecordAdmin
from conferral.facts import locale, number
from conferral.issuance.progress import Progress, progress_of
from conferral.models import DryRun, Run

GOING_ON = (Run.Status.ASKED, Run.Status.RUNNING)
SLOW = 10
"""Below so many of something each counts: they are told with a decimal."""


def of_run(run: Run | DryRun) -> dict[str, Any]:
    """How far a run is, in words and figures, for the page and for the script that follows it."""
    far = progress_of(run)  # type: ignore[arg-type]  # both have what it reads
    going_on = run.status in GOING_ON
    if run.status == Run.Status.ASKED:
        said = _now("It is about to begin.")
    elif going_on and far.evaluated:
        said = f"{_looked_at(far.evaluated, far.rate)} {_what_is_left(far)}".strip()
    elif going_on:
        said = _now("It is reading the first learners.")
    else:
        said = words.word(words.RUN, run.status)
    return {"going_on": going_on, "share": far.share or 0, "said": said, "evaluated": far.evaluated}


def _looked_at(evaluated: int, rate: float) -> str:
    """How many, and how fast: of a slow source, too, the figure says something."""
    if rate < 1:
        said, speed = _now("%(evaluated)s learners looked at, %(rate)s a minute."), rate * 60
    else:
        said, speed = _now("%(evaluated)s learners looked at, %(rate)s a second."), rate
    rate_ = format_decimal(round(speed, 1 if speed < SLOW else 0), locale=locale())
    return said % {"evaluated": number(evaluated), "rate": rate_}


def _what_is_left(far: Progress) -> str:
    """The time, where it is known how many there are."""
    if far.expected is None:
        return _now("How many there are in all is not known yet.")
    return _now("About %s left.") % words.duration(far.left.total_seconds()) if far.left else ""


class FollowedAdmin(RecordAdmin):
    """Records of what goes on, or has ended."""

    def told(self, obj: Any) -> dict[str, Any]:
        """How far it is, for the page and for the script that follows it."""
        return of_run(obj)

    def followed(self, obj: Any) -> dict[str, Any]:
        """What the page of one has."""
        return {"progress": self.told(obj), "progress_url": self.address("progress", obj.pk)}

    def visible(self, request: HttpRequest, key: object) -> Any:
        """The record, for who may see it."""
        found = self.get_object(request, str(key))
        if found is None or not self.has_view_permission(request, found):
            raise PermissionDenied
        return found

    def get_urls(self) -> list[URLPattern]:
        """With what the script asks while it goes on."""
        view = self.admin_site.admin_view(self.progress_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_progress"
        return [path("<int:key>/progress/", view, name=name), *super().get_urls()]

    def progress_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """How far it is."""
        return JsonResponse(self.told(self.visible(request, key)))
