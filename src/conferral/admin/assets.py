"""Uploaded files: templates, fonts, pictures, in versions that never change."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from conferral import access, assets
from conferral.access import ACTIVATE
from conferral.admin import pictured, words
from conferral.admin.asks import Ask, AskedAdmin, Done
from conferral.admin.base import UseCaseAdmin, told
from conferral.admin.forms import UseCaseForm
from conferral.admin.site import registered
from conferral.contract import ConferralError
from conferral.contract.options import SLUG_PATTERN
from conferral.facts import number
from conferral.issuance import configure, removal, versions
from conferral.models import CredentialAsset
from conferral.spoken import spoken, without_place

SHOWN = 3
"""Types of which a new version is shown in a picture, and as many configurations."""
NAMED = 20
"""Of what uses a file, what its page names."""
USES: dict[str, Any] = {
    "types": ngettext_lazy("%d type uses it.", "%d types use it."),
    "configurations": ngettext_lazy(
        "%d configuration uses it in designs of its own.", "%d configurations use it in designs of their own."
    ),
    "issuers": ngettext_lazy("%d issuer has it as its logo.", "%d issuers have it as their logo."),
}
SEES = ("view_credentialconfiguration", "change_credentialconfiguration")
CHANGES = ("add_credentialasset", "change_credentialasset", ACTIVATE)
"""Rights of whoever changes what everybody uses: they are told how many that are, named or not."""


class AssetForm(UseCaseForm):
    """An upload: a new file, or a new version of one."""

    slug = forms.RegexField(
        SLUG_PATTERN,
        label=_("Slug"),
        max_length=100,
        help_text=_(
            "The name by which designs find it. One that is there already gets a new version, which you look at before "
            "you activate it."
        ),
        error_messages={"invalid": _("Write lower-case letters, digits, - and _ only.")},
    )
    file = forms.FileField(
        label=_("File"), help_text=_("A PDF (.pdf), a font (.ttf, .otf) or a picture (.png, .jpg, .svg).")
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
        """Uploads it; the first of its slug is current at once, any other waits until somebody activates it."""
        cleaned = self.cleaned_data
        return configure.save_asset(
            cleaned["slug"],
            cleaned["file"].name,
            cleaned["content"],
            cleaned["description"],
            active=False,
            by=self.by,
        )


class ActivateForm(forms.Form):
    """When."""

    on = forms.DateTimeField(
        label=_("When"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        zone = timezone.get_current_timezone_name()
        self.fields["on"].help_text = _("Empty: now. The time zone is %s.") % zone


def _here(instant: datetime) -> str:
    return words.local(instant, timezone.get_current_timezone_name())


def _activate(admin_: Any, request: HttpRequest, obj: CredentialAsset, values: dict[str, Any]) -> Done:
    if versions.activate(obj.slug, obj.version, by=request.user, on=values["on"]):
        return Done(_now("New credentials are made with version %d.") % obj.version, problems=_still(obj))
    return Done(_now("Version %(version)d begins on %(on)s.") % {"version": obj.version, "on": _here(values["on"])})


def _call_off(admin_: Any, request: HttpRequest, obj: CredentialAsset, values: dict[str, Any]) -> Done:
    versions.call_off(obj.slug, obj.version, by=request.user)
    return Done(_now("Version %d does not begin by itself any more.") % obj.version)


def _kept(obj: Any) -> str:
    """How many use it, and how many credentials keep the version that they have."""
    return _counted(versions.usage(obj.slug, obj.counted_within), obj.counted_within)


def _still(obj: CredentialAsset) -> list[str]:
    """That another version is to begin on a date, which does not end when this one is activated."""
    said = _now("Version %(version)d still begins by itself on %(on)s.")
    planned = versions.planned_beside(obj).values_list("version", "activates")
    return [said % {"version": version, "on": _here(on)} for version, on in planned if on]


def _before(obj: Any) -> str:
    """What uses it, and what becomes of a version that waits for its date."""
    still = _still(obj)
    return " ".join([_kept(obj), *still, *([_now("A date for this version replaces that one.")] if still else [])])


def _counted(found: versions.Usage, keys: frozenset[str] | None) -> str:
    """What uses it in those contexts, and that it is used elsewhere, too."""
    users = found.users.within(keys)
    counts = {kind: len(getattr(users, kind)) for kind in USES}
    said = [USES[kind] % count for kind, count in counts.items() if count]
    if users != found.users:
        said.append(_now("It is used elsewhere, too."))
    for version, kept in found.kept.items():
        figures = {"issued": number(kept.issued), "pending": number(kept.pending), "version": version}
        said.append(_now("%(issued)s issued and %(pending)s pending keep version %(version)s.") % figures)
    return " ".join(said or [_now("Nothing uses it.")])


def _pictures(admin_: Any, request: HttpRequest, obj: Any, form: Any) -> dict[str, Any]:
    """The types and configurations that use it, as they are and as they would be; and the logo, where it is one."""
    users = removal.users_of(obj.slug)
    types, configurations = users.types[:SHOWN], users.within(obj.named_within).configurations[:SHOWN]
    shown = [
        *(_pair(pictured.of_type, one, obj) for one in types),
        *(_pair(pictured.of_stored, one, obj) for one in configurations),
    ]
    if users.issuers:
        now = [pictured.of_asset(one) for one in assets.current([obj.slug]).values()]
        shown.append((_now("Logo"), now, [pictured.of_asset(obj)]))
    more = len(users.types) + len(users.configurations) - len(types) - len(configurations)
    return {"shown": shown, "more": _now("and %d more") % more if more else ""}


def _pair(draw: Callable[..., list[pictured.Pictured]], one: Any, obj: CredentialAsset) -> tuple[str, Any, Any]:
    """What uses it, as it is and with that version."""
    try:
        return str(one), draw(one), draw(one, versions={obj.slug: obj})
    except ConferralError as error:
        return str(one), [], [pictured.Pictured(str(one), problems=(spoken(error),))]


class CurrentFilter(words.WordFilter):
    """Versions by whether they are the current one of their slug; of the others the field is empty, never false."""

    title, parameter_name, words = _("current"), "current", {"yes": _("Yes"), "no": _("No")}

    @classmethod
    def narrowed(cls, queryset: Any, value: str) -> Any:
        """The current ones, or the others."""
        return queryset.filter(current=True if value == "yes" else None)


@registered(CredentialAsset)
class AssetAdmin(AskedAdmin, UseCaseAdmin):
    """Files: uploaded, and deleted with all their versions. A version is never changed."""

    form = AssetForm
    change_form_template = "conferral/admin/asset.html"
    asks: ClassVar = {
        "activate": Ask(
            right=ACTIVATE,
            title=_("Make it the current version"),
            explain=_before,
            button=_("Activate"),
            form=ActivateForm,
            sensible=lambda one: not one.current,
            perform=_activate,
            template="conferral/admin/versions.html",
            about=_pictures,
        ),
        "call-off": Ask(
            right=ACTIVATE,
            title=_("Do not activate"),
            explain=lambda one: (
                _now("Version %(version)d was to begin on %(on)s. It waits again until somebody activates it.")
                % {"version": one.version, "on": _here(one.activates)}
            ),
            button=_("Do not activate"),
            sensible=lambda one: one.activates is not None,
            perform=_call_off,
        ),
    }
    list_display = ("slug", "version", "is_current", "begins", "kind", "size_in_words", "description", "uploaded")
    list_filter = (CurrentFilter, "kind")
    search_fields = ("slug", "filename", "description")
    ordering = ("slug", "-version")
    fields = ("slug", "file", "description")
    view_fields = (
        *("slug", "version", "is_current", "begins", "kind", "filename", "size_in_words", "description"),
        *("picture", "used", "uploaded", "sha256"),
    )

    def get_urls(self) -> list[URLPattern]:
        """With the file itself."""
        view = self.admin_site.admin_view(self.file_view)
        return [path("<int:key>/file/", view, name="conferral_credentialasset_file"), *super().get_urls()]

    def may_ask(self, request: HttpRequest, obj: Any, ask: Ask) -> bool:
        """Whoever may upload a version may say when it begins."""
        return self.may(request, obj, "add", "change", ask.right)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The version, which knows who looks at it."""
        found: Any = super().get_object(request, object_id, from_field)
        if found is not None:
            found.named_within = access.limits(request.user, *SEES)
            found.counted_within = access.limits(request.user, *SEES, *CHANGES)
        return found

    def file_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """The file as it was uploaded, to be changed and uploaded again: for those who may."""
        asset = self.get_object(request, str(key))
        if asset is None or not self.has_add_permission(request):
            raise PermissionDenied
        try:
            content = assets.AssetReader({asset.slug: asset}).read(asset.slug)
        except ConferralError as error:
            told(self, request, error)
            return HttpResponseRedirect(self.address("change", asset.pk))
        # Never shown by the browser itself: an upload of one person would be a page of the site for another.
        response = HttpResponse(content, content_type="application/octet-stream")
        response["Content-Disposition"] = content_disposition_header(True, asset.filename)
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With the way to a next version."""
        more, asset = {}, self.get_object(request, object_id)
        if asset and self.has_add_permission(request):
            more = {"next_version": self.address("add"), "download": self.address("file", asset.pk)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    @admin.display(description=_("Where it is used"))
    def used(self, obj: Any) -> str:
        """How many use it and keep which version; and the first of them that this person may see."""
        found = versions.usage(obj.slug, obj.counted_within)
        names = [spoken(name) for name in found.users.within(obj.named_within).named()]
        more = [_now("and %d more") % (len(names) - NAMED)] if len(names) > NAMED else []
        rows = [(each,) for each in (_counted(found, obj.counted_within), *names[:NAMED], *more)]
        return format_html_join("", "{}<br>", rows)

    @admin.display(description=_("How it looks"))
    def picture(self, obj: CredentialAsset) -> str:
        """A picture, or the first page; a font has none."""
        if obj.kind == CredentialAsset.Kind.FONT:
            return "-"
        return render_to_string("conferral/admin/live/picture.html", {"slots": [pictured.of_asset(obj)]})

    @admin.display(description=_("Begins"))
    def begins(self, obj: CredentialAsset) -> str:
        """When it becomes the current one by itself."""
        return _here(obj.activates) if obj.activates else "-"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes a version: what was issued with it has to stay."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Says so when it is the same file again."""
        was_there = CredentialAsset.objects.filter(**form.identity(), current=True).exists()
        super().save_model(request, obj, form, change)
        if was_there:
            self.message_user(request, _now("It is the same file as before: no new version was made."), messages.INFO)

    def response_add(self, request: HttpRequest, obj: CredentialAsset, post_url_continue: Any = None) -> HttpResponse:
        """On to the page that activates it, with what comes of that, when it is not current yet; who may see it."""
        stays = not {"_addanother", IS_POPUP_VAR}.isdisjoint(request.POST)
        if obj.current or stays or not self.has_view_permission(request, obj):
            return super().response_add(request, obj, post_url_continue)
        said = _now("Version %d was uploaded. New credentials are made with it once you activate it.") % obj.version
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(self.address("ask", obj.pk, "activate"))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """All the versions."""
        versions = CredentialAsset.objects.filter(slug__in=[one.slug for one in objs]).order_by("slug", "version")
        return super().get_deleted_objects(list(versions), request)

    def remove(self, obj: CredentialAsset, by: Any) -> None:
        """The slug with every version, when nothing uses it."""
        removal.delete_asset(obj.slug, by=by)

    @admin.display(description=_("Current"), boolean=True, ordering="current")
    def is_current(self, obj: CredentialAsset) -> bool:
        """Whether new credentials are made with it."""
        return bool(obj.current)

    @admin.display(description=_("Size"), ordering="size")
    def size_in_words(self, obj: CredentialAsset) -> str:
        """In kilobytes or megabytes."""
        return filesizeformat(obj.size)
