"""Uploaded files: templates, fonts, pictures, in versions that never change."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from conferral import assets, storage
from conferral.admin.base import UseCaseAdmin
from conferral.admin.forms import UseCaseForm
from conferral.contract.options import SLUG_PATTERN
from conferral.issuance import configure
from conferral.models import CredentialAsset


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

    def put(self, message: str) -> None:
        """Whatever is wrong is wrong with the file."""
        self.add_error("file", message.removeprefix(f"asset {self.cleaned_data['slug']!r}: "))

    def identity(self) -> dict[str, Any]:
        """The slug's current version."""
        return {"slug": self.cleaned_data["slug"], "current": True}

    def perform(self) -> configure.Change:
        """Uploads it; every enabled configuration has to be able to run with it."""
        cleaned = self.cleaned_data
        slug = cleaned["slug"]
        with storage.provisional() as files:
            change = configure.save_asset(slug, cleaned["file"].name, cleaned["content"], cleaned["description"])
            if change.action == "change":
                configure.check_configurations(types=(), contexts=(), slugs={slug})
            files.keep()
        return change


@admin.register(CredentialAsset)
class AssetAdmin(UseCaseAdmin):
    """Files: uploaded, and deleted with all their versions. A version is never changed."""

    form = AssetForm
    list_display = ("slug", "version", "is_current", "kind", "size_in_words", "description", "uploaded")
    list_filter = ("current", "kind")
    search_fields = ("slug", "filename", "description")
    ordering = ("slug", "-version")
    fields = ("slug", "file", "description")
    view_fields = (
        "slug",
        "version",
        "is_current",
        "kind",
        "filename",
        "size_in_words",
        "description",
        "uploaded",
        "sha256",
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes a version: what was issued with it has to stay."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Says so when it is the same file again."""
        before = CredentialAsset.objects.filter(**form.identity()).values_list("version", flat=True).first()
        super().save_model(request, obj, form, change)
        if obj.version == before:
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
