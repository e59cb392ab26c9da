"""What people have decided: who did what, what was said of learners beforehand, what is issued again."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.access import LIST, REISSUE
from conferral.admin import filters, search, words
from conferral.admin.asks import Ask, AskedAdmin, Done
from conferral.admin.base import RecordAdmin, recorded, told_by
from conferral.admin.followed import FollowedAdmin
from conferral.admin.site import registered
from conferral.facts import number
from conferral.issuance import history, reissue, removal
from conferral.issuance.progress import MOST
from conferral.models import (
    Act,
    Candidate,
    Context,
    Credential,
    CredentialAsset,
    CredentialConfiguration,
    CredentialType,
    DryRun,
    Issuer,
    Reissue,
    Run,
    Standstill,
)
from conferral.spoken import spoken

KINDS = (
    *(Credential, CredentialConfiguration, Run, DryRun, Reissue),
    *(CredentialType, CredentialAsset, Issuer, Context, Standstill),
)
"""Of what something is written down."""


class KindFilter(words.WordFilter):
    """Acts by what was acted on."""

    title, parameter_name = _("what"), "kind"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """The models, by their names."""
        return [(history.kind(model), capfirst(str(model._meta.verbose_name))) for model in KINDS]  # noqa: SLF001 - documented


@registered(Act)
class ActAdmin(RecordAdmin):
    """Who did what, when and why."""

    list_display = ("at", "done", "what", "who", "reason")
    list_filter = (KindFilter,)
    sortable_by = ()
    search_fields = ("object_id", "by_name")
    search_help_text = _("Number of a credential, username of a learner or of staff, or key of a course")
    found_by = search.acts
    ordering = ("-pk",)
    fields = (*list_display, "shown_details")
    who = recorded("by_name", _("By"))

    @admin.display(description=_("Done"))
    def done(self, obj: Act) -> str:
        """In words."""
        return words.verb(obj.verb)

    @admin.display(description=_("Details"))
    def shown_details(self, obj: Act) -> str:
        """In words too."""
        return "; ".join(words.details(obj)) or "-"

    @admin.display(description=_("What"))
    def what(self, act: Act) -> str:
        """With the way to it."""
        try:
            model = apps.get_model("conferral", act.kind)
        except LookupError:  # of a later version
            return f"{act.kind} {act.object_id}"
        gone = act.verb == removal.DELETED
        name = f"{model._meta.verbose_name} {act.details['name'] if gone else act.object_id}"  # noqa: SLF001 - documented
        return name if gone or model is Standstill else self.link_to(model(pk=act.object_id), name)


VERDICTS: words.Words = {value: label for value, label in Candidate.Verdict.choices if value}


class VerdictFilter(words.WordFilter):
    """Candidates by what a person said of them."""

    title, parameter_name, words = _("verdict"), "verdict", VERDICTS


@registered(Candidate)
class CandidateAdmin(RecordAdmin):
    """Who is always or never issued, and who waits."""

    of = "configuration"
    list_display = ("learner", "configured", "verdict_in_words", "qualified", "who", "said")
    list_filter = (VerdictFilter, filters.OfConfiguration, filters.TypeByConfiguration)
    list_select_related = ("learner", "configuration__type")
    sortable_by = ()
    search_fields = ("learner__key",)
    search_help_text = _("Username, e-mail address, or a word of the name")
    found_by = search.candidates
    contains = "learner__name"
    ordering = ("-pk",)
    fields = ("learner", "configuration", "verdict_in_words", "reason", "who", "said", "qualified", "to_take_back")
    who = recorded("by_name", _("By"))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The candidate, who knows whether whoever looks may say otherwise of them."""
        found: Any = super().get_object(request, object_id, from_field)
        if found is not None:
            found.may_take_back = self.may(request, found, "change_credentialconfiguration", LIST)
        return found

    @admin.display(description=_("Verdict"))
    def verdict_in_words(self, obj: Any) -> str:
        """What a person said."""
        return str(obj.get_verdict_display())

    @admin.display(description=_("Take back"))
    def to_take_back(self, obj: Any) -> str:
        """Leads to where that is done, with the learner filled in."""
        if not obj.verdict or not obj.may_take_back:
            return "-"
        page = self.address("ask", obj.configuration_id, "rule", model=CredentialConfiguration)
        address = f"{page}?{urlencode({'learners': obj.learner.key})}"
        return format_html('<a href="{}">{}</a>', address, _now("Let the rule decide"))


