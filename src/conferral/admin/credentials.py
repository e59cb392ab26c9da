"""Credentials: looked at, and corrected by those who may."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
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
from django.utils.translation import ngettext

from conferral import plugins, tasks
from conferral.access import RENAME
from conferral.admin import filters, pictured, search, wishes, words
from conferral.admin.asks import Ask, AskedAdmin, Done
from conferral.admin.base import RecordInline, named, nudge, recorded
from conferral.admin.corrections import CORRECTIONS
from conferral.admin.many import SWEPT, CorrectedAdmin
from conferral.admin.site import registered
from conferral.contract import ConferralError, Fact
from conferral.facts import lines
from conferral.issuance import correct, reissue
from conferral.issuance.snapshot import page_url
from conferral.lms import roster
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Delivery, Reissue
from conferral.models.verification import shown
from conferral.settings import current
from conferral.spoken import spoken

COURSES = 10
"""Configurations whose credentials are issued again together: each is read from the LMS while somebody waits."""
IN_ONE_REQUEST = 1000
"""Credentials that are dealt with while somebody waits."""


class NameForm(forms.Form):
    """The right name, why, and whether the learner is told."""

    name = forms.CharField(
        label=_("Name"),
        max_length=correct.NAME_LENGTH,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_("As it is to be printed."),
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200, help_text=_("For staff who ask later."))
    notify = forms.BooleanField(label=_("Write to the learner"), required=False, initial=True)


def _correct_name(admin_: Any, request: HttpRequest, obj: Credential, values: dict[str, Any]) -> Done:
    said = {"notify": values["notify"], "by": request.user, "reason": values["reason"]}
    new = correct.reissue(obj, name=values["name"], **said)
    told = _now("The name was corrected: %(old)s is %(new)s now.")
    names = {"old": obj.recipient_name or _now("(no name)"), "new": new.recipient_name}
    nudges = ((tasks.withdraw,), (tasks.generate,), (tasks.deliver,))
    return Done(told % names, admin_.address("change", new.pk), nudges, logged=_now("The name was corrected."))


def _about_name(admin_: Any, request: HttpRequest, obj: Credential, form: Any) -> dict[str, Any]:
    """Both pictures, and what the account says: where that is another name it is mostly the right one."""
    first = form.initial.get("name") or correct.differs_from_account(obj) or correct.name_of(obj)
    form.fields["name"].initial = first
    typed = ((form.data.get("name") if form.is_bound else first) or "").strip()
    part = {
        "url": admin_.address("picture", obj.pk),
        "after": "picture",
        "watches": ["name"],
        "title": "",
        "button": "",
        "beside": False,
        "waiting": "",
        "failed": _now("This could not be looked up; try again."),
    }
    return {
        "old": pictured.of_credential(obj, correct.name_of(obj)),
        "slots": pictured.of_credential(obj, typed) if form.is_bound and typed else [],
        "live": [part],
        **_account(obj, typed),
    }


def _account(obj: Credential, typed: str) -> dict[str, Any]:
    """What the account, or the roster, says to the name that is typed, and where it is corrected."""
    learner = obj.learner
    if learner.name in ("", typed):
        return {"account_agrees": bool(learner.name) and correct.differs_from_account(obj) == typed}
    url = plugins.gateway().profile(learner.key) if learner.gateway == current().lms else ""
    return {
        "account_name": learner.name,
        "account_is_old": learner.name == correct.name_of(obj),
        "account_url": url,
        "imported": not url and learner.gateway == roster.GATEWAY,
    }


ASKS = {
    "name": Ask(
        right=RENAME,
        title=_("Correct name"),
        explain=lambda one: (
            _now("It keeps %(date)s; the old link and QR code lead to it. The old name and file are shown no more.")
            % {"date": date_format(localtime(one.issued), "DATE_FORMAT")}
        ),
        button=_("Correct"),
        form=NameForm,
        sensible=lambda one: (
            bool(one.current) and one.state != Credential.State.PENDING and not one.learner.retired and not one.revoked
        ),
        perform=_correct_name,
        template="conferral/admin/name.html",
        about=_about_name,
    ),
}


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
    search_help_text = _(
        "Number of a credential, username, e-mail address, key of a course, or name from its beginning, as printed"
    )
    found_by = search.credentials
    contains = "recipient_name"
    ordering = ("-pk",)
    actions = ("release", "refuse", "revoke", "reissue", "resend", "retry")
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
        return _day(obj.issued)

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
        facts = lines(Fact(**fact) for fact in obj.evidence.get("facts", ()))
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
        """With the picture under a name that is being typed."""
        picture = self.admin_site.admin_view(self.picture_view)
        return [path("<int:key>/picture/", picture, name="conferral_credential_picture"), *super().get_urls()]

    def picture_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """The credential as a picture under the name that is being typed."""
        found = self.get_object(request, str(key))
        if request.method != "POST" or found is None or not self.may_ask(request, found, ASKS["name"]):
            raise PermissionDenied
        name = request.POST.get("name", "").strip()[: correct.NAME_LENGTH]
        content = {"slots": pictured.of_credential(found, name or correct.name_of(found))}
        content |= _account(found, name)
        return HttpResponse(render_to_string("conferral/admin/live/name.html", content, request))

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
            "numbers": wishes.numbers(selections),
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
