"""Credential types: the rule, the designs and the words."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import access, plugins
from conferral.admin import mail_words, options, pictured, words
from conferral.admin.asks import Ask, AskedAdmin, Done
from conferral.admin.base import told_by
from conferral.admin.forms import UseCaseForm, mapping, mapping_of_mappings, printable
from conferral.admin.live import LiveAdmin, Part
from conferral.admin.options import OptionsField
from conferral.admin.site import registered
from conferral.contract import Audience, ConferralError, Kind, Publication
from conferral.issuance import configure, correct, preview, removal
from conferral.models import Credential, CredentialType, Delivery
from conferral.spoken import spoken

KINDS = {Kind.COURSE: _("Course"), Kind.LESSON: _("Lesson"), Kind.PATHWAY: _("Pathway")}
USED = 20
"""Configurations that a type's page names."""
SPANS = {"years": _("Years"), "months": _("Months"), "days": _("Days")}
VALIDITY = {"years": 100, "months": 1200, "days": 36500}
PLAIN = ("processor", "processor_options", "audience", "generators", "publish", "locale", "printed_date", "kinds")


class TypeForm(mail_words.MailWords, UseCaseForm):  # type: ignore[misc, valid-type]
    """A credential type; the mail's words and the validity have fields of their own."""

    places: ClassVar = {
        "generator": "generators",
        "fields": "printed",
        **mail_words.PLACES,
        "validity.years": "years",
    }

    processor = forms.ChoiceField(label=_("Rule"), help_text=_("What decides who has earned it."))
    processor_options = OptionsField(check=mapping, label=_("Options of the rule"))
    audience = OptionsField(
        check=mapping,
        label=_("Who may get one"),
        help_text=_(
            "Left as it is: as the platform does it, that is nobody who audits, tests or teaches the course, and no "
            "account that is not active."
        ),
    )
    generators = OptionsField(
        check=mapping_of_mappings, rows=20, label=_("Designs"), help_text=_("What is made, each under a name.")
    )
    publish = OptionsField(
        check=mapping,
        label=_("What its pages tell"),
        help_text=_("Left as it is: strangers may download the files and see no evidence."),
    )
    printed = OptionsField(
        check=printable,
        label=_("Fields"),
        help_text=_('What else is printed, by name, like hours and 40. As JSON: <code>{"hours": 40}</code>.'),
    )
    kinds = forms.MultipleChoiceField(
        label=_("For"),
        required=False,
        choices=[(kind.value, word) for kind, word in KINDS.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None checked: for all that the rule knows."),
    )
    printed_date = forms.ChoiceField(label=_("Printed date"), choices=CredentialType.PrintedDate.choices)
    years = forms.IntegerField(label=_("Years"), required=False, min_value=0, max_value=VALIDITY["years"])
    months = forms.IntegerField(label=_("Months"), required=False, min_value=0, max_value=VALIDITY["months"])
    days = forms.IntegerField(label=_("Days"), required=False, min_value=0, max_value=VALIDITY["days"])

    sample = forms.CharField(
        label=_("Name on the picture"), required=False, max_length=correct.NAME_LENGTH, help_text=_("It is not saved.")
    )

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
            chosen = str(self.data.get("processor") or self.instance.processor or field.choices[0][0])
            stored = self.instance.processor_options if chosen == self.instance.processor else {}
            self.shape("processor_options", options.of_processor(chosen), of=chosen, stored=stored)
            self.shape("audience", options.of_model(Audience))
            self.shape("generators", options.of_slots())
            self.shape("publish", options.of_model(Publication))
            self.shape("printed", options.of_printable(self.instance.fields))

    def present(self, instance: Any) -> dict[str, Any]:
        """What is printed, the mail's words and the validity."""
        validity = {name: instance.validity.get(name) for name in VALIDITY}
        return {"printed": instance.fields} | mail_words.present(instance.wording) | validity

    def identity(self) -> dict[str, Any]:
        """The name."""
        return {"name": self.cleaned_data["name"]}

    def perform(self) -> None:
        """Renames and saves it; every enabled configuration has to be able to run with it as it is then."""
        name = self.cleaned_data["name"]
        before = self.initial["name"] if self.instance.pk else name
        with transaction.atomic():
            if before != name:
                configure.rename_type(before, name, by=self.by)
            change = configure.save_type(name, by=self.by, **self._values())
            if change.action == "change":
                configure.check_users(types={name}, contexts=(), slugs=())

    def candidate(self) -> CredentialType:
        """The type as it stands in the form; it is not there to be saved."""
        return CredentialType(pk=self.instance.pk or 0, name=self.cleaned_data["name"], **self._values())

    def _values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            **{name: cleaned[name] for name in PLAIN},
            "fields": cleaned["printed"],
            "wording": mail_words.read(cleaned, self.instance.wording),
            "validity": {name: cleaned[name] for name in VALIDITY if cleaned[name]},
        }


