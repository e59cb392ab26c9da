"""The instructor's page: a credential type in a course, lesson or pathway, and when it runs."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from conferral import access, plugins, schedules, tasks
from conferral.admin import keys, options, pictured, when, wishes, words
from conferral.admin import opening as rules
from conferral.admin.asks import AskedAdmin
from conferral.admin.base import named, nudge, told, told_by
from conferral.admin.drawn import differences
from conferral.admin.forms import (
    StructureField,
    UseCaseForm,
    mapping,
    mapping_of_mappings,
    printable_or_removed,
)
from conferral.admin.keys import SuggestInput
from conferral.admin.live import LiveAdmin, Part
from conferral.admin.options import OptionsField
from conferral.admin.site import registered
from conferral.admin.types import KINDS
from conferral.contract import Audience, ConferralError
from conferral.issuance import configure, correct, opening, plan, standstill
from conferral.issuance import run as runs
from conferral.issuance.forecast import PATIENCE, forecast
from conferral.issuance.preflight import Preflight, Problem
from conferral.models import CredentialConfiguration, CredentialType, Run
from conferral.spoken import spoken

OPENS = rules.OPENS
EVERYTHING = ("",)
"""How the name of any field begins."""
UPCOMING = LATEST = 5
PROBLEMS = 20
SHOWN = 50
"""Configurations that a page which asks names."""
OPTIONS = ("processor_options", "audience", "step_options", "generators")
OVERRIDES = (*OPTIONS, "printed")
LATER = _(
    "The message broker cannot be reached at the moment: it runs at the next sweep, within a minute once it is back."
)


@cache
def time_zones() -> tuple[str, ...]:
    """Those that people know by a place, and UTC."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


