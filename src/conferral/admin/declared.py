"""Issuers, and the courses, lessons and pathways that no LMS tells of."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conferral.admin.base import UseCaseAdmin
from conferral.admin.forms import UseCaseForm
from conferral.admin.site import registered
from conferral.admin.types import KINDS
from conferral.contract import Kind
from conferral.issuance import configure, removal
from conferral.models import Context, CredentialAsset, Issuer

ISSUER = ("name", "organisation", "url", "logo", "colours", "linkedin_id", "sender", "reply_to")
CONTEXT = ("name", "kind", "organisation", "language", "start", "end")
AT_MOST = 50
"""Teachers that are added at a time: each is looked for."""
PERCENT = 100


class IssuerForm(UseCaseForm):
    """Who issues; of its colours the one that is used."""

    places: ClassVar = {"colours.primary": "primary"}

    logo = forms.ChoiceField(label=_("Logo"), required=False, help_text=_("A picture among the assets."))
    primary = forms.CharField(
        label=_("Colour"),
        required=False,
        max_length=7,
        help_text=_("Of its mails and pages, like #1b2a4e; left empty: Conferral's own."),
    )

    class Meta:
        model = Issuer
        fields = ("slug", *(name for name in ISSUER if name != "colours"))
        field_classes = {"url": forms.CharField}  # Django's own guesses a scheme, differently in each version
        labels = {"linkedin_id": _("LinkedIn id"), "url": _("Web address"), "reply_to": _("Reply to")}
        help_texts = {
            "slug": _("A short name of its own, which cannot be changed later."),
            "organisation": _("Its credentials are this issuer's; left empty: the site's own issuer."),
            "sender": _("Of its mails, for example Demo University &lt;awards@demo.example&gt;."),
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if "logo" in self.fields:
            field: Any = self.fields["logo"]
            pictures = CredentialAsset.objects.filter(kind=CredentialAsset.Kind.IMAGE, current=True)
            names = sorted({*pictures.values_list("slug", flat=True), self.instance.logo} - {""})
            field.choices = [("", _("None")), *((name, name) for name in names)]

    def present(self, instance: Any) -> dict[str, Any]:
        """The colour."""
        return {"primary": instance.colours.get("primary", "")}

    def read(self, cleaned: dict[str, Any]) -> None:
        """With the colours that are no field here."""
        others = {name: colour for name, colour in self.instance.colours.items() if name != "primary"}
        cleaned["colours"] = others | ({"primary": cleaned["primary"]} if cleaned["primary"] else {})

    def identity(self) -> dict[str, Any]:
        """The slug."""
        return {"slug": self.kept("slug")}

    def perform(self) -> configure.Change:
        """Saves the issuer."""
        return configure.save_issuer(
            self.kept("slug"), by=self.by, **{name: self.cleaned_data[name] for name in ISSUER}
        )


@registered(Issuer)
class IssuerAdmin(UseCaseAdmin):
    """Issuers."""

    form = IssuerForm
    list_display = ("name", "slug", "organisation", "url", "sender")
    search_fields = ("name", "slug", "organisation")
    ordering = ("name",)
    fields: ClassVar[tuple[str, ...]] = tuple("primary" if name == "colours" else name for name in ("slug", *ISSUER))
    view_fields: ClassVar[tuple[str, ...]] = tuple("colour" if name == "primary" else name for name in fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What tells it from others stays."""
        return ("slug",) if obj else ()

    @admin.display(description=_("Colour"))
    def colour(self, obj: Issuer) -> str:
        """The one that is used."""
        return str(obj.colours.get("primary", "")) or "-"

    def remove(self, obj: Issuer, by: Any) -> None:
        """What was issued keeps its name."""
        removal.delete_issuer(obj.slug, by=by)


