"""What Conferral has recorded, to be looked at: learners, rosters, runs, files, messages; and the emergency stop."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import tasks
from conferral.access import RETRY
from conferral.admin import filters, search, words
from conferral.admin.base import LimitedAdmin, RecordAdmin, RecordInline, recorded, structure
from conferral.admin.lists import few
from conferral.admin.many import CorrectedAdmin, Correction, Done, Whys
from conferral.admin.search import configured, contexts
from conferral.admin.site import admin_of, registered
from conferral.contract import ConferralError
from conferral.contract.decision import readable
from conferral.issuance import given_up, standstill
from conferral.models import (
    Credential,
    CredentialArtifact,
    Delivery,
    Edition,
    EditionAsset,
    Learner,
    RosterEntry,
    Standstill,
)
from conferral.models.verification import shown

HELD = 20
"""Credentials that a learner's page names."""
AT_ONCE = 1000
"""Mails that are tried again while somebody waits."""
NOT_WANTED = _("it was not given up, or nobody should get it any more")


@registered(Learner)
class LearnerAdmin(RecordAdmin):
    """The people who earn."""

    list_display = ("key", "name", "email", "gateway", "active", "retired")
    list_filter = (filters.Source, filters.Account)
    sortable_by = ("key", "name", "email")
    search_fields = ("key", "name", "email", "external_id")
    search_help_text = _("Username, e-mail address, or a word of the name")
    found_by = search.learners
    contains = "name"
    ordering = ("key", "id")
    fields = ("key", "name", "email", "language", "gateway", "external_id", "active", "retired", "user", "holds")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The learner, who knows which of their credentials whoever looks may see."""
        found: Any = super().get_object(request, object_id, from_field)
        if found is not None:
            found.seen = admin_of(self.admin_site, Credential).get_queryset(request).filter(learner=found)
        return found

    @admin.display(description=_("Credentials"))
    def holds(self, obj: Any) -> str:
        """The latest of them, each with its state and the way to its page."""
        found = obj.seen.order_by("-pk")[:HELD]
        rows = [
            (
                self.link_to(one, shown(one.verification_id)),
                one.edition.type,
                one.context_name,
                words.of_credential(one),
            )
            for one in found
        ]
        return format_html_join("", "{} · {} · {} · {}<br>", rows) or "-"

    def narrowed(self, queryset: Any, keys: frozenset[str]) -> Any:
        """Those who have a credential there."""
        there = Credential.objects.filter(configuration__in=configured(keys), learner=OuterRef("pk"))
        return queryset.filter(Exists(there))

    def get_queryset(self, request: HttpRequest) -> Any:
        """By way of those credentials, for whoever teaches so little that they are few."""
        keys = self.limits(request, "view", "change")
        if not (keys and search.is_little(keys)):
            return super().get_queryset(request)
        there = few(Credential.objects.filter(configuration__in=configured(keys)), "configuration")
        return few(Learner.objects.filter(pk__in=there.values("learner")).order_by(*self.ordering))


@registered(RosterEntry)
class RosterEntryAdmin(RecordAdmin):
    """How far learners have come."""

    list_display = ("learner", "context", "content_completed", "total")
    list_select_related = ("learner", "context")
    sortable_by = ()
    search_fields = ("learner__key", "context__key")
    search_help_text = _("Username, e-mail address, a word of the name, or key of a course or lesson")
    found_by = search.progress
    ordering = ("-pk",)
    fields = ("learner", "context", "content_completed", "shown_grades")
    shown_grades = structure("grades", _("Grades by assignment type"))

    def narrowed(self, queryset: Any, keys: frozenset[str]) -> Any:
        """Those in these contexts."""
        return queryset.filter(context__in=contexts(keys))

    @admin.display(description=_("Content completed"))
    def content_completed(self, obj: RosterEntry) -> str:
        """A percentage."""
        return readable(obj.completion) if obj.completion else "-"

    @admin.display(description=_("Total grade"))
    def total(self, obj: RosterEntry) -> str:
        """A percentage."""
        return readable(str(obj.grades["total"])) if obj.grades.get("total") else "-"


class EditionAssetInline(RecordInline):
    """The files that an edition uses."""

    model = EditionAsset
    verbose_name_plural = _("Files")
    fields = ("asset",)


@registered(Edition)
class EditionAdmin(RecordAdmin):
    """How credentials were made."""

    list_display = ("__str__", "type", "created")
    list_filter = ("type",)
    list_select_related = ("type",)
    search_fields = ("sha256", "type__name")
    ordering = ("-pk",)
    fields = ("type", "created", "sha256", "shown_content")
    inlines = (EditionAssetInline,)
    shown_content = structure("content", _("As it was frozen"))


@registered(CredentialArtifact)
class ArtifactAdmin(RecordAdmin):
    """The files of credentials."""

    of = "credential__configuration"
    list_display = ("number", "slot", "state_in_words", "filename", "size_in_words", "attempts", "went_wrong")
    list_filter = (words.ArtifactState, filters.Slot)
    list_select_related = ("credential",)
    sortable_by = ("number",)
    search_fields = ("credential__verification_id", "sha256")
    search_help_text = _("Number of a credential, or what finds it; or the SHA-256 of a file")
    found_by = search.files
    ordering = ("-pk",)
    fields = (
        *("of_credential", "slot", "required", "state_in_words", "filename", "media_type", "size_in_words", "url"),
        *("shown_problems", "attempts", "next_try", "went_wrong", "generator_version", "sha256", "edition"),
    )
    shown_problems = structure("problems", _("To be looked at"))
    went_wrong = recorded("last_error", _("What went wrong"))

    @admin.display(description=_("Credential"), ordering="credential_id")
    def number(self, obj: CredentialArtifact) -> str:
        """The credential's number."""
        return shown(obj.credential.verification_id)

    @admin.display(description=_("Credential"))
    def of_credential(self, obj: CredentialArtifact) -> str:
        """The way to its page."""
        return self.link_to(obj.credential, shown(obj.credential.verification_id))

    @admin.display(description=_("State"))
    def state_in_words(self, obj: CredentialArtifact) -> str:
        """Whether it is there."""
        return words.word(words.ARTIFACT, obj.state)

    @admin.display(description=_("Size"))
    def size_in_words(self, obj: CredentialArtifact) -> str:
        """In kilobytes or megabytes."""
        return "-" if obj.size is None else filesizeformat(obj.size)


