"""What is said of a configuration: the form that a person fills in who writes no JSON unless they want to."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conferral.admin import keys, options, when
from conferral.admin import opening as rules
from conferral.admin.forms import (
    StructureField,
    UseCaseForm,
    mapping,
    mapping_of_mappings,
    printable_or_removed,
)
from conferral.admin.keys import SuggestInput
from conferral.admin.options import OptionsField
from conferral.contract import Audience, ConferralError
from conferral.issuance import configure, correct, opening, plan
from conferral.models import CredentialConfiguration, CredentialType

OPTIONS = ("processor_options", "audience", "step_options", "generators")
OVERRIDES = (*OPTIONS, "printed")


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
        help_text=_("A name, or the username of a learner, who is shown with their own figures; it is not saved."),
    )

    opens = forms.ChoiceField(label=_("Opens"), choices=list(rules.OPENS.items()), required=False)
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
        help_text=_("That is more than both numbers below. Somebody then releases or refuses what it holds."),
    )
    guard_learners = forms.IntegerField(
        label=_("Learners"), required=False, min_value=0, max_value=10_000_000, initial=50
    )
    guard_share = forms.DecimalField(
        label=_("Share of the course (%)"), required=False, min_value=0, max_value=100, initial=20
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
            rule, given = options.of_processor(chosen.processor), chosen.processor_options
            shown = given if self.limits is None else options.without_people(chosen.processor, given)
            hidden = {name: value for name, value in given.items() if name not in shown}
            self.shape("processor_options", rule, given, of=of, hidden=hidden)
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
        try:
            return configure.save_configuration(
                self.kept("context_key"), self.kept("type").name, by=self.by, **self._given()
            )
        except ConferralError:
            self._check_key()
            raise

    def _check_key(self) -> None:
        """Of a key that is not known, it is told which may be meant, in the words of the hint."""
        if self.instance.pk:
            return
        try:
            keys.described(self.by, self.limits, self.kept("context_key"))
        except ConferralError as error:
            raise ConferralError(str(error), where="context_key") from None

    def _given(self) -> dict[str, Any]:
        given = {
            name: self.cleaned_data[name]
            for name in ("enabled", "time_zone", "schedule", "opening", "guards", *OPTIONS)
        }
        return given | {"fields": self.cleaned_data["printed"]}


def _is_past(schedule: dict[str, str]) -> bool:
    return "at" in schedule and datetime.fromisoformat(schedule["at"]) <= datetime.now(UTC)
