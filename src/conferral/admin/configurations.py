"""The instructor's page: a credential type in a course, lesson or pathway, and when it runs."""

import time
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from conferral import access, plugins, schedules
from conferral.admin import keys, pictured, when, wishes, words
from conferral.admin import opening as rules
from conferral.admin.base import course_and_type, keyed, told_by
from conferral.admin.configuration_form import OVERRIDES, ConfigurationForm
from conferral.admin.drawn import differences
from conferral.admin.live import LiveAdmin, Part
from conferral.admin.site import registered
from conferral.admin.switching import SwitchedAdmin
from conferral.admin.types import KINDS
from conferral.issuance import opening, removal
from conferral.issuance.forecast import PATIENCE, forecast
from conferral.issuance.preflight import Preflight, Problem
from conferral.models import CredentialConfiguration, Run
from conferral.spoken import spoken

EVERYTHING = ("",)
"""How the name of any field begins."""
UPCOMING = LATEST = 5
PROBLEMS = 20


def _differing(name: str, label: Any) -> Any:
    """A method that shows what is different from the type."""
    return told_by(name, label, lambda one: [(path, str(text)) for path, text in differences(getattr(one, name))])


@registered(CredentialConfiguration)
class ConfigurationAdmin(SwitchedAdmin, LiveAdmin):
    """Configurations: saved, switched, and run now."""

    form = ConfigurationForm
    change_form_template = "conferral/admin/record.html"
    asks = wishes.ASKS
    shaping: ClassVar = {"type": ("processor_options", "audience", "generators", "printed")}
    of = "pk"
    list_display = ("course", "type", "enabled", "schedule_in_words", "next_run", "last_run")
    list_filter = ("enabled", "type")
    list_select_related = ("type",)
    search_fields = ("context_key", "context_name", "type__name")
    search_help_text = _("Key or name of a course, lesson or pathway, or name of a credential type")
    ordering = ("context_key", "type__name")
    live: ClassVar = {
        "key": Part("context_key", ("context_key",), "live_key", _("Course, lesson or pathway")),
        "times": Part(
            "when", ("when_", "time_zone", "enabled", "opens", "stop", "context_key"), "live_times", _("Next runs")
        ),
        "now": Part("when", EVERYTHING, "live_now", _("Who would get one now"), button=_("See who would get one now")),
        "picture": Part("sample", EVERYTHING, "live_picture", _("How it looks"), beside=True),
        "names": Part(
            "sample",
            EVERYTHING,
            "live_names",
            _("Names that do not come out"),
            button=_("Try everybody's name"),
            beside=True,
        ),
    }
    _whole = (None, {"fields": ("context_key", "type", "enabled")})
    _when = (_("When"), {"fields": ("time_zone", "when")})
    _overrides = (_("What is different from the type here"), {"fields": OVERRIDES, "classes": ("collapse",)})
    _rules = (
        _("Opening, closing, holding back"),
        {
            "fields": (
                ("opens", "opens_days"),
                "stop",
                "guard",
                ("guard_learners", "guard_share"),
                ("wait", "wait_unit"),
                "review",
            ),
            "classes": ("collapse",),
        },
    )
    _looks = (_("How it looks"), {"fields": ("sample",)})
    _runs = (_("Issuing runs"), {"fields": ("next_alone", "last_runs")})
    add_fieldsets = (_whole, _when, _rules, _overrides, _looks)
    fieldsets: ClassVar[Any] = (_whole, _when, _rules, _overrides, _looks, _runs)
    view_fields = (
        *("context_key", "type", "enabled", "schedule_in_words", "time_zone"),
        *("shown_processor_options", "shown_audience", "shown_step_options", "shown_generators", "shown_fields"),
        *("next_runs", "last_runs"),
    )
    shown_processor_options = _differing("processor_options", _("Options of the rule"))
    shown_audience = _differing("audience", _("Who may get one"))
    shown_step_options = _differing("step_options", _("Options by step"))
    shown_generators = _differing("generators", _("Designs"))
    shown_fields = _differing("fields", _("Fields"))

    @admin.display(description=_("Course, lesson or pathway"), ordering="context_key")
    def course(self, obj: CredentialConfiguration) -> str:
        """As the source calls it, and its key."""
        return keyed(obj, obj.context_name)

    def render_change_form(self, request: HttpRequest, context: Any, *arguments: Any, **named: Any) -> HttpResponse:
        """Headed by what people call it; its key stands below."""
        if found := named.get("obj"):
            context["subtitle"] = course_and_type(found)
        return super().render_change_form(request, context, *arguments, **named)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What has never been saved has no runs."""
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What tells it from others stays."""
        return ("context_key", "type", "next_alone", "last_runs") if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[CredentialConfiguration]:
        """With the outcome of the last run beside each."""
        last = Run.objects.filter(configuration=OuterRef("pk")).order_by("-pk")
        told = ["status", "started", "issued", "evaluated"]
        if access.limits(request.user, "view_run", "change_run") != frozenset():
            told.append("pk")  # that of the link, for those who may follow it
        outcome = {f"last_{name}": Subquery(last.values(name)[:1]) for name in told}
        found: QuerySet[CredentialConfiguration] = super().get_queryset(request)
        return found.select_related("type").annotate(**outcome)

    def get_urls(self) -> list[URLPattern]:
        """With the address of suggestions."""
        view = self.admin_site.admin_view(self.suggest_view)
        return [path("suggest/", view, name="conferral_credentialconfiguration_suggest"), *super().get_urls()]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **named: Any) -> Any:
        """With the first suggestions, for those without scripts."""
        found = super().get_form(request, obj, change=change, **named)
        if "context_key" in found.base_fields:
            widget = found.base_fields["context_key"].widget
            widget.address, widget.known = self.address("suggest"), keys.known(request.user, found.limits)
        return found

    def suggest_view(self, request: HttpRequest) -> JsonResponse:
        """The contexts that a text finds, among those in which this person may configure."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        found = keys.known(request.user, self.limits(request, "add"), request.GET.get("q", ""))
        return JsonResponse({"results": [asdict(one) for one in found]})

    def live_key(self, request: HttpRequest, form: Any) -> tuple[str, dict[str, Any]]:
        """What the key names, or what is wrong with it."""
        key = str(form.data.get("context_key", "")).strip()
        if form.instance.pk or not key:
            return "key", {}
        context = keys.described(request.user, form.limits, key)
        return "key", {"context": context, "kind": KINDS[context.kind]}

    def live_times(self, request: HttpRequest, form: Any) -> tuple[str, dict[str, Any]]:
        """The next five runs, in the time zone that was chosen; whatever else is wrong with the form."""
        if problems := [*form.told("when", "time_zone", "opens", "opens_days", "stop")]:
            return "problem", {"problems": problems}
        zone, schedule, now = form.cleaned_data["time_zone"], form.schedule(), timezone.now()
        schedules.check(schedule, zone)
        try:
            dates = rules.dates_of(form, form.limits)
        except ValidationError as error:
            return "problem", {"problems": error.messages}
        untouched = schedule == form.instance.schedule
        since = form.instance.schedule_since if untouched else None
        there = CredentialConfiguration(
            schedule=schedule,
            time_zone=zone,
            schedule_since=since or now,
            opens_at=dates.opens,
            closes_at=dates.closes,
        )
        is_closed = bool(form.instance.closed and dates.closes and now >= dates.closes)
        times = [] if is_closed else schedules.foreseen(there, UPCOMING, now)
        return "times", {
            "times": [(words.weekday(instant, zone), _is_last(instant, dates.closes)) for instant in times],
            "words": when.in_words(schedule, when.zone_of(zone)),
            "by_hand": not schedule,
            "zone": zone,
            "off": not form.cleaned_data.get("enabled"),
            "dates": rules.in_words(dates.opens, dates.closes, zone),
            "remarks": [
                *(capfirst(each) for each in dates.remarks),
                *([capfirst(opening.state_of(form.instance, now).why)] if is_closed else ()),
            ],
        }

    def live_now(self, request: HttpRequest, form: Any) -> tuple[str, dict[str, Any]]:
        """What a run would come to."""
        if problems := form.told():
            return "problem", {"problems": problems}
        found = forecast(form.candidate())
        remarks = [capfirst(spoken(each)) for each in (found.why_held, *found.remarks) if each]
        figures = list(words.figures(found.figures))
        return "now", {"figures": figures, "whole": found.whole, "evaluated": found.evaluated, "remarks": remarks}

    def live_picture(self, request: HttpRequest, form: Any) -> tuple[str, dict[str, Any]]:
        """Every design of the type, as this course has it."""
        if not form.instance.pk and "type" in form.errors:
            return "problem", {"problems": [_now("Choose a credential type; then you see it here.")]}
        if problems := form.told("type", *OVERRIDES):
            return "problem", {"problems": problems}
        sample = form.cleaned_data.get("sample", "").strip()
        slots, standing = pictured.of_configuration(form, sample, keys.named(request.user, form.limits, sample))
        return "picture", {"slots": slots, "standing": standing}

    def live_names(self, request: HttpRequest, form: Any) -> tuple[str, dict[str, Any]]:
        """Everybody's name through every design, as far as somebody waits; the first that do not come out."""
        if problems := form.told():
            return "problem", {"problems": problems}
        found: list[Problem] = []
        looked_at, until = 0, time.monotonic() + PATIENCE
        for count, problems in Preflight(form.candidate(), plugins.gateway()).pages():
            looked_at += count
            found += problems
            if time.monotonic() > until or len(found) >= PROBLEMS:
                break
        return "names", {"problems": found[:PROBLEMS], "looked_at": looked_at}

    def remove(self, obj: CredentialConfiguration, by: Any) -> None:
        """One that has issued nothing."""
        removal.delete_configuration(obj.context_key, obj.type.name, by=by)

    @admin.display(description=_("When"))
    def schedule_in_words(self, obj: CredentialConfiguration) -> str:
        """As one says it."""
        return when.in_words(obj.schedule, when.zone_of(obj.time_zone))

    @admin.display(description=_("Next run"), ordering="next_run_at")
    def next_run(self, obj: CredentialConfiguration) -> str:
        """In its own time zone; else why there is none."""
        if obj.next_run_at or not obj.enabled:
            return words.local(obj.next_run_at, obj.time_zone)
        return opening.state_of(obj, timezone.now()).why or "-"

    @admin.display(description=_("Last run"))
    def last_run(self, obj: Any) -> str:
        """Its outcome, when, and how many it issued."""
        if obj.last_status is None:
            return "-"
        issued = ngettext("%d issued", "%d issued", obj.last_issued) % obj.last_issued
        said = f"{words.word(words.RUN, obj.last_status)}, {issued} ({words.local(obj.last_started, obj.time_zone)})"
        return self.to_run(obj.last_pk, said) if hasattr(obj, "last_pk") else said

    @admin.display(description=pgettext_lazy("run", "Next"))
    def next_runs(self, obj: CredentialConfiguration) -> str:
        """The next five, for whoever is not shown them beside the form."""
        return self._next(obj, UPCOMING)

    @admin.display(description=pgettext_lazy("run", "Next"))
    def next_alone(self, obj: CredentialConfiguration) -> str:
        """The next one: the form tells the others as it is filled in."""
        return self._next(obj, 1)

    def _next(self, obj: CredentialConfiguration, most: int) -> str:
        """So many, in its own time zone; else why there is none; and when it opens and closes."""
        if not obj.enabled:
            return _now("None: it is switched off.")
        times = [
            words.local(instant, obj.time_zone) + (f" ({_now('the last')})" if _is_last(instant, obj.closes_at) else "")
            for instant in schedules.upcoming(obj, most)
        ]
        if why := "" if times else opening.state_of(obj, timezone.now()).why:
            times = [_now("None: %s.") % why]
        elif not times:
            times = [_now("None: its time has been.") if obj.schedule else _now("None: it runs by hand alone.")]
        said = [] if obj.closed else rules.in_words(obj.opens_at, obj.closes_at, obj.time_zone)
        return format_html_join("", "{}<br>", ((each,) for each in (*times, *said)))

    @admin.display(description=pgettext_lazy("run", "Last"))
    def last_runs(self, obj: CredentialConfiguration) -> str:
        """The latest five: when, how they ended, and what they counted; and the way to all."""
        may_look = hasattr(obj, "last_pk")
        rows = [
            (
                self.to_run(run.pk, began) if may_look else began,
                words.word(words.RUN, run.status),
                ngettext("%d looked at", "%d looked at", run.evaluated) % run.evaluated,
                ngettext("%d issued", "%d issued", run.issued) % run.issued,
                f" · {spoken(run.error or run.remarks)}" if run.error or run.remarks else "",
            )
            for run in obj.runs.order_by("-pk")[:LATEST]
            for began in (words.local(run.started, obj.time_zone),)
        ]
        if not rows:
            return _now("None yet.")
        shown = format_html_join("", "{} · {} · {} · {}{}<br>", rows)
        if not may_look:
            return shown
        every = f"{self.address('changelist', model=Run)}?configuration__id__exact={obj.pk}"
        return format_html('{}<a class="conferral-all" href="{}">{}</a>', shown, every, _now("All runs…"))


def _is_last(instant: datetime, closes: datetime | None) -> bool:
    return closes is not None and instant >= closes
