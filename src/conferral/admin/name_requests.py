"""Names that holders want to have corrected: looked at, approved, refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import model_ngettext
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import access, tasks
from conferral.admin import search, words
from conferral.admin.base import RecordAdmin, nudge, told
from conferral.admin.credentials import SWEPT
from conferral.admin.site import registered
from conferral.contract import ConferralError
from conferral.issuance import wishes
from conferral.models import NameRequest
from conferral.models.verification import shown

AT_ONCE = 100
OUTCOMES: words.Words = {
    NameRequest.Outcome.WAITING: _("waits for a decision"),
    NameRequest.Outcome.APPROVED: _("approved"),
    NameRequest.Outcome.REFUSED: _("refused"),
}


class OutcomeFilter(words.WordFilter):
    """Requests by what became of them."""

    title, parameter_name, words = _("outcome"), "outcome", OUTCOMES


class ApproveForm(forms.Form):
    """Nothing more is to be said."""


class RefuseForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=wishes.LONGEST,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text=_("The learner is told."),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What staff can say to a request: its words, its form, and the use case."""

    title: str | Promise
    explanation: str | Promise
    counted: Callable[[int], str]
    form: type[forms.Form]
    perform: Callable[[NameRequest, dict[str, Any], Any], Any]
    said: Callable[[int], str]
    tasks: tuple[Any, ...]


def _approve(request: NameRequest, values: dict[str, Any], by: Any) -> None:
    wishes.approve(request, by=by)


def _refuse(request: NameRequest, values: dict[str, Any], by: Any) -> None:
    wishes.refuse(request, values["reason"], by=by)


ANSWERS = {
    "approve": Answer(
        title=_("Approve"),
        explanation=_(
            "The credential is issued again with that name and keeps its dates; the old link and QR code lead to the "
            "new one, and the old file is not served any more. The learner is written to."
        ),
        counted=lambda count: ngettext("Approve %d request", "Approve %d requests", count) % count,
        form=ApproveForm,
        perform=_approve,
        said=lambda count: ngettext("%d name is corrected.", "%d names are corrected.", count) % count,
        tasks=(tasks.withdraw, tasks.generate, tasks.deliver),
    ),
    "refuse": Answer(
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
class NameRequestAdmin(RecordAdmin):
    """Requests. Who may correct credentials may answer them; nobody edits them."""

    change_form_template = "conferral/admin/credential.html"
    of = "credential__configuration"
    list_display = ("credential", "from_to", "asked", "outcome_in_words")
    list_display_links = ("credential", "from_to")
    list_filter = (OutcomeFilter,)
    list_select_related = ("credential",)
    sortable_by = ()
    search_fields = ("credential__verification_id",)
    search_help_text = _(
        "Number of a credential, username, e-mail address, or name from its beginning, as it was printed"
    )
    found_by = search.of_credentials
    ordering = ("-pk",)
    actions = ("approve", "refuse")
    fields = ("number", "from_to", "explanation", "asked", "outcome_in_words", "reason", "decided", "decided_by")

    def limits(self, request: HttpRequest, *verbs: str) -> frozenset[str] | None:
        """To answer a request is to correct its credential: whoever may do that may see it, too."""
        rights = {"change": "change_credential"}
        return access.limits(request.user, *(rights.get(verb, f"{verb}_namerequest") for verb in verbs))

    def has_answer_permission(self, request: HttpRequest) -> bool:
        """Whether this person may correct names on credentials."""
        return self.may(request, None, "change")

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

    @admin.action(description=_("Approve…"), permissions=["answer"])
    def approve(self, request: HttpRequest, queryset: QuerySet[NameRequest]) -> HttpResponse | None:
        """Asks once more."""
        return self._ask(request, queryset, "approve")

    @admin.action(description=_("Refuse…"), permissions=["answer"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[NameRequest]) -> HttpResponse | None:
        """Asks for the reason."""
        return self._ask(request, queryset, "refuse")

    def get_urls(self) -> list[URLPattern]:
        """With a page for each answer."""
        pages = [
            path(
                f"{name}/",
                self.admin_site.admin_view(partial(self.answer_view, name=name)),
                name=f"conferral_namerequest_{name}",
            )
            for name in ANSWERS
        ]
        return pages + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The request, with what can be answered."""
        found = self.get_object(request, object_id)
        links = []
        if found and found.waiting and self.has_answer_permission(request):
            links = [(each.title, self._address(name, [found])) for name, each in ANSWERS.items()]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "corrections": links})

    def answer_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Names the requests that are meant, asks what has to be known, and does it."""
        if not self.has_answer_permission(request):
            raise PermissionDenied
        answer = ANSWERS[name]
        ids = [part for part in request.GET.get("ids", "").split(",") if part.isascii() and part.isdigit()]
        allowed = self.within(request, self.get_queryset(request), "change")
        found = allowed.filter(pk__in=[part for part in ids[:AT_ONCE] if len(part) < 19])  # noqa: PLR2004 - longer ones no database has
        chosen = list(found.filter(waiting=True).select_related("credential__edition__type").order_by("pk"))
        back = self.address("changelist")
        if not chosen:
            self.message_user(request, _now("No request that waits was chosen."), messages.WARNING)
            return HttpResponseRedirect(back)
        form = answer.form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            self._perform(request, chosen, answer, form.cleaned_data)
            return HttpResponseRedirect(self.address("change", chosen[0].pk) if len(chosen) == 1 else back)
        rows = [
            (shown(one.credential.verification_id), self.from_to(one), one.credential, self.outcome_in_words(one))
            for one in chosen
        ]
        content = {
            **self.admin_site.each_context(request),
            "title": answer.title,
            "opts": self.opts,
            "correction": answer,
            "button": answer.counted(len(rows)),
            "obj": f"{len(rows)} {model_ngettext(self.opts, len(rows))}",
            "chosen": rows,
            "form": form,
            "media": self.media,
            "back": back,
        }
        return TemplateResponse(request, "conferral/admin/correction.html", content)

    def _ask(self, request: HttpRequest, queryset: QuerySet[NameRequest], name: str) -> HttpResponse | None:
        chosen = list(self.within(request, queryset, "change").filter(waiting=True)[: AT_ONCE + 1])
        if len(chosen) > AT_ONCE:
            self.message_user(request, _now("Choose %d requests at most.") % AT_ONCE, messages.ERROR)
            return None
        return HttpResponseRedirect(self._address(name, chosen))

    def _address(self, name: str, chosen: Sequence[NameRequest]) -> str:
        ids = ",".join(str(one.pk) for one in chosen)
        return f"{self.address(name)}?ids={ids}"

    def _perform(
        self, request: HttpRequest, chosen: Sequence[NameRequest], answer: Answer, values: dict[str, Any]
    ) -> None:
        done = 0
        for one in chosen:
            try:
                answer.perform(one, values, request.user)
            except ConferralError as error:
                told(self, request, error)
            else:
                done += 1
                self.log_change(request, one, f"{answer.title}.")
        if done:
            self.message_user(request, answer.said(done), messages.SUCCESS)
            nudge(request, *((task,) for task in answer.tasks), lost=SWEPT)