class CopyForm(forms.Form):
    """The name of the copy."""

    name = forms.CharField(label=_("Name"), max_length=255, help_text=_("As it is printed."))


def _copy(admin_: Any, request: HttpRequest, obj: CredentialType, values: dict[str, Any]) -> Done:
    name = values["name"].strip()
    if CredentialType.objects.filter(name=name).exists():
        raise ConferralError(_now("There is a type of this name already; choose another."))
    stored = CredentialType.objects.get(pk=obj.pk)  # `obj` may be without those whom its rule names
    kept = (*PLAIN, "fields", "wording", "validity")
    configure.save_type(name, by=request.user, **{each: getattr(stored, each) for each in kept})
    made = CredentialType.objects.get(name=name)
    return Done(_now("“%s” was made; change it as you like.") % name, admin_.address("change", made.pk))


class RuleFilter(words.WordFilter):
    """Types by their rule, as it calls itself."""

    title, parameter_name = _("rule"), "processor"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Those in use."""
        used = CredentialType.objects.order_by("processor").values_list("processor", flat=True).distinct()
        return [(name, rule_label(name)) for name in used]


@registered(CredentialType)
class TypeAdmin(AskedAdmin, LiveAdmin):
    """Credential types: saved, renamed and deleted."""

    form = TypeForm
    change_form_template = "conferral/admin/record.html"
    asks: ClassVar = {
        "copy": Ask(
            title=_("Copy"),
            explain=lambda one: _now("Another type with the rule, the designs and the words of “%s”.") % one.name,
            button=_("Copy"),
            form=CopyForm,
            perform=_copy,
        )
    }
    shaping: ClassVar = {"processor": ("processor_options",)}
    live: ClassVar = {
        "picture": Part("sample", ("",), "live_picture", _("How it looks"), beside=True),
        "mail": Part("mail_language", ("",), "live_mail", _("Mail to the learner"), _("Show the mail")),
    }
    list_display = ("name", "rule", "meant_for", "designs", "used")
    list_filter = (RuleFilter,)
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
        *mail_words.FIELDSETS,
        (_("Public page"), {"fields": ("publish",)}),
        (_("How it looks"), {"fields": ("sample",)}),
    )
    view_fields = (
        *("name", "picture", "meant_for", "rule", "shown_processor_options", "shown_audience", "designs"),
        *("shown_fields", "locale", "printed_date", "shown_validity", "shown_wording", "shown_publish"),
    )
    shown_processor_options = told_by(
        "processor_options",
        _("Options of the rule"),
        lambda one: options.in_words(options.of_processor(one.processor), one.processor_options),
    )
    shown_audience = told_by(
        "audience", _("Who may get one"), lambda one: options.in_words(options.of_model(Audience), one.audience)
    )
    shown_fields = told_by("fields", _("Fields"), lambda one: [(name, str(text)) for name, text in one.fields.items()])
    shown_validity = told_by(
        "validity",
        _("Valid for"),
        lambda one: [(str(SPANS.get(name, name)), str(number)) for name, number in one.validity.items()],
    )
    shown_publish = told_by(
        "publish", _("Public page"), lambda one: options.in_words(options.of_model(Publication), one.publish)
    )
    shown_wording = told_by("wording", _("Mail to the learner"), lambda one: list(mail_words.in_words(one.wording)))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With where it is used, once it is there."""
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        where = {"fields": ("used_in",), "description": _("Changes count from the next run on. What was issued stays.")}
        return [*found, (_("Where it is used"), where)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The same."""
        return ("used_in",) if obj else ()

    def _tells_people(self, request: HttpRequest) -> bool:
        """Whether this person may read which people a rule names; they may be of any course."""
        return access.limits(request.user, "view_learner") is None or super().has_change_permission(request)

    def may_ask(self, request: HttpRequest, obj: Any, ask: Ask) -> bool:
        """Whoever may add one."""
        return self.has_add_permission(request)

    @admin.display(description=_("Configurations"))
    def used_in(self, obj: Any) -> str:
        """The first of them that this person may see, with links; and how many credentials were issued with it."""
        seen = _seen(obj.seen_within)
        configurations = obj.configurations.filter(seen).select_related("type").order_by("context_key")
        rows = [(self.link_to(one, one.context_key),) for one in configurations[:USED]]
        more = obj.use - len(rows)
        shown = format_html_join("", "{}<br>", rows) or _now("None.")
        keys = list(configurations.values_list("pk", flat=True))
        count = Credential.objects.filter(configuration__in=keys).exclude(state=Credential.State.HELD).count()
        issued = ngettext("%d credential was issued.", "%d credentials were issued.", count) % count
        return format_html("{}{} {}", shown, _now("and %d more") % more if more > 0 else "", issued)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CredentialType]:
        """With the number of configurations that this person may see."""
        found: QuerySet[CredentialType] = super().get_queryset(request)
        return found.annotate(use=Count("configurations", filter=_seen(_seen_by(request), "configurations__")))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The type, which knows who looks at it."""
        found: Any = super().get_object(request, object_id, from_field)
        if found is not None:
            found.seen_within = _seen_by(request)
            if not self._tells_people(request):
                found.processor_options = options.without_people(found.processor, found.processor_options)
        return found

    def live_picture(self, request: HttpRequest, form: Any) -> tuple[str, dict[str, Any]]:
        """Every design of the type, in an invented course."""
        if problems := form.told():
            return "problem", {"problems": problems}
        return "picture", {"slots": pictured.of_type(form.candidate(), form.cleaned_data.get("sample", ""))}

    def live_mail(self, request: HttpRequest, form: Any) -> tuple[str, dict[str, Any]]:
        """The mail about a credential of the type, in an invented course."""
        if problems := form.told():
            return "problem", {"problems": problems}
        said = form.cleaned_data
        purpose = said.get("mail_purpose") or Delivery.Purpose.ISSUED
        wanted = {"name": said.get("sample") or None, "language": said.get("mail_language", ""), "purpose": purpose}
        message = preview.letter(form.candidate(), plugins.gateway(), **wanted).message()
        return "mail", {"letter": message, "html": message.alternatives[0][0]}

    def remove(self, obj: CredentialType, by: Any) -> None:
        """One that nothing uses."""
        removal.delete_type(obj.name, by=by)

    @admin.display(description=_("Rule"), ordering="processor")
    def rule(self, obj: CredentialType) -> str:
        """Its label, or that it is not installed any more."""
        return rule_label(obj.processor)

    @admin.display(description=_("How it looks"))
    def picture(self, obj: CredentialType) -> str:
        """Every design, in an invented course."""
        try:
            slots = pictured.of_type(obj)
        except ConferralError as error:
            slots = [pictured.Pictured(obj.name, problems=(spoken(error),))]
        return render_to_string("conferral/admin/live/picture.html", {"slots": slots})

    @admin.display(description=_("For"))
    def meant_for(self, obj: CredentialType) -> str:
        """The kinds of contexts."""
        return ", ".join(str(KINDS.get(kind, kind)) for kind in obj.kinds) or _now("all")

    @admin.display(description=_("Designs"))
    def designs(self, obj: CredentialType) -> str:
        """The slots with their generators."""
        return ", ".join(f"{slot} ({design_label(each)})" for slot, each in obj.generators.items()) or "-"

    @admin.display(description=_("Configurations"), ordering="use")
    def used(self, obj: Any) -> int:
        """How many use it."""
        return int(obj.use)


def _seen_by(request: HttpRequest) -> frozenset[str] | None:
    return access.limits(request.user, "view_credentialconfiguration", "change_credentialconfiguration")


def _seen(keys: frozenset[str] | None, to: str = "") -> Q:
    """Configurations in those contexts; None for all of them."""
    return Q() if keys is None else Q(**{f"{to}context_key__in": keys})


def rules(present: str = "") -> list[tuple[str, str]]:
    """The installed processors by name, and the present one even when it is not installed any more."""
    installed = list(plugins.offered(plugins.PROCESSORS))
    names = installed if present in ("", *installed) else [*installed, present]
    return [(name, rule_label(name)) for name in names]


def design_label(declared: Any) -> str:
    """What the generator of a slot calls itself, and of what template it is."""
    name = str(declared.get("generator", "?"))
    try:
        label = str(plugins.generator(name).label)
    except ConferralError:
        return name
    options_of = declared.get("options")
    template = options_of.get("template") if isinstance(options_of, dict) else None
    return f"{label}, {template}" if template else label


def rule_label(name: str) -> str:
    """What a processor calls itself."""
    if name not in plugins.offered(plugins.PROCESSORS):
        return _now("%s (not installed)") % name
    try:
        return f"{plugins.processor(name).label} ({name})"
    except ConferralError:  # whoever chooses it is told what is wrong with it
        return _now("%s (cannot be loaded)") % name