def _to_be_mended(mails: Iterable[Delivery]) -> set[int]:
    found = words.DeliveryState.narrowed(Delivery.objects.filter(pk__in=[one.pk for one in mails]), words.MEND)
    return set(found.values_list("pk", flat=True))


def _not_wanted(mails: Sequence[Delivery]) -> Whys:
    wanted = _to_be_mended(mails)
    return {one.pk: NOT_WANTED for one in mails if one.pk not in wanted}


def _retry(chosen: Sequence[Delivery], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    tried = given_up.try_again(_to_be_mended(chosen), by=by)
    for one in chosen:
        if one.pk not in tried:
            number = shown(one.credential.verification_id)
            told(ConferralError("%(id)s: nothing has failed that could be tried again", id=number))
    return [(one, "Tried again.") for one in chosen if one.pk in tried]


@registered(Delivery)
class DeliveryAdmin(CorrectedAdmin):
    """The messages to learners."""

    of = "credential__configuration"
    change_form_template = "conferral/admin/record.html"
    corrections: ClassVar = {
        "retry": Correction(
            right=RETRY,
            title=_("Try again"),
            explanation=_("Mails that were given up are sent again to whoever should still get one."),
            counted=lambda count: ngettext("Try %d mail again", "Try %d mails again", count) % count,
            cannot=_not_wanted,
            perform=_retry,
            said=lambda count: ngettext("%d mail is tried again.", "%d mails are tried again.", count) % count,
            tasks=(tasks.deliver,),
        )
    }
    none_chosen, too_many = _("No mail was chosen."), _("Choose %d mails at most.")
    actions = ("retry",)
    list_display = ("number", "learner", "purpose", "state_in_words", "sent", "went_wrong")
    list_filter = (words.DeliveryState, filters.Purpose, "sent", filters.OfRunByCredential)
    list_select_related = ("credential__learner",)
    sortable_by = ("number", "sent")
    search_fields = ("credential__verification_id", "credential__learner__key", "credential__learner__email")
    search_help_text = _("Number of a credential, or what finds it: username, e-mail address, name, key of a course")
    found_by = search.of_credentials
    ordering = ("-pk",)
    fields = (
        *("of_credential", "learner", "channel", "purpose", "sequence", "state_in_words", "sent"),
        *("attempts", "next_try", "went_wrong"),
    )
    went_wrong = recorded("last_error", _("What went wrong"))

    @admin.display(description=_("Credential"), ordering="credential_id")
    def number(self, obj: Delivery) -> str:
        """The credential's number."""
        return shown(obj.credential.verification_id)

    @admin.display(description=_("Credential"))
    def of_credential(self, obj: Delivery) -> str:
        """The way to its page."""
        return self.link_to(obj.credential, shown(obj.credential.verification_id))

    @admin.display(description=_("Learner"))
    def learner(self, obj: Delivery) -> str:
        """To whom."""
        return obj.credential.learner.key

    def may_correct(self, request: HttpRequest, name: str, obj: Any = None) -> bool:
        """Whoever may do so with the credential."""
        return self.may(request, obj, "change_credential", RETRY)

    def correctable(self, request: HttpRequest, rows: Any, name: str) -> Any:
        """As above."""
        found = self.within(request, rows, "change_credential", RETRY).select_related("credential__edition__type")
        return found.defer("credential__evidence", "credential__edition__content").order_by("pk")

    def most(self, name: str) -> int:
        """As many as of a run."""
        return AT_ONCE

    def row(self, obj: Delivery) -> tuple[str, str, Any, str]:
        """By the credential that it is about."""
        return shown(obj.credential.verification_id), self.learner(obj), obj.credential, self.state_in_words(obj)

    @admin.action(description=_("Try again…"))
    def retry(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Says how many."""
        return self.ask(request, queryset, "retry")

    @admin.display(description=_("State"))
    def state_in_words(self, obj: Delivery) -> str:
        """Whether it went out."""
        return words.word(words.DELIVERY, obj.state)


@registered(Standstill)
class StandstillAdmin(LimitedAdmin):
    """The emergency stop: adding one pulls it, deleting it goes on."""

    list_display = ("__str__", "since", "reason")
    fields = ("reason",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one at most."""
        return super().has_add_permission(request) and not standstill.standing()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is pulled or not."""
        return False

    def get_actions(self, request: HttpRequest) -> Any:
        """Its own page releases it."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Pulls it."""
        obj.pk = standstill.pause(obj.reason, by=request.user).pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Releases it."""
        standstill.resume(by=request.user)