class ContextForm(UseCaseForm):
    """A course, lesson or pathway; the pass mark is a percentage on this page."""

    places: ClassVar = {"context key": "key", "pass_mark": "percentage"}  # nosec B105

    kind = forms.ChoiceField(
        label=_("Kind"), choices=[(kind.value, word) for kind, word in KINDS.items()], initial=Kind.COURSE.value
    )
    percentage = forms.DecimalField(
        label=_("Pass mark (%)"), required=False, min_value=0, max_value=PERCENT, max_digits=5, decimal_places=2
    )
    steps = forms.CharField(
        label=_("Steps"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "cols": 80}),
        help_text=_("Of a pathway: the keys of its courses in order, one on a line."),
    )

    taught_by = forms.CharField(
        label=_("Teachers"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80}),
        help_text=_("Usernames of those who look after its credentials, one on a line."),
    )

    class Meta:
        model = Context
        fields = ("key", *CONTEXT)
        help_texts = {
            "key": _("For example course-v1:Demo+CS101+2026. It cannot be changed later."),
            "language": _("A tag like fr or pt-BR."),
        }

    def present(self, instance: Any) -> dict[str, Any]:
        """The percentage and the steps."""
        mark = instance.pass_mark
        return {
            "percentage": None if mark is None else (mark * PERCENT).quantize(Decimal("0.01")),
            "steps": "\n".join(instance.steps),
            "taught_by": "\n".join(teachers(instance)),
        }

    def read(self, cleaned: dict[str, Any]) -> None:
        """A share and a list."""
        mark = cleaned["percentage"]
        cleaned["pass_mark"] = None if mark is None else mark / PERCENT
        cleaned["steps"] = cleaned["steps"].split()
        if cleaned["kind"] == Kind.PATHWAY and not cleaned["steps"]:
            raise ValidationError({"steps": _("A pathway has steps: write the keys of its courses.")})
        cleaned["teachers"] = self._called({*cleaned["taught_by"].split()})

    def _called(self, names: set[str]) -> list[Any]:
        """The users of those names. Who teaches already is known, however many they are."""
        present = self.instance.teachers.all() if self.instance.pk else ()
        known = {user.get_username(): user for user in present}
        added = names - known.keys()
        if len(added) > AT_MOST:
            told: dict[str, Any] = {"most": AT_MOST}
            raise ValidationError({"taught_by": ValidationError(_("Add at most %(most)s at a time."), params=told)})
        users = get_user_model()._default_manager.filter(username__in=added)  # noqa: SLF001 - documented
        known |= {user.get_username(): user for user in users}
        if unknown := names - known.keys():
            told = {"names": ", ".join(sorted(unknown)[:5])}
            raise ValidationError({"taught_by": ValidationError(_("Nobody here is called %(names)s."), params=told)})
        return [known[name] for name in names]

    def identity(self) -> dict[str, Any]:
        """The key."""
        return {"key": self.kept("key")}

    def perform(self) -> configure.Change:
        """Saves the context; every enabled configuration in it has to be able to run."""
        key = self.kept("key")
        given = {name: self.cleaned_data[name] for name in (*CONTEXT, "pass_mark", "steps")}
        with transaction.atomic():
            change = configure.save_context(key, by=self.by, **given)
            if change.action == "change":
                configure.check_users(types=(), contexts={key}, slugs=())
            configure.save_teachers(Context.objects.get(key=key), self.cleaned_data["teachers"], by=self.by)
        return change


def teachers(context: Context) -> list[str]:
    """Their usernames."""
    return [user.get_username() for user in context.teachers.order_by("pk")]


@registered(Context)
class ContextAdmin(UseCaseAdmin):
    """Courses, lessons and pathways."""

    form = ContextForm
    list_display = ("key", "name", "kind", "organisation", "start", "end")
    list_filter = ("kind",)
    search_fields = ("key", "name", "organisation")
    ordering = ("key",)
    fields = ("key", *CONTEXT, "percentage", "steps", "taught_by")
    view_fields = ("key", *CONTEXT, "pass_mark_in_percent", "shown_steps", "shown_teachers")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What tells it from others stays."""
        return ("key",) if obj else ()

    def narrowed(self, queryset: Any, keys: frozenset[str]) -> Any:
        """These."""
        return queryset.filter(key__in=keys)

    def remove(self, obj: Context, by: Any) -> None:
        """One that nothing uses, with its roster."""
        removal.delete_context(obj.key, by=by)

    @admin.display(description=_("Pass mark"))
    def pass_mark_in_percent(self, obj: Context) -> str:
        """As people write it."""
        return "-" if obj.pass_mark is None else f"{(obj.pass_mark * PERCENT).normalize():f} %"

    @admin.display(description=_("Steps"))
    def shown_steps(self, obj: Context) -> str:
        """The keys of its courses."""
        return ", ".join(obj.steps) or "-"

    @admin.display(description=_("Teachers"))
    def shown_teachers(self, obj: Context) -> str:
        """Their usernames."""
        return ", ".join(teachers(obj)) or "-"
