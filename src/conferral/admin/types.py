"""Credential types: the rule, the designs and the words."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from conferral import plugins
from conferral.admin.base import UseCaseAdmin, structure
from conferral.admin.forms import StructureField, UseCaseForm, mapping, mapping_of_mappings, printable
from conferral.contract import ConferralError, Kind
from conferral.issuance import configure
from conferral.models import CredentialType

KINDS = {Kind.COURSE: _("Course"), Kind.LESSON: _("Lesson"), Kind.PATHWAY: _("Pathway")}
DATES = {
    CredentialType.PrintedDate.ISSUED: _("Day of issue"),
    CredentialType.PrintedDate.EARNED: _("Day on which it was earned"),
    CredentialType.PrintedDate.END: _("End of the course"),
}
VALIDITY = {"years": 100, "months": 1200, "days": 36500}
PLAIN = ("processor", "processor_options", "audience", "generators", "locale", "printed_date", "kinds")


class TypeForm(UseCaseForm):
    """A credential type; the mail's words and the validity have fields of their own."""

    places: ClassVar = {
        "generator": "generators",
        "fields": "printed",
        "wording.subject": "subject",
        "wording.body": "body",
        "validity.years": "years",
    }

    processor = forms.ChoiceField(label=_("Rule"), help_text=_("What decides who has earned it."))
    processor_options = StructureField(
        check=mapping,
        label=_("Options of the rule"),
        help_text=_('JSON; shares are from 0 to 1: <code>{"required_completion": 0.8}</code>.'),
    )
    audience = StructureField(
        check=mapping,
        label=_("Who may get one"),
        help_text=_(
            "JSON; left empty: as the platform does it, that is nobody who audits, tests or teaches the course, and no "
            'account that is not active: <code>{"modes": ["verified"], "course_staff": true}</code>.'
        ),
    )
    generators = StructureField(
        check=mapping_of_mappings,
        rows=20,
        label=_("Designs"),
        help_text=_(
            "JSON, by slot: "
            '<code>{"certificate": {"generator": "pdf", "required": true, "options": {"template": "classic"}}}</code>.'
        ),
    )
    printed = StructureField(
        check=printable, label=_("Fields"), help_text=_('What else is printed: <code>{"hours": 40}</code>.')
    )
    kinds = forms.MultipleChoiceField(
        label=_("For"),
        required=False,
        choices=[(kind.value, word) for kind, word in KINDS.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None checked: for all that the rule knows."),
    )
    printed_date = forms.ChoiceField(
        label=_("Printed date"), choices=[(str(date), word) for date, word in DATES.items()]
    )
    subject = forms.CharField(
        label=_("Subject of the mail"),
        required=False,
        max_length=255,
        help_text=_("Left empty: Conferral's own words."),
    )
    body = forms.CharField(
        label=_("Words in the mail"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "cols": 80}),
        help_text=_("With placeholders like {name} and {context}."),
    )
    years = forms.IntegerField(label=_("Years"), required=False, min_value=0, max_value=VALIDITY["years"])
    months = forms.IntegerField(label=_("Months"), required=False, min_value=0, max_value=VALIDITY["months"])
    days = forms.IntegerField(label=_("Days"), required=False, min_value=0, max_value=VALIDITY["days"])

    class Meta:
        model = CredentialType
        fields = ("name", *PLAIN)
        labels = {"name": _("Name"), "locale": _("Language")}
        help_texts = {
            "name": _("As it is printed."),
            "locale": _("A tag like fr or pt-BR; left empty: the course's."),
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if "processor" in self.fields:
            field: Any = self.fields["processor"]
            field.choices = rules(self.instance.processor)

    def present(self, instance: Any) -> dict[str, Any]:
        """What is printed, the mail's words and the validity."""
        wording = {name: instance.wording.get(name, "") for name in ("subject", "body")}
        return {"printed": instance.fields} | wording | {name: instance.validity.get(name) for name in VALIDITY}

    def identity(self) -> dict[str, Any]:
        """The name."""
        return {"name": self.cleaned_data["name"]}

    def perform(self) -> None:
        """Renames and saves it; every enabled configuration has to be able to run with it as it is then."""
        name = self.cleaned_data["name"]
        before = self.initial["name"] if self.instance.pk else name
        with transaction.atomic():
            if before != name:
                configure.rename_type(before, name)
            change = configure.save_type(name, **self._values())
            if change.action == "change":
                configure.check_configurations(types={name}, contexts=(), slugs=())

    def _values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            **{name: cleaned[name] for name in PLAIN},
            "fields": cleaned["printed"],
            "wording": {name: cleaned[name] for name in ("subject", "body") if cleaned[name]},
            "validity": {name: cleaned[name] for name in VALIDITY if cleaned[name]},
        }


