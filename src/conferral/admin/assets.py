"""Uploaded files: templates, fonts, pictures, in versions that never change."""

from hashlib import sha256
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import assets, storage
from conferral.admin import pictured
from conferral.admin.asks import Ask, AskedAdmin, Done
from conferral.admin.base import UseCaseAdmin
from conferral.admin.forms import UseCaseForm
from conferral.admin.site import registered
from conferral.contract import ConferralError
from conferral.contract.options import SLUG_PATTERN
from conferral.issuance import configure, versions
from conferral.models import CredentialAsset, CredentialType
from conferral.spoken import spoken, without_place

NOW, LATER = "now", "later"
SHOWN_TYPES = 3
"""Types of which a new version is shown in a picture."""


class AssetForm(UseCaseForm):
    """An upload: a new file, or a new version of one."""

    slug = forms.RegexField(
        SLUG_PATTERN,
        label=_("Slug"),
        max_length=100,
        help_text=_("The name by which designs find it. One that is there already gets a new version."),
        error_messages={"invalid": _("Write lower-case letters, digits, - and _ only.")},
    )
    file = forms.FileField(label=_("File"), help_text=_("A PDF (.pdf), a font (.ttf, .otf) or a picture (.png, .jpg)."))

    begins = forms.ChoiceField(
        label=_("New credentials are made with it"),
        choices=[(NOW, _("now")), (LATER, _("later: I look at it first, and activate it then"))],
        widget=forms.RadioSelect,
        initial=NOW,
        required=False,
    )

    class Meta:
        model = CredentialAsset
        fields = ("slug", "description")

    def clean_file(self) -> Any:
        """By name and size, before a byte of it is read."""
        file = self.cleaned_data["file"]
        if file.size > assets.MAX_BYTES:
            most = filesizeformat(assets.MAX_BYTES)
            raise ValidationError(_("The file is too large; at most %(most)s are accepted."), params={"most": most})
        return file

    def read(self, cleaned: dict[str, Any]) -> None:
        """The bytes, once for the trial and the upload."""
        cleaned["content"] = cleaned["file"].read()

    def put(self, error: ConferralError) -> None:
        """Whatever is wrong is wrong with the file."""
        self.add_error("file", without_place(error))

    def identity(self) -> dict[str, Any]:
        """The version that was uploaded."""
        slug, content = self.cleaned_data["slug"], self.cleaned_data["content"]
        same = CredentialAsset.objects.filter(slug=slug, sha256=sha256(content).hexdigest()).order_by("-version")
        return {"slug": slug, "version": same.values_list("version", flat=True).first() or 0}

    def perform(self) -> configure.Change:
        """Uploads it; every enabled configuration has to be able to run with it."""
        cleaned = self.cleaned_data
        slug = cleaned["slug"]
        with storage.provisional() as files:
            active = cleaned.get("begins") != LATER
            change = configure.save_asset(
                slug, cleaned["file"].name, cleaned["content"], cleaned["description"], active=active, by=self.by
            )
            if change.action == "change" and active:
                configure.check_configurations(types=(), contexts=(), slugs={slug})
            files.keep()
        return change


class ActivateForm(forms.Form):
    """When."""

    on = forms.DateTimeField(
        label=_("When"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("Empty: now. The time is UTC."),
    )


def _activate(admin_: Any, request: HttpRequest, obj: CredentialAsset, values: dict[str, Any]) -> Done:
    if versions.activate(obj.slug, obj.version, by=request.user, on=values["on"]):
        return Done(_now("New credentials are made with version %d.") % obj.version)
    return Done(_now("Version %(version)d begins on %(on)s.") % {"version": obj.version, "on": values["on"]})


def _kept(obj: CredentialAsset) -> str:
    """Who uses it, and how many credentials keep the version that they have."""
    found = versions.usage(obj.slug)
    count = len(found.types)
    said = ngettext("%d type uses it.", "%d types use it.", count) % count
    for version, kept in found.kept.items():
        figures = {"issued": f"{kept.issued:,}", "pending": f"{kept.pending:,}", "version": version}
        said += " " + _now("%(issued)s issued and %(pending)s pending keep version %(version)s.") % figures
    return said


def _pictures(admin_: Any, request: HttpRequest, obj: CredentialAsset, form: Any) -> dict[str, Any]:
    """The types that use it, as they are and as they would be."""
    names = versions.usage(obj.slug).types
    shown = []
    for one in CredentialType.objects.filter(name__in=names[:SHOWN_TYPES]).order_by("name"):
        try:
            shown.append((one.name, pictured.of_type(one), pictured.of_type(one, versions={obj.slug: obj})))
        except ConferralError as error:
            problem = [pictured.Pictured(one.name, problems=(spoken(error),))]
            shown.append((one.name, [], problem))
    return {"types": shown}


@registered(CredentialAsset)
class AssetAdmin(AskedAdmin, UseCaseAdmin):
    """Files: uploaded, and deleted with all their versions. A version is never changed."""

    form = AssetForm
    change_form_template = "conferral/admin/asset.html"
    asks: ClassVar = {
        "activate": Ask(
            title=_("Make it the current version"),
            explain=_kept,
            button=_("Activate"),
            form=ActivateForm,
            sensible=lambda one: not one.current,
            perform=_activate,
            template="conferral/admin/versions.html",
            about=_pictures,
        )
    }
    list_display = ("slug", "version", "is_current", "kind", "size_in_words", "description", "uploaded")
    list_filter = ("current", "kind")
    search_fields = ("slug", "filename", "description")
    ordering = ("slug", "-version")
    fields = ("slug", "file", "description", "begins")
    view_fields = (
        "slug",
        "version",
        "is_current",
        "kind",
        "filename",
        "size_in_words",
        "description",
        "uploaded",
        "activates",
        "used",
        "sha256",
    )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With the way to a next version."""
        more = {"next_version": self.address("add") if self.has_add_permission(request) else ""}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    @admin.display(description=_("Where it is used"))
    def used(self, obj: CredentialAsset) -> str:
        """The types and others that use it, and how many credentials keep which version."""
        found = versions.usage(obj.slug)
        rows = [(each,) for each in (_kept(obj), *found.users)]
        return format_html_join("", "{}<br>", rows)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes a version: what was issued with it has to stay."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Says so when it is the same file again."""
        was_there = CredentialAsset.objects.filter(**form.identity(), current=True).exists()
        super().save_model(request, obj, form, change)
        if was_there:
            self.message_user(request, _now("It is the same file as before: no new version was made."), messages.INFO)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """All the versions."""
        versions = CredentialAsset.objects.filter(slug__in=[one.slug for one in objs]).order_by("slug", "version")
        return super().get_deleted_objects(list(versions), request)

    def remove(self, obj: CredentialAsset) -> None:
        """The slug with every version, when nothing uses it."""
        configure.delete_asset(obj.slug)

    @admin.display(description=_("Current"), boolean=True, ordering="current")
    def is_current(self, obj: CredentialAsset) -> bool:
        """Whether new credentials are made with it."""
        return bool(obj.current)

    @admin.display(description=_("Size"), ordering="size")
    def size_in_words(self, obj: CredentialAsset) -> str:
        """In kilobytes or megabytes."""
        return filesizeformat(obj.size)
