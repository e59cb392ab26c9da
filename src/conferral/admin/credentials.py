"""Credentials: looked at, and corrected by those who may."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from conferral import tasks
from conferral.admin import filters, pictured, search, wishes, words
from conferral.admin.asks import AskedAdmin
from conferral.admin.base import RecordInline, named, nudge, recorded
from conferral.admin.corrections import CORRECTIONS
from conferral.admin.many import SWEPT, CorrectedAdmin
from conferral.admin.renaming import ASKS, TYPED
from conferral.admin.site import registered
from conferral.contract import ConferralError, Fact
from conferral.facts import lines
from conferral.issuance import correct, reissue
from conferral.issuance.snapshot import page_url
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Delivery, Reissue
from conferral.models.verification import shown
from conferral.spoken import spoken

COURSES = 10
"""Configurations whose credentials are issued again together: each is read from the LMS while somebody waits."""
IN_ONE_REQUEST = 1000
"""Credentials that are dealt with while somebody waits."""
WHEN_RELEASED = ("issued", "expires")
"""Instants that are set when a credential is released."""


class ArtifactInline(RecordInline):
    """Its files."""

    model = CredentialArtifact
    verbose_name_plural = _("Files")
    fields = ("slot", "state_in_words", "filename", "size", "attempts", "next_try", "went_wrong")
    readonly_fields = ("state_in_words", "went_wrong")
    went_wrong = recorded("last_error", _("What went wrong"))
    show_change_link = True

    @admin.display(description=_("State"))
    def state_in_words(self, obj: CredentialArtifact) -> str:
        """Whether it is there."""
        return words.word(words.ARTIFACT, obj.state)


class DeliveryInline(RecordInline):
    """Its mails."""

    model = Delivery
    verbose_name_plural = _("Mails")
    fields = ("purpose", "sequence", "state_in_words", "sent", "attempts", "next_try", "went_wrong")
    readonly_fields = ("state_in_words", "went_wrong")
    went_wrong = recorded("last_error", _("What went wrong"))
    show_change_link = True

    @admin.display(description=_("State"))
    def state_in_words(self, obj: Delivery) -> str:
        """Whether it went out."""
        return words.word(words.DELIVERY, obj.state)


def _at(name: str, label: Any) -> Callable[[Any, Credential], str]:
    """A method of the admin that shows an instant as a clock shows it where the credential was issued."""

    @admin.display(description=label)
    def shown_there(self: Any, obj: Credential) -> str:
        instant = None if name in WHEN_RELEASED and _is_held(obj) else getattr(obj, name)
        return words.local(instant, obj.edition.content["time_zone"])

    return shown_there


def _is_held(credential: Credential) -> bool:
    return credential.state == Credential.State.HELD


@registered(Credential)
class CredentialAdmin(AskedAdmin, CorrectedAdmin):
    """Credentials. Who may change them may correct them; nobody edits them."""

    change_form_template = "conferral/admin/credential.html"
    of = "configuration"
    asks = ASKS
    corrections = CORRECTIONS
    none_chosen, too_many = _("No credential was chosen."), _("Choose %d credentials at most.")
    list_display = ("number", "recipient", "state_in_words", "type_name", "earned_in", "issued_on", "revoked_on")
    list_filter = (words.CredentialState, filters.OfConfiguration, filters.OfRun, filters.TypeByEdition)
    sortable_by = ("number", "recipient")
    search_fields = ("recipient_name", "learner__key", "learner__email")
    search_help_text = _("Number of a credential, username, e-mail address, key of a course, or a word of the name")
    found_by = search.credentials
    contains = "recipient_name"
    ordering = ("-pk",)
    actions = ("release", "refuse", "revoke", "reissue", "resend", "retry")
    inlines = (ArtifactInline, DeliveryInline)
    fieldsets = (
        (None, {"fields": ("number", "page", "state_in_words", "recipient_name", "learner", "language")}),
        (_("For"), {"fields": ("type_name", "earned_in", "key", "organisation", "configuration")}),
        (_("Dates"), {"fields": ("earned_at", "issued_at", "expires_at", "recorded_at")}),
        (_("How it was earned"), {"fields": ("evidence_in_words",)}),
        (
            _("What became of it"),
            {"fields": ("revoked_at", "revoked_reason", "revoked_by", "in_place_of", "replaced_by", "written_to")},
        ),
        (_("How it was made"), {"fields": ("run", "edition")}),
    )

    earned_in = named("context_name", _("Earned in"))
    key = named("context_key", _("Its key"))
    organisation = named("context_organisation", _("Organisation"))
    language = named("locale", _("Language"))
    earned_at = _at("earned", pgettext_lazy("when", "earned"))
    issued_at = _at("issued", pgettext_lazy("when", "issued"))
    expires_at = _at("expires", pgettext_lazy("when", "expires"))
    recorded_at = _at("recorded", pgettext_lazy("when", "recorded"))
    revoked_at = _at("revoked", pgettext_lazy("when", "revoked"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credential]:
        """With what a row shows, and without what would make a page of them heavy."""
        found = super().get_queryset(request).select_related("learner", "edition__type")
        deferred: QuerySet[Credential] = found.defer("evidence", "edition__content")
        return deferred

    def is_open(self, obj: Credential) -> bool:
        """Until another takes its place."""
        return bool(obj.current)

    def row(self, obj: Credential) -> tuple[str, str, Any, str]:
        """The credential itself."""
        return shown(obj.verification_id), self.recipient(obj), obj, words.of_credential(obj)

    def most(self, name: str) -> int:
        """Many are reissued in the background."""
        return reissue.MOST_SELECTED if name == "reissue" else IN_ONE_REQUEST

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

    @admin.display(description=_("Credential type"))
    def type_name(self, obj: Credential) -> str:
        """The type's name."""
        return str(obj.edition.type)

    @admin.display(description=_("Issued"))
    def issued_on(self, obj: Credential) -> str:
        """The day."""
        return _day(None if _is_held(obj) else obj.issued)

    @admin.display(description=_("Revoked"))
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
        facts = lines((Fact(**fact) for fact in obj.evidence.get("facts", ())), obj.edition.content.get("steps", {}))
        return format_html_join("", "{}<br>", ((line,) for line in facts)) or "-"

    @admin.display(description=_("In place of"))
    def in_place_of(self, obj: Credential) -> str:
        """The one that it replaced."""
        return self._linked(obj.supersedes)

    @admin.display(description=_("Replaced by"))
    def replaced_by(self, obj: Credential) -> str:
        """The one that took its place."""
        return self._linked(getattr(obj, "superseded_by", None))

    @admin.action(description=_("Release…"))
    def release(self, request: HttpRequest, queryset: QuerySet[Credential]) -> HttpResponse | None:
        """Asks whether the learners are written to."""
        return self.ask(request, queryset, "release")

    @admin.action(description=_("Refuse…"))
    def refuse(self, request: HttpRequest, queryset: QuerySet[Credential]) -> HttpResponse | None:
        """Asks for the reason."""
        return self.ask(request, queryset, "refuse")

    @admin.action(description=_("Revoke…"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[Credential]) -> HttpResponse | None:
        """Asks for the reason."""
        return self.ask(request, queryset, "revoke")

    @admin.action(description=_("Reissue…"))
    def reissue(self, request: HttpRequest, queryset: QuerySet[Credential]) -> HttpResponse | None:
        """Asks how."""
        return self.ask(request, queryset, "reissue")

    @admin.action(description=_("Send the mail again…"))
    def resend(self, request: HttpRequest, queryset: QuerySet[Credential]) -> HttpResponse | None:
        """Says to how many."""
        return self.ask(request, queryset, "resend")

    @admin.action(description=_("Try again what failed…"))
    def retry(self, request: HttpRequest, queryset: QuerySet[Credential]) -> HttpResponse | None:
        """Says how many."""
        return self.ask(request, queryset, "retry")

    def get_urls(self) -> list[URLPattern]:
        """With what is said of a name that is being typed."""
        view = self.admin_site.admin_view
        pages = [
            path(f"<int:key>/{what}/", view(partial(self.typed_view, what=what)), name=f"conferral_credential_{what}")
            for what in TYPED
        ]
        return pages + super().get_urls()

    def typed_view(self, request: HttpRequest, key: int, what: str) -> HttpResponse:
        """What is said of the name that is being typed: the credential as a picture, or what the account says."""
        found = self.get_object(request, str(key))
        if request.method != "POST" or found is None or not self.may_ask(request, found, ASKS["name"]):
            raise PermissionDenied
        name = request.POST.get("name", "").strip()[: correct.NAME_LENGTH]
        template, say = TYPED[what]
        return HttpResponse(render_to_string(template, say(found, name), request))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With the picture of one that has not been replaced: what was has another name, perhaps."""
        found = self.get_object(request, object_id)
        slots = []
        if found and found.current and not found.learner.retired:
            slots = pictured.of_credential(found, correct.name_of(found))
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "slots": slots})

    def asked(self, request: HttpRequest, name: str, chosen: Sequence[Any], *, sent: bool) -> HttpResponse:
        """Reissuing many asks otherwise."""
        if name == "reissue" and len(chosen) > 1:
            return self._asked_to_reissue(request, chosen, sent=sent)
        return super().asked(request, name, chosen, sent=sent)

    def _asked_to_reissue(self, request: HttpRequest, chosen: Sequence[Credential], *, sent: bool) -> HttpResponse:
        """Many: counted first, and made in the background."""
        keys: dict[int, list[int]] = {}
        for one in chosen:
            keys.setdefault(one.configuration_id, []).append(one.pk)
        back = self.address("changelist")
        if len(keys) > COURSES:
            text = _now("Choose credentials of %d courses at most; search for the key of one.") % COURSES
            self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(back)
        configurations = CredentialConfiguration.objects.select_related("type").filter(pk__in=list(keys)).order_by("pk")
        selections = {each: keys[each.pk] for each in configurations}
        form = wishes.ReissueAllForm(request.POST if sent else None, label_suffix="")
        if form.is_valid():
            try:
                return self._reissue(request, selections, form.cleaned_data)
            except ConferralError as error:
                form.add_error(None, capfirst(spoken(error)))
        content = {
            **self.page_of(request, "reissue", chosen),
            **wishes.numbers(selections),
            "form": form,
            "back": back,
        }
        return TemplateResponse(request, "conferral/admin/reissue.html", content)

    def _reissue(
        self, request: HttpRequest, selections: Mapping[CredentialConfiguration, list[int]], values: dict[str, Any]
    ) -> HttpResponse:
        wanted = [
            reissue.Wish(each, values["design"], values["names"], values["notify"], keys)
            for each, keys in selections.items()
        ]
        with transaction.atomic():
            asked = [reissue.start(wish, by=request.user, reason=values["reason"]) for wish in wanted]
        count = sum(each.total for each in asked)
        said = ngettext("%d credential is issued again.", "%d credentials are issued again.", count) % count
        self.message_user(request, said, messages.SUCCESS)
        nudge(request, *((tasks.reissue, each.pk) for each in asked), lost=SWEPT)
        where = ("change", asked[0].pk) if len(asked) == 1 else ("changelist",)
        return HttpResponseRedirect(self.address(*where, model=Reissue))

    def _linked(self, credential: Credential | None) -> str:
        return self.link_to(credential, shown(credential.verification_id)) if credential else "-"


def _day(instant: datetime | None) -> str:
    return date_format(localtime(instant), "SHORT_DATE_FORMAT") if instant else "-"