class ConfigurationForm(UseCaseForm):
    """A configuration, for a person who writes no JSON unless they want to."""

    places: ClassVar = {
        "schedule": "when",
        "opening.after_start": "opens_days",
        "opening.after_end": "opens_days",
        "opening.stop": "stop",
        "opening": "stop",
        "guards.learners": "guard_learners",
        "guards.share": "guard_share",
        "guards.wait": "wait",
        "context key": "context_key",
        "context": "context_key",
        "generator": "generators",
        "fields": "printed",
    }

    when = when.WhenField(label=_("When"), initial=dict(when.BEGIN))
    time_zone = forms.ChoiceField(label=_("Time zone"), initial=timezone.get_default_timezone_name)
    processor_options = OptionsField(check=mapping, label=_("Options of the rule"))
    audience = OptionsField(check=mapping, label=_("Who may get one"))
    step_options = StructureField(
        check=mapping_of_mappings, label=_("Options by step"), help_text=_("For a pathway: by the key of its course.")
    )
    generators = OptionsField(check=mapping, rows=10, label=_("Designs"))
    printed = OptionsField(
        check=printable_or_removed,
        label=_("Fields"),
        help_text=_(
            'What is printed, by name, like hours and 40. As JSON: <code>{"hours": 40}</code>; null takes one of the '
            "type's away."
        ),
    )

    sample = forms.CharField(
        label=_("Name on the picture"),
        required=False,
        max_length=correct.NAME_LENGTH,
        help_text=_("A name, or the username of a learner; it is not saved."),
    )

    opens = forms.ChoiceField(label=_("Opens"), choices=list(OPENS.items()), required=False)
    opens_days = forms.IntegerField(label=_("Days after"), required=False, min_value=0, max_value=opening.MOST_DAYS)
    stop = forms.IntegerField(
        label=_("Closes, days after the end of the course"),
        required=False,
        min_value=0,
        max_value=opening.MOST_DAYS,
        help_text=_(
            "The next run from then on is the last: it issues, then the schedule is off. Empty: never by itself."
        ),
    )
    guard = forms.BooleanField(
        label=_("Hold back a run that issues to too many at once"),
        required=False,
        initial=True,
        help_text=_("That is more than either of the two below. Somebody then releases or refuses what it holds."),
    )
    guard_learners = forms.IntegerField(
        label=_("Learners"), required=False, min_value=0, max_value=10_000_000, initial=50
    )
    guard_share = forms.DecimalField(
        label=_("Share of the course (%)"),
        required=False,
        min_value=0,
        max_value=100,
        max_digits=6,
        decimal_places=3,
        initial=20,
    )
    wait = forms.IntegerField(
        label=_("Waiting period"),
        required=False,
        min_value=1,
        max_value=rules.MOST,
        help_text=_("Between qualifying and issuing. Empty: none."),
    )
    wait_unit = forms.ChoiceField(label=_("Its unit"), required=False, choices=list(rules.WAITS.items()), initial="day")
    review = forms.BooleanField(
        label=_("Review first: each credential is held until somebody releases or refuses it"), required=False
    )

    class Meta:
        model = CredentialConfiguration
        fields = ("context_key", "type", "enabled", "time_zone", *OPTIONS)
        widgets = {"context_key": SuggestInput}
        error_messages = {
            NON_FIELD_ERRORS: {"unique_together": _("This type is configured in this course already; change that one.")}
        }
        labels = {"context_key": _("Course, lesson or pathway"), "type": _("Credential type"), "enabled": _("Enabled")}
        help_texts = {
            "context_key": _("Its key, for example course-v1:Demo+CS101+2026. It cannot be changed later."),
            "type": _("It cannot be changed later."),
            "enabled": _("Runs at its times; the credentials are issued without anybody doing anything more."),
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if "time_zone" in self.fields:
            field: Any = self.fields["time_zone"]
            present = {self.instance.time_zone} - set(time_zones()) if self.instance.pk else set()
            field.choices = [(name, name) for name in (*time_zones(), *present)]
            field.error_messages["invalid_choice"] = _(
                "“%(value)s” is no time zone; choose one, like Europe/Paris or UTC."
            )

        if chosen := self._type():
            of = str(chosen.pk)
            self.shape("processor_options", options.of_processor(chosen.processor), chosen.processor_options, of=of)
            self.shape("audience", options.of_model(Audience), chosen.audience, of=of)
            self.shape("generators", options.of_slots(), chosen.generators, of=of)
            printed = options.of_printable(plan.merge(chosen.fields, self.instance.fields))
            self.shape("printed", printed, chosen.fields, of=of)

    def _type(self) -> CredentialType | None:
        """The type of which the options are what differs."""
        if self.instance.pk:
            kept: CredentialType = self.instance.type
            return kept
        chosen = str(self.data.get("type", ""))
        return CredentialType.objects.filter(pk=int(chosen)).first() if chosen.isdecimal() else None

    def present(self, instance: Any) -> dict[str, Any]:
        """When it runs, in parts; and what is printed."""
        shown = {"when": when.parts(instance.schedule, when.zone_of(instance.time_zone)), "printed": instance.fields}
        return shown | rules.shown(instance)

    def clean_context_key(self) -> Any:
        """Before anything else is looked at: whoever may not configure there is told nothing of what is there."""
        key = self.cleaned_data["context_key"]
        if self.limits is not None and key not in self.limits:
            raise ValidationError(_("You do not teach this one; check the key, or ask who runs it."))
        return key

    def read(self, cleaned: dict[str, Any]) -> None:
        """The schedule; what was not touched stays to the second."""
        cleaned["schedule"] = self.schedule()
        cleaned["opening"], cleaned["guards"] = rules.opening_of(cleaned), rules.guards_of(cleaned)
        if cleaned["schedule"] != self.instance.schedule and _is_past(cleaned["schedule"]):
            raise ValidationError({"when": _("This is past; write a time that is still to come.")})

    def schedule(self) -> dict[str, str]:
        """What was chosen."""
        if self.instance.pk and not {"when", "time_zone"} & set(self.changed_data):
            kept: dict[str, str] = self.instance.schedule
            return kept
        return when.schedule(self.cleaned_data["when"], when.zone_of(self.cleaned_data["time_zone"]))

    def candidate(self) -> CredentialConfiguration:
        """The configuration as it stands in the form; it is not there to be saved."""
        return CredentialConfiguration(
            pk=self.instance.pk or 0, context_key=self.kept("context_key"), type=self.kept("type"), **self._given()
        )

    def identity(self) -> dict[str, Any]:
        """The context and the type."""
        return {"context_key": self.kept("context_key"), "type": self.kept("type")}

    def perform(self) -> configure.Change:
        """Saves the configuration."""
        return configure.save_configuration(
            self.kept("context_key"), self.kept("type").name, by=self.by, **self._given()
        )

    def _given(self) -> dict[str, Any]:
        given = {
            name: self.cleaned_data[name]
            for name in ("enabled", "time_zone", "schedule", "opening", "guards", *OPTIONS)
        }
        return given | {"fields": self.cleaned_data["printed"]}


def _differing(name: str, label: Any) -> Any:
    """A method that shows what is different from the type."""
    return told_by(name, label, lambda one: [(path, str(text)) for path, text in differences(getattr(one, name))])


@registered(CredentialConfiguration)
class ConfigurationAdmin(AskedAdmin, LiveAdmin):
    """Configurations: saved, switched, and run now."""

    form = ConfigurationForm
    change_form_template = "conferral/admin/record.html"
    asks = wishes.ASKS
    shaping: ClassVar = {"type": ("processor_options", "audience", "generators", "printed")}
    of = "pk"
    list_display = ("key", "type", "enabled", "schedule_in_words", "next_run", "last_run")
    list_filter = ("enabled", "type")
    list_select_related = ("type",)
    search_fields = ("context_key", "type__name")
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    ordering = ("context_key", "type__name")
    actions = ("run_now", "enable", "disable")
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
    _runs = (_("Issuing runs"), {"fields": ("next_runs", "last_runs")})
    add_fieldsets = (_whole, _when, _rules, _overrides, _looks)
    fieldsets: ClassVar[Any] = (_whole, _when, _rules, _overrides, _looks, _runs)
    view_fields = (
        *("context_key", "type", "enabled", "schedule_in_words", "time_zone"),
        *("shown_processor_options", "shown_audience", "shown_step_options", "shown_generators", "shown_fields"),
        *("next_runs", "last_runs"),
    )
    key = named("context_key", _("Key"))
    shown_processor_options = _differing("processor_options", _("Options of the rule"))
    shown_audience = _differing("audience", _("Who may get one"))
    shown_step_options = _differing("step_options", _("Options by step"))
    shown_generators = _differing("generators", _("Designs"))
    shown_fields = _differing("fields", _("Fields"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What has never been saved has no runs."""
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What tells it from others stays."""
        return ("context_key", "type", "next_runs", "last_runs") if obj else ()

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
        name = keys.named(request.user, form.limits, form.cleaned_data.get("sample", ""))
        return "picture", {"slots": pictured.of_configuration(form, name)}

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

    def remove(self, obj: CredentialConfiguration) -> None:
        """One that has issued nothing."""
        configure.delete_configuration(obj.context_key, obj.type.name)

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
        return self._to_run(obj.last_pk, said) if hasattr(obj, "last_pk") else said

    @admin.display(description=pgettext_lazy("run", "Next"))
    def next_runs(self, obj: CredentialConfiguration) -> str:
        """The next five, in its own time zone; else why there is none; and when it opens and closes."""
        if not obj.enabled:
            return _now("None: it is switched off.")
        times = [
            words.local(instant, obj.time_zone) + (f" ({_now('the last')})" if _is_last(instant, obj.closes_at) else "")
            for instant in schedules.upcoming(obj, UPCOMING)
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
                self._to_run(run.pk, began) if may_look else began,
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

    def _to_run(self, pk: int, said: str) -> str:
        return format_html('<a href="{}">{}</a>', self.address("change", pk, model=Run), said)

    @admin.action(description=_("Run now"), permissions=["change"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration]) -> HttpResponse | None:
        """Asks a worker to run each: a large course takes longer than a page may."""
        if stop := standstill.standing():
            self.message_user(request, _now("Nothing was started: Conferral is %s.") % stop, messages.ERROR)
            return None
        chosen = list(self.within(request, queryset, "change"))
        for one in chosen:
            if not one.enabled:
                self.message_user(request, _now("%s is switched off; enable it first.") % one, messages.ERROR)
        found = [one for one in chosen if one.enabled]
        if found and not _is_confirmed(request):
            explanation = _now("It looks at every learner and issues to those who qualify and have none yet.")
            button = ngettext("Run %d configuration", "Run %d configurations", len(found)) % len(found)
            return self._confirmed(request, found, title=_now("Run now"), explanation=explanation, button=button)
        may_look = access.limits(request.user, "view_run", "change_run") != frozenset()
        for one in found:
            asked = runs.ask(one, by=request.user)
            nudge(request, (tasks.run_asked, asked.pk), lost=LATER)
            self.log_change(request, one, "Run now.")
            said = _now("A run was asked for")
            said = format_html("{}: {}", self._to_run(asked.pk, said) if may_look else said, one)
            self.message_user(request, said, messages.INFO)
        return None

    @admin.action(description=_("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration]) -> HttpResponse | None:
        """Switches them on; one that could not run says why, and stays off."""
        found = [one for one in self.within(request, queryset, "change") if not one.enabled]
        if found and not _is_confirmed(request):
            button = ngettext("Enable %d configuration", "Enable %d configurations", len(found)) % len(found)
            explanation = _now("They run at their times; what is issued then is issued without anybody doing more.")
            return self._confirmed(request, found, title=_now("Enable"), explanation=explanation, button=button)
        self._switch(request, found, on=True)
        return None

    @admin.action(description=_("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration]) -> HttpResponse | None:
        """Switches them off."""
        found = [one for one in self.within(request, queryset, "change") if one.enabled]
        if found and not _is_confirmed(request):
            button = ngettext("Disable %d configuration", "Disable %d configurations", len(found)) % len(found)
            explanation = _now("They do not run any more. What was issued stays.")
            return self._confirmed(request, found, title=_now("Disable"), explanation=explanation, button=button)
        self._switch(request, found, on=False)
        return None

    def _confirmed(self, request: HttpRequest, found: Sequence[Any], **said: str) -> HttpResponse:
        """The page that asks whether to."""
        across = request.POST.get("select_across") == "1"
        content = {
            **self.admin_site.each_context(request),
            **said,
            "opts": self.opts,
            "media": self.media,
            "back": request.get_full_path(),
            "action": request.POST["action"],
            "across": across,
            "keys": [one.pk for one in (found[:1] if across else found)],
            "found": found[:SHOWN],
            "more": max(len(found) - SHOWN, 0),
        }
        return TemplateResponse(request, "conferral/admin/ask_many.html", content)

    def _switch(self, request: HttpRequest, found: Sequence[CredentialConfiguration], *, on: bool) -> None:
        done = 0
        for one in found:
            values = {
                name: getattr(one, name) for name in ("time_zone", "schedule", "opening", "guards", *OPTIONS, "fields")
            }
            try:
                change = configure.save_configuration(
                    one.context_key, one.type.name, by=request.user, enabled=on, **values
                )
            except ConferralError as error:
                told(self, request, ConferralError("%(error)s", where=str(one), error=error))
                continue
            if change.action == "change":
                done += 1
                self.log_change(request, one, "Enabled." if on else "Disabled.")
            for remark in change.remarks:
                self.message_user(request, f"{one}: {remark}", messages.WARNING)
        text = (
            ngettext("%d configuration was switched on.", "%d configurations were switched on.", done)
            if on
            else ngettext("%d configuration was switched off.", "%d configurations were switched off.", done)
        )
        self.message_user(request, text % done)


def _is_confirmed(request: HttpRequest) -> bool:
    return "confirmed" in request.POST


def _is_last(instant: datetime, closes: datetime | None) -> bool:
    return closes is not None and instant >= closes


def _is_past(schedule: dict[str, str]) -> bool:
    return "at" in schedule and datetime.fromisoformat(schedule["at"]) <= datetime.now(UTC)