class ReissueStatus(words.WordFilter):
    """Reissues by how far they came."""

    title, parameter_name, words = _("outcome"), "status", words.REISSUE


def _cancel(admin_: Any, request: HttpRequest, obj: Reissue, values: dict[str, Any]) -> Done:
    reissue.cancel(obj, by=request.user)
    return Done(_now("It was cancelled; what was issued again stays."))


@registered(Reissue)
class ReissueAdmin(AskedAdmin, FollowedAdmin):
    """What is issued again in the background: followed, and stopped."""

    change_form_template = "conferral/admin/run.html"
    of = "configuration"
    # Whoever may ask for one may follow it, and stop it.
    change_takes = frozenset({"change_reissue", "change_credentialconfiguration", "change_credential", REISSUE})
    list_display = ("asked", "configured", "outcome", "total", "reissued", "failed", "who", "reason")
    list_filter = (ReissueStatus, filters.OfConfiguration, filters.TypeByConfiguration)
    list_select_related = ("configuration__type",)
    sortable_by = ()
    search_fields = ("configuration__context_key",)
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    found_by = search.runs
    ordering = ("-pk",)
    fields = (
        *("configuration", "outcome", "began", "came_to_an_end", "shown_problems", "went_wrong"),
        *("design", "name_taken", "written_to", "who", "reason"),
    )
    shown_problems = told_by(
        "problems", _("Problems"), lambda found: [(spoken(why), number(count)) for why, count in found.items()]
    )
    who = recorded("by_name", _("By"))
    went_wrong = recorded("error", _("What went wrong"))
    asks: ClassVar = {
        "cancel": Ask(
            right=REISSUE,
            title=_("Cancel"),
            explain=lambda one: (
                _now("It stops after the batch at hand. %(done)d of %(all)d are issued again, and stay.")
                % {"done": one.reissued, "all": one.total}
            ),
            button=_("Cancel the reissue"),
            sensible=lambda one: one.status in reissue.GOING_ON,
            perform=_cancel,
            grave=True,
        )
    }

    def told(self, obj: Reissue) -> dict[str, Any]:
        """How many are issued again, of how many."""
        going_on = obj.status in reissue.GOING_ON
        done = obj.reissued + obj.failed
        if obj.status == Reissue.Status.ASKED:
            said = _now("It is about to begin.")
        elif going_on:
            said = _now("%(done)d of %(all)d are issued again.") % {"done": obj.reissued, "all": obj.total}
        else:
            said = words.word(words.REISSUE, obj.status)
        share = min(done / obj.total, MOST) if obj.total and going_on else 0
        return {"going_on": going_on, "share": share, "said": said, "evaluated": done}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With how far it is."""
        found = self.get_object(request, object_id)
        content: dict[str, Any] = {}
        if found is not None:
            name = _now("Reissue of %s") % words.local(found.asked, found.configuration.time_zone)
            told = {each: getattr(found, each) for each in words.REISSUE_FIGURES}
            content = {**self.followed(found), "subtitle": name, "figures": list(words.figures_of_reissue(told))}
        return super().change_view(request, object_id, form_url, {**content, **(extra_context or {})})

    @admin.display(description=_("Outcome"))
    def outcome(self, obj: Reissue) -> str:
        """How far it came."""
        return words.word(words.REISSUE, obj.status)

    @admin.display(description=pgettext_lazy("when", "asked for"))
    def began(self, obj: Reissue) -> str:
        """In the configuration's time zone."""
        return words.local(obj.asked, obj.configuration.time_zone)

    @admin.display(description=pgettext_lazy("when", "ended"))
    def came_to_an_end(self, obj: Reissue) -> str:
        """As above."""
        return words.local(obj.ended, obj.configuration.time_zone)

    @admin.display(description=_("Design"))
    def design(self, obj: Reissue) -> str:
        """That of the day, or each its own."""
        if obj.edition is None:
            return _now("as each was made then")
        return _now("as of %s") % words.local(obj.edition.created, obj.configuration.time_zone)

    @admin.display(description=_("Name"))
    def name_taken(self, obj: Reissue) -> str:
        """Whose."""
        return _now("as the accounts have it now") if obj.names else _now("as it is printed")

    @admin.display(description=_("Learners are written to"))
    def written_to(self, obj: Reissue) -> str:
        """Whether they are."""
        return _now("yes") if obj.notify else _now("no")
