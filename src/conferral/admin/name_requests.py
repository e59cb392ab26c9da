"""Names that holders want to have corrected: looked at, approved, refused."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from conferral import tasks
from conferral.access import RENAME
from conferral.admin import pictured, search, words
from conferral.admin.corrections import REVOKED
from conferral.admin.many import CorrectedAdmin, Correction, CorrectionForm, Done, Whys, one_by_one
from conferral.admin.site import registered
from conferral.issuance import correct, wishes
from conferral.models import NameRequest
from conferral.models.verification import shown

OUTCOMES: words.Words = {
    NameRequest.Outcome.WAITING: _("waits for a decision"),
    NameRequest.Outcome.APPROVED: _("approved"),
    NameRequest.Outcome.REFUSED: pgettext_lazy("request", "refused"),
}


class OutcomeFilter(words.WordFilter):
    """Requests by what became of them."""

    title, parameter_name, words = _("outcome"), "outcome", OUTCOMES


class RefuseForm(CorrectionForm):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=wishes.LONGEST,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text=_("The learner is told."),
    )


def _approve(chosen: Sequence[NameRequest], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    return one_by_one(chosen, lambda one: wishes.approve(one, by=by), "Approve.", told)


def _refuse(chosen: Sequence[NameRequest], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    return one_by_one(chosen, lambda one: wishes.refuse(one, values["reason"], by=by), "Refuse.", told)


def _revoked(chosen: Sequence[NameRequest]) -> Whys:
    return {key: REVOKED[0] for key, one in wishes.corrected_by_each(chosen).items() if one.revoked}


ANSWERS = {
    "approve": Correction(
        right=RENAME,
        title=_("Approve"),
        explanation=_(
            "The credential is issued again with that name and keeps its dates; the old link and QR code lead to the "
            "new one, and the old file is not served any more. The learner is written to."
        ),
        counted=lambda count: ngettext("Approve %d request", "Approve %d requests", count) % count,
        perform=_approve,
        cannot=_revoked,
        said=lambda count: ngettext("%d name is corrected.", "%d names are corrected.", count) % count,
        tasks=(tasks.withdraw, tasks.generate, tasks.deliver),
    ),
    "refuse": Correction(
        right=RENAME,
        title=_("Refuse"),
        explanation=_("The name stays as it is. The learner is written to, with the reason."),
        counted=lambda count: ngettext("Refuse %d request", "Refuse %d requests", count) % count,
        form=RefuseForm,
        perform=_refuse,
        said=lambda count: ngettext("%d request was refused.", "%d requests were refused.", count) % count,
        tasks=(tasks.deliver,),
    ),
}


@registered(NameRequest)
class NameRequestAdmin(CorrectedAdmin):
    """Requests. Who may correct credentials may answer them; nobody edits them."""

    change_form_template = "conferral/admin/credential.html"
    of = "credential__configuration"
    # To answer a request is to correct its credential: whoever may do that may see it, too.
    change_takes = frozenset({"change_credential", RENAME})
    corrections = ANSWERS
    none_chosen, too_many = _("No request that waits was chosen."), _("Choose %d requests at most.")
    list_display = ("credential", "from_to", "asked", "outcome_in_words")
    list_display_links = ("credential", "from_to")
    list_filter = (OutcomeFilter,)
    list_select_related = ("credential",)
    sortable_by = ()
    search_fields = ("credential__verification_id",)
    search_help_text = _("Number of a credential, username, e-mail address, or a word of the name")
    found_by = search.of_credentials
    ordering = ("-pk",)
    actions = ("approve", "refuse")
    fields = ("number", "from_to", "explanation", "asked", "outcome_in_words", "reason", "decided", "decided_by")

    def correctable(self, request: HttpRequest, rows: QuerySet[NameRequest], name: str) -> QuerySet[NameRequest]:
        """Those that wait."""
        return super().correctable(request, rows, name).filter(waiting=True).select_related("credential__edition__type")

    def is_open(self, obj: NameRequest) -> bool:
        """While it waits."""
        return bool(obj.waiting)

    def about(self, request: HttpRequest, name: str, chosen: Sequence[NameRequest]) -> dict[str, Any]:
        """Of one that is to be approved: the credential as it is, and as it will be."""
        if name != "approve" or len(chosen) != 1:
            return {}
        asked, one = chosen[0], wishes.corrected_by(chosen[0])
        before, after = (pictured.of_credential(one, each) for each in (correct.name_of(one), asked.name))
        return {"old": before, "slots": after}

    def row(self, obj: NameRequest) -> tuple[str, str, Any, str]:
        """The credential, and both names."""
        number = shown(obj.credential.verification_id)
        return number, self.from_to(obj), obj.credential, self.outcome_in_words(obj)

    @admin.display(description=_("Credential"))
    def number(self, obj: NameRequest) -> str:
        """The way to it."""
        return self.link_to(obj.credential, shown(obj.credential.verification_id))

    @admin.display(description=_("Name"))
    def from_to(self, obj: NameRequest) -> str:
        """What is printed, and what is wanted."""
        return f"{obj.credential.recipient_name} → {obj.name}"

    @admin.display(description=_("Outcome"))
    def outcome_in_words(self, obj: NameRequest) -> str:
        """What became of it."""
        return words.word(OUTCOMES, obj.outcome)

    @admin.action(description=_("Approve…"))
    def approve(self, request: HttpRequest, queryset: QuerySet[NameRequest]) -> HttpResponse | None:
        """Asks once more."""
        return self.ask(request, queryset, "approve")

    @admin.action(description=_("Refuse…"))
    def refuse(self, request: HttpRequest, queryset: QuerySet[NameRequest]) -> HttpResponse | None:
        """Asks for the reason."""
        return self.ask(request, queryset, "refuse")