@admin.register(CredentialType)
class TypeAdmin(UseCaseAdmin):
    """Credential types: saved, renamed and deleted."""

    form = TypeForm
    list_display = ("name", "rule", "meant_for", "designs", "used")
    list_filter = ("processor",)
    search_fields = ("name",)
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "kinds")}),
        (_("Rule"), {"fields": ("processor", "processor_options", "audience")}),
        (_("Design"), {"fields": ("generators", "printed", "locale", "printed_date")}),
        (
            _("Valid for"),
            {
                "fields": (("years", "months", "days"),),
                "description": _("Counted from the day of issue; all left empty: for ever."),
            },
        ),
        (_("Mail to the learner"), {"fields": ("subject", "body")}),
    )
    view_fields = (
        *("name", "meant_for", "rule", "shown_processor_options", "shown_audience", "shown_generators", "shown_fields"),
        *("locale", "printed_date", "shown_validity", "shown_wording"),
    )
    shown_processor_options = structure("processor_options", _("Options of the rule"))
    shown_audience = structure("audience", _("Who may get one"))
    shown_generators = structure("generators", _("Designs"))
    shown_fields = structure("fields", _("Fields"))
    shown_validity = structure("validity", _("Valid for"))
    shown_wording = structure("wording", _("Mail to the learner"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[CredentialType]:
        """With the number of configurations."""
        found: QuerySet[CredentialType] = super().get_queryset(request)
        return found.annotate(use=Count("configurations"))

    def remove(self, obj: CredentialType) -> None:
        """One that nothing uses."""
        configure.delete_type(obj.name)

    @admin.display(description=_("Rule"), ordering="processor")
    def rule(self, obj: CredentialType) -> str:
        """Its label, or that it is not installed any more."""
        return rule_label(obj.processor)

    @admin.display(description=_("For"))
    def meant_for(self, obj: CredentialType) -> str:
        """The kinds of contexts."""
        return ", ".join(str(KINDS.get(kind, kind)) for kind in obj.kinds) or _now("all")

    @admin.display(description=_("Designs"))
    def designs(self, obj: CredentialType) -> str:
        """The slots with their generators."""
        return (
            ", ".join(f"{slot} ({declared.get('generator', '?')})" for slot, declared in obj.generators.items()) or "-"
        )

    @admin.display(description=_("Configurations"), ordering="use")
    def used(self, obj: Any) -> int:
        """How many use it."""
        return int(obj.use)


def rules(present: str = "") -> list[tuple[str, str]]:
    """The installed processors by name, and the present one even when it is not installed any more."""
    installed = list(plugins.offered(plugins.PROCESSORS))
    names = installed if present in ("", *installed) else [*installed, present]
    return [(name, rule_label(name)) for name in names]


def rule_label(name: str) -> str:
    """What a processor calls itself."""
    if name not in plugins.offered(plugins.PROCESSORS):
        return _now("%s (not installed)") % name
    try:
        return f"{plugins.processor(name).label} ({name})"
    except ConferralError:  # whoever chooses it is told what is wrong with it
        return _now("%s (cannot be loaded)") % name
