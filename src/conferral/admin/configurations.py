"""The instructor's page: a credential type in a course, lesson or pathway, and when it runs."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import schedules, tasks
from conferral.admin import when, words
from conferral.admin.base import UseCaseAdmin, link_to, named, nudge, structure, told
from conferral.admin.forms import (
    StructureField,
    UseCaseForm,
    mapping,
    mapping_of_mappings,
    printable_or_removed,
)
from conferral.contract import ConferralError
from conferral.issuance import configure, standstill
from conferral.issuance import run as runs
from conferral.models import CredentialConfiguration, Run

UPCOMING = LATEST = 5
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
        "context key": "context_key",
        "context": "context_key",
        "generator": "generators",
        "fields": "printed",
    }

    when = forms.CharField(label=_("When"), required=False, initial=when.EXAMPLE, max_length=200, help_text=when.HELP)
    time_zone = forms.ChoiceField(label=_("Time zone"), initial=timezone.get_default_timezone_name)
    processor_options = StructureField(
        check=mapping,
        label=_("Options of the rule"),
        help_text=_('What is different from the type here, as JSON: <code>{"required_completion": 0.9}</code>.'),
    )
    audience = StructureField(
        check=mapping,
        label=_("Who may get one"),
        help_text=_('What is different from the type here, as JSON: <code>{"modes": ["verified"]}</code>.'),
    )
    step_options = StructureField(
        check=mapping_of_mappings, label=_("Options by step"), help_text=_("For a pathway: by the key of its course.")
    )
    generators = StructureField(
        check=mapping, rows=10, label=_("Designs"), help_text=_("By slot, as the type has them.")
    )
    printed = StructureField(
        check=printable_or_removed,
        label=_("Fields"),
        help_text=_('What is printed: <code>{"hours": 40}</code>; null takes one of the type\'s away.'),
    )

    class Meta:
        model = CredentialConfiguration
        fields = ("context_key", "type", "enabled", "time_zone", *OPTIONS)
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

    def present(self, instance: Any) -> dict[str, Any]:
        """When it runs, in one line; and what is printed."""
        return {"when": when.shown(instance.schedule, _zone(instance.time_zone)), "printed": instance.fields}

    def read(self, cleaned: dict[str, Any]) -> None:
        """The schedule; what was not touched stays to the second."""
        if self.instance.pk and not {"when", "time_zone"} & set(self.changed_data):
            cleaned["schedule"] = self.instance.schedule
            return
        try:
            schedule = when.read(cleaned["when"], _zone(cleaned["time_zone"]))
        except ValidationError as error:
            raise ValidationError({"when": error}) from None
        if "at" in schedule and datetime.fromisoformat(schedule["at"]) <= datetime.now(UTC):
            raise ValidationError({"when": _("This is past; write a time that is still to come.")})
        cleaned["schedule"] = schedule

    def identity(self) -> dict[str, Any]:
        """The context and the type."""
        return {"context_key": self.kept("context_key"), "type": self.kept("type")}

    def perform(self) -> configure.Change:
        """Saves the configuration."""
        given = {name: self.cleaned_data[name] for name in ("enabled", "time_zone", "schedule", *OPTIONS)}
        given["fields"] = self.cleaned_data["printed"]
        return configure.save_configuration(self.kept("context_key"), self.kept("type").name, **given)


@admin.register(CredentialConfiguration)
class ConfigurationAdmin(UseCaseAdmin):
    """Configurations: saved, switched, and run now."""

    form = ConfigurationForm
    list_display = ("key", "type", "enabled", "schedule_in_words", "next_run", "last_run")
    list_filter = ("enabled", "type")
    list_select_related = ("type",)
    search_fields = ("context_key", "type__name")
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    ordering = ("context_key", "type__name")
    actions = ("run_now", "enable", "disable")
    _whole = (None, {"fields": ("context_key", "type", "enabled", "time_zone", "when")})
    _overrides = (_("Overrides"), {"fields": OVERRIDES, "classes": ("collapse",)})
    _runs = (_("Issuing runs"), {"fields": ("next_runs", "last_runs")})
    add_fieldsets = (_whole, _overrides)
    fieldsets: ClassVar[Any] = (_whole, _overrides, _runs)
    view_fields = (
        *("context_key", "type", "enabled", "schedule_in_words", "time_zone"),
        *("shown_processor_options", "shown_audience", "shown_step_options", "shown_generators", "shown_fields"),
        *("next_runs", "last_runs"),
    )
    key = named("context_key", _("Key"))
    shown_processor_options = structure("processor_options", _("Options of the rule"))
    shown_audience = structure("audience", _("Who may get one"))
    shown_step_options = structure("step_options", _("Options by step"))
    shown_generators = structure("generators", _("Designs"))
    shown_fields = structure("fields", _("Fields"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What has never been saved has no runs."""
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What tells it from others stays."""
        return ("context_key", "type", "next_runs", "last_runs") if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[CredentialConfiguration]:
        """With the outcome of the last run beside each."""
        last = Run.objects.filter(configuration=OuterRef("pk")).order_by("-pk")
        outcome = {f"last_{name}": Subquery(last.values(name)[:1]) for name in ("status", "started", "issued")}
        found: QuerySet[CredentialConfiguration] = super().get_queryset(request)
        return found.select_related("type").annotate(**outcome)

    def remove(self, obj: CredentialConfiguration) -> None:
        """One that has issued nothing."""
        configure.delete_configuration(obj.context_key, obj.type.name)

    @admin.display(description=_("When"))
    def schedule_in_words(self, obj: CredentialConfiguration) -> str:
        """As the owner wrote it."""
        return schedules.in_words(obj.schedule, obj.time_zone)

    @admin.display(description=_("Next run"), ordering="next_run_at")
    def next_run(self, obj: CredentialConfiguration) -> str:
        """In its own time zone."""
        return words.local(obj.next_run_at, obj.time_zone)

    @admin.display(description=_("Last run"))
    def last_run(self, obj: Any) -> str:
        """Its outcome, when, and how many it issued."""
        if obj.last_status is None:
            return "-"
        issued = ngettext("%d issued", "%d issued", obj.last_issued) % obj.last_issued
        return f"{words.word(words.RUN, obj.last_status)}, {issued} ({words.local(obj.last_started, obj.time_zone)})"

    @admin.display(description=_("Next"))
    def next_runs(self, obj: CredentialConfiguration) -> str:
        """The next five, in its own time zone."""
        if not obj.enabled:
            return _now("None: it is switched off.")
        times = [words.local(instant, obj.time_zone) for instant in schedules.upcoming(obj, UPCOMING)]
        return format_html_join("", "{}<br>", ((each,) for each in times)) or _now("None: it runs by hand alone.")

    @admin.display(description=_("Last"))
    def last_runs(self, obj: CredentialConfiguration) -> str:
        """The latest five: when, how they ended, and what they counted."""
        rows = [
            (
                link_to(run, words.local(run.started, obj.time_zone)),
                words.word(words.RUN, run.status),
                ngettext("%d looked at", "%d looked at", run.evaluated) % run.evaluated,
                ngettext("%d issued", "%d issued", run.issued) % run.issued,
                f" · {run.error or run.remarks}" if run.error or run.remarks else "",
            )
            for run in obj.runs.order_by("-pk")[:LATEST]
        ]
        return format_html_join("", "{} · {} · {} · {}{}<br>", rows) or _now("None yet.")

    @admin.action(description=_("Run now"), permissions=["change"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration]) -> None:
        """Asks a worker to run each: a large course takes longer than a page may."""
        if stop := standstill.standing():
            self.message_user(request, _now("Nothing was started: Conferral is %s.") % stop, messages.ERROR)
            return
        for configuration in queryset:
            if not configuration.enabled:
                text = _now("%s is switched off; enable it first.") % configuration
                self.message_user(request, text, messages.ERROR)
                continue
            runs.run_soon(configuration)
            nudge(request, (tasks.run_if_due, configuration.pk), lost=LATER)
            self.log_change(request, configuration, "Run now.")
            self.message_user(
                request, _now("%s: a run was asked for; “Last run” tells how it went.") % configuration, messages.INFO
            )

    @admin.action(description=_("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration]) -> None:
        """Switches them on; one that could not run says why, and stays off."""
        self._switch(request, queryset, on=True)

    @admin.action(description=_("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration]) -> None:
        """Switches them off."""
        self._switch(request, queryset, on=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration], *, on: bool) -> None:
        done = 0
        for one in queryset:
            values = {name: getattr(one, name) for name in ("time_zone", "schedule", *OPTIONS, "fields")}
            try:
                change = configure.save_configuration(one.context_key, one.type.name, enabled=on, **values)
            except ConferralError as error:
                told(self, request, ConferralError(f"{one}: {error}"))
                continue
            if change.action == "change":
                done += 1
                self.log_change(request, one, "Enabled." if on else "Disabled.")
        text = (
            ngettext("%d configuration was switched on.", "%d configurations were switched on.", done)
            if on
            else ngettext("%d configuration was switched off.", "%d configurations were switched off.", done)
        )
        self.message_user(request, text % done)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # one that this machine does not know any more
        return ZoneInfo("UTC")
