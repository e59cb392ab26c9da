"""Credentials: looked at, and corrected by those who may."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from conferral.admin import words
from conferral.admin.base import RecordAdmin, RecordInline, change_url, link_to, named, nudge, told
from conferral.admin.corrections import CORRECTIONS, Correction
from conferral.contract import Fact
from conferral.issuance.snapshot import page_url
from conferral.models import Credential, CredentialArtifact, Delivery
from conferral.models.verification import normalised, shown

AT_ONCE = 100
"""Credentials that a page asks about together; their ids are in its address."""
SWEPT = _("The message broker cannot be reached at the moment; the work is done by the next sweep, within a minute.")


class ArtifactInline(RecordInline):
    """Its files."""

    model = CredentialArtifact
    verbose_name_plural = _("Files")
    fields = ("slot", "state_in_words", "filename", "size", "attempts", "last_error")
    readonly_fields = ("state_in_words",)
    show_change_link = True

    @admin.display(description=_("State"))
    def state_in_words(self, obj: CredentialArtifact) -> str:
        """Whether it is there."""
        return words.word(words.ARTIFACT, obj.state)


class DeliveryInline(RecordInline):
    """Its mails."""

    model = Delivery
    verbose_name_plural = _("Mails")
    fields = ("purpose", "sequence", "state_in_words", "sent", "attempts", "last_error")
    readonly_fields = ("state_in_words",)
    show_change_link = True

    @admin.display(description=_("State"))
    def state_in_words(self, obj: Delivery) -> str:
        """Whether it went out."""
        return words.word(words.DELIVERY, obj.state)


@admin.register(Credential)
class CredentialAdmin(RecordAdmin):
    """Credentials. Who may change them may correct them; nobody edits them."""

    change_form_template = "conferral/admin/credential.html"
    list_display = ("number", "recipient", "state_in_words", "type_name", "earned_in", "issued_on", "revoked_on")
    list_filter = (words.CredentialState, "edition__type")
    search_fields = ("recipient_name", "learner__key", "learner__email")
    search_help_text = _("Name, username, e-mail address, or number of a credential")
    ordering = ("-pk",)
    actions = ("revoke", "reissue", "resend", "retry")
    inlines = (ArtifactInline, DeliveryInline)
    fieldsets = (
        (None, {"fields": ("number", "page", "state_in_words", "recipient_name", "learner", "language")}),
        (_("For"), {"fields": ("type_name", "earned_in", "key", "organisation", "configuration")}),
        (_("Dates"), {"fields": ("earned", "issued", "expires", "recorded")}),
        (_("How it was earned"), {"fields": ("evidence_in_words",)}),
        (
            _("What became of it"),
            {"fields": ("revoked", "revoked_reason", "revoked_by", "in_place_of", "replaced_by", "written_to")},
        ),
        (_("How it was made"), {"fields": ("run", "edition")}),
    )

    earned_in = named("context_name", _("Earned in"))
    key = named("context_key", _("Its key"))
    organisation = named("context_organisation", _("Organisation"))
    language = named("locale", _("Language"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credential]:
        """With what a row shows, and without what would make a page of them heavy."""
        found = super().get_queryset(request).select_related("learner", "edition__type")
        return found.defer("evidence", "edition__content")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """A credential's number, however it is typed, finds that one alone."""
        if verification_id := normalised(search_term):
            return queryset.filter(verification_id=verification_id), False
        return super().get_search_results(request, queryset, search_term)

    def has_correct_permission(self, request: HttpRequest) -> bool:
        """Whether this person may revoke, reissue, and so on."""
        return bool(request.user.has_perm("conferral.change_credential"))

    def view_on_site(self, obj: Credential) -> str | None:
        """The public page, of one that has one."""
        return page_url(obj.verification_id) if obj.state == Credential.State.AVAILABLE else None

    @admin.display(description=_("Number"), ordering="verification_id")
    def number(self, obj: Credential) -> str:
        """As people see it, on one line."""
        return format_html('<span style="white-space: nowrap">{}</span>', shown(obj.verification_id))

    @admin.display(description=_("Recipient"), ordering="recipient_name")
    def recipient(self, obj: Credential) -> str:
        """The printed name, and the username."""
        return f"{obj.recipient_name or _now('(no name)')} ({obj.learner})"

    @admin.display(description=_("Credential type"), ordering="edition__type__name")
    def type_name(self, obj: Credential) -> str:
        """The type's name."""
        return str(obj.edition.type)

    @admin.display(description=_("Issued"), ordering="issued")
    def issued_on(self, obj: Credential) -> str:
        """The day."""
        return _day(obj.issued)

    @admin.display(description=_("Revoked"), ordering="revoked")
    def revoked_on(self, obj: Credential) -> str:
        """The day."""
        return _day(obj.revoked)

    @admin.display(description=_("Learner is written to"), boolean=True)
    def written_to(self, obj: Credential) -> bool:
        """Once it is ready."""
        return obj.notify

    @admin.display(description=_("State"))
    def state_in_words(self, obj: Credential) -> str:
        """What became of it."""
        return words.of_credential(obj)

    @admin.display(description=_("Page"))
    def page(self, obj: Credential) -> str:
        """The way to its public page."""
        url = self.view_on_site(obj)
        return format_html('<a href="{}">{}</a>', url, url) if url else _now("None before it is ready.")

    @admin.display(description=_("Facts"))
    def evidence_in_words(self, obj: Credential) -> str:
        """The facts that decided."""
        facts = [(str(Fact(**fact)),) for fact in obj.evidence.get("facts", ())]
        return format_html_join("", "{}<br>", facts) or "-"

    @admin.display(description=_("In place of"))
    def in_place_of(self, obj: Credential) -> str:
        """The one that it replaced."""
        return _link(obj.supersedes)

    @admin.display(description=_("Replaced by"))
    def replaced_by(self, obj: Credential) -> str:
        """The one that took its place."""
        return _link(getattr(obj, "superseded_by", None))

    @admin.action(description=_("Revoke…"), permissions=["correct"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Credential]) -> HttpResponse | None:
        """Asks for the reason."""
        return self._ask(request, queryset, "revoke")

    @admin.action(description=_("Reissue…"), permissions=["correct"])
    def reissue(self, request: HttpRequest, queryset: QuerySet[Credential]) -> HttpResponse | None:
        """Asks how."""
        return self._ask(request, queryset, "reissue")

    @admin.action(description=_("Send the mail again"), permissions=["correct"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        """At once."""
        self._perform(request, list(queryset), CORRECTIONS["resend"], {})

    @admin.action(description=_("Try again what failed"), permissions=["correct"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        """At once."""
        self._perform(request, list(queryset), CORRECTIONS["retry"], {})

    def get_urls(self) -> list[URLPattern]:
        """With a page for each correction."""
        pages = [
            path(
                f"{name}/",
                self.admin_site.admin_view(partial(self.correction_view, name=name)),
                name=f"conferral_credential_{name}",
            )
            for name in CORRECTIONS
        ]
        return pages + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The credential, with what can be done with it."""
        links = []
        found = self.get_object(request, object_id)
        if found and found.current and self.has_correct_permission(request):
            sensible = [(name, each) for name, each in CORRECTIONS.items() if each.sensible(found)]
            links = [(each.title, _address(name, [found])) for name, each in sensible]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "corrections": links})

    def correction_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Names the credentials that are meant, asks what has to be known, and does it."""
        if not self.has_correct_permission(request):
            raise PermissionDenied
        correction = CORRECTIONS[name]
        ids = [part for part in request.GET.get("ids", "").split(",") if part.isascii() and part.isdigit()]
        chosen = list(self.get_queryset(request).filter(pk__in=ids[:AT_ONCE]).order_by("pk"))
        if not chosen:
            self.message_user(request, _now("No credential was chosen."), messages.WARNING)
            return HttpResponseRedirect(_list())
        form = correction.form(request.POST if request.method == "POST" else None, chosen=chosen)
        if form.is_valid():
            done = self._perform(request, chosen, correction, form.cleaned_data)
            after = done or chosen
            return HttpResponseRedirect(change_url(Credential, after[0].pk) if len(chosen) == 1 else _list())
        content = {
            **self.admin_site.each_context(request),
            "title": correction.title,
            "opts": self.opts,
            "correction": correction,
            "chosen": [
                (shown(one.verification_id), self.recipient(one), one, words.of_credential(one)) for one in chosen
            ],
            "form": form,
            "media": self.media,
            "back": change_url(Credential, chosen[0].pk) if len(chosen) == 1 else _list(),
        }
        return TemplateResponse(request, "conferral/admin/correction.html", content)

    def _ask(self, request: HttpRequest, queryset: QuerySet[Credential], name: str) -> HttpResponse | None:
        if queryset.count() > AT_ONCE:
            text = _now("Choose %d credentials at most.") % AT_ONCE
            self.message_user(request, text, messages.ERROR)
            return None
        return HttpResponseRedirect(_address(name, queryset))

    def _perform(
        self, request: HttpRequest, chosen: Sequence[Credential], correction: Correction, values: dict[str, Any]
    ) -> list[Credential]:
        done = correction.perform(chosen, values, request.user, partial(told, self, request))
        for credential, line in done:
            self.log_change(request, credential, line)
        if done:
            self.message_user(request, correction.said(len(done)), messages.SUCCESS)
            nudge(request, *((task,) for task in correction.tasks), lost=SWEPT)
        return [credential for credential, _line in done]


def _address(name: str, chosen: Any) -> str:
    ids = ",".join(str(one.pk) for one in chosen)
    return f"{reverse(f'admin:conferral_credential_{name}')}?ids={ids}"


def _day(instant: datetime | None) -> str:
    return date_format(localtime(instant), "SHORT_DATE_FORMAT") if instant else "-"


def _list() -> str:
    return reverse("admin:conferral_credential_changelist")


def _link(credential: Credential | None) -> str:
    return link_to(credential, shown(credential.verification_id)) if credential else "-"
