"""What Conferral has recorded, to be looked at: learners, rosters, runs, files, messages; and the emergency stop."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from conferral.admin import words
from conferral.admin.base import ModelAdmin, RecordAdmin, RecordInline, link_to, structure
from conferral.contract.decision import readable
from conferral.issuance import standstill
from conferral.models import (
    CredentialArtifact,
    Delivery,
    Edition,
    EditionAsset,
    Learner,
    RosterEntry,
    Run,
    Standstill,
)
from conferral.models.verification import shown


@admin.register(Learner)
class LearnerAdmin(RecordAdmin):
    """The people who earn."""

    list_display = ("key", "name", "email", "gateway", "active", "retired")
    list_filter = ("gateway", "active", ("retired", admin.EmptyFieldListFilter))
    search_fields = ("key", "name", "email", "external_id")
    search_help_text = _("Username, name or e-mail address")
    ordering = ("key",)
    fields = ("key", "name", "email", "language", "gateway", "external_id", "active", "retired", "user")


@admin.register(RosterEntry)
class RosterEntryAdmin(RecordAdmin):
    """How far learners have come."""

    list_display = ("learner", "context", "content_completed", "total")
    list_select_related = ("learner", "context")
    search_fields = ("learner__key", "context__key")
    search_help_text = _("Username, or key of a course or lesson")
    ordering = ("-pk",)
    fields = ("learner", "context", "content_completed", "shown_grades")
    shown_grades = structure("grades", _("Grades by assignment type"))

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


@admin.register(Edition)
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


@admin.register(Run)
class RunAdmin(RecordAdmin):
    """Issuing runs."""

    list_display = (
        "pk",
        "configuration",
        "begun_by",
        "outcome",
        "started",
        "ended",
        *("evaluated", "issued", "failed"),
    )
    list_filter = (words.RunStatus, words.RunTrigger, "configuration__type")
    list_select_related = ("configuration__type",)
    search_fields = ("configuration__context_key", "configuration__type__name")
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    ordering = ("-pk",)
    fields = (
        *("configuration", "begun_by", "outcome", "error", "remarks", "started", "ended", "notify"),
        *("evaluated", "eligible", "already", "issued", "held", "failed"),
    )

    @admin.display(description=_("Outcome"), ordering="status")
    def outcome(self, obj: Run) -> str:
        """How far it came."""
        return words.word(words.RUN, obj.status)

    @admin.display(description=_("Begun by"), ordering="trigger")
    def begun_by(self, obj: Run) -> str:
        """What began it."""
        return words.word(words.TRIGGER, obj.trigger)


@admin.register(CredentialArtifact)
class ArtifactAdmin(RecordAdmin):
    """The files of credentials."""

    list_display = ("number", "slot", "state_in_words", "filename", "size_in_words", "attempts", "last_error")
    list_filter = (words.ArtifactState, "slot")
    list_select_related = ("credential",)
    search_fields = ("credential__verification_id", "sha256", "filename")
    ordering = ("-pk",)
    fields = (
        *("of_credential", "slot", "required", "state_in_words", "filename", "media_type", "size_in_words", "url"),
        *("shown_problems", "attempts", "next_try", "last_error", "generator_version", "sha256", "edition"),
    )
    shown_problems = structure("problems", _("To be looked at"))

    @admin.display(description=_("Credential"), ordering="credential")
    def number(self, obj: CredentialArtifact) -> str:
        """The credential's number."""
        return shown(obj.credential.verification_id)

    @admin.display(description=_("Credential"))
    def of_credential(self, obj: CredentialArtifact) -> str:
        """The way to its page."""
        return link_to(obj.credential, shown(obj.credential.verification_id))

    @admin.display(description=_("State"), ordering="state")
    def state_in_words(self, obj: CredentialArtifact) -> str:
        """Whether it is there."""
        return words.word(words.ARTIFACT, obj.state)

    @admin.display(description=_("Size"), ordering="size")
    def size_in_words(self, obj: CredentialArtifact) -> str:
        """In kilobytes or megabytes."""
        return "-" if obj.size is None else filesizeformat(obj.size)


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    """The messages to learners."""

    list_display = ("number", "learner", "purpose", "sequence", "state_in_words", "sent", "attempts", "last_error")
    list_filter = (words.DeliveryState, "purpose")
    list_select_related = ("credential__learner",)
    date_hierarchy = "sent"
    search_fields = ("credential__verification_id", "credential__learner__key", "credential__learner__email")
    ordering = ("-pk",)
    fields = (
        *("of_credential", "learner", "channel", "purpose", "sequence", "state_in_words", "sent"),
        *("attempts", "next_try", "last_error"),
    )

    @admin.display(description=_("Credential"), ordering="credential")
    def number(self, obj: Delivery) -> str:
        """The credential's number."""
        return shown(obj.credential.verification_id)

    @admin.display(description=_("Credential"))
    def of_credential(self, obj: Delivery) -> str:
        """The way to its page."""
        return link_to(obj.credential, shown(obj.credential.verification_id))

    @admin.display(description=_("Learner"))
    def learner(self, obj: Delivery) -> str:
        """To whom."""
        return obj.credential.learner.key

    @admin.display(description=_("State"), ordering="state")
    def state_in_words(self, obj: Delivery) -> str:
        """Whether it went out."""
        return words.word(words.DELIVERY, obj.state)


@admin.register(Standstill)
class StandstillAdmin(ModelAdmin):
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
        obj.pk = standstill.pause(obj.reason).pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Releases it."""
        standstill.resume()
