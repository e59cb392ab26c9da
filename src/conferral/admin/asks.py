"""What a person may ask for on a record's page: each a page that explains, asks what has to be known, and does it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from conferral.admin.base import LimitedAdmin, nudge
from conferral.admin.forms import TRY
from conferral.contract import ConferralError
from conferral.spoken import spoken

Text = str | Promise
LATER = _(
    "The message broker cannot be reached at the moment: it begins with the next sweep, within a minute of its return."
)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: what is said, where one goes then (None: the record's page), and who is woken.

    `people` names learners, and `logged` is said in place of what does: the log keeps no name of somebody who may be
    retired.
    """

    said: str
    to: str | None = None
    nudges: Sequence[tuple[Any, ...]] = ()
    problems: Sequence[str] = ()
    people: str = ""
    logged: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that may be asked for, where it is sensible, by whoever may change the record, or has the `right`.

    `explain` says what will come of it, with the numbers; `perform` gets the admin, the request, the record and the
    form's values.
    """

    title: Text
    explain: Callable[[Any], Text]
    button: Text
    perform: Callable[[Any, HttpRequest, Any, dict[str, Any]], Done]
    form: type[forms.Form] = forms.Form
    sensible: Callable[[Any], bool] = lambda _obj: True
    grave: bool = False
    right: str = "change"
    template: str = "conferral/admin/ask.html"
    about: Callable[[Any, HttpRequest, Any, Any], dict[str, Any]] = lambda _admin, _request, _obj, _form: {}


class AskedAdmin(LimitedAdmin):
    """Records of which something may be asked."""

    asks: ClassVar[Mapping[str, Ask]] = {}

    def get_urls(self) -> list[URLPattern]:
        """With a page for each."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_ask"
        view = self.admin_site.admin_view(self.ask_view)
        return [path("<int:key>/ask/<str:what>/", view, name=name), *super().get_urls()]

    def may_ask(self, request: HttpRequest, obj: Any, ask: Ask) -> bool:
        """Whoever may change it, or do that alone."""
        return self.may(request, obj, "change", ask.right)

    def offered(self, request: HttpRequest, obj: Any) -> list[tuple[str, Ask]]:
        """What may be asked of that record, by this person, as it is now; with the address of each."""
        ways = ((self.way_to(request, obj, name), ask) for name, ask in self.asks.items() if obj is not None)
        return [(way, ask) for way, ask in ways if way]

    def way_to(self, request: HttpRequest, obj: Any, name: str) -> str:
        """The page that asks that of the record; empty where this person may not, or it makes no sense now."""
        ask = self.asks[name]
        may = self.may_ask(request, obj, ask) and ask.sensible(obj)
        return self.address("ask", obj.pk, name) if may else ""

    def ask_view(self, request: HttpRequest, key: int, what: str) -> HttpResponse:
        """Explains, asks, and does it."""
        obj = self.get_object(request, str(key))
        if what not in self.asks:
            raise Http404
        ask = self.asks[what]
        if obj is None or not self.may_ask(request, obj, ask):
            raise PermissionDenied
        back = self.address("change", obj.pk)
        if not ask.sensible(obj):
            self.message_user(request, _("There is nothing to be done there any more."), messages.WARNING)
            return HttpResponseRedirect(back)
        sent = request.method == "POST"
        form = ask.form(
            request.POST if sent else None, request.FILES if sent else None, initial=request.GET.dict(), label_suffix=""
        )
        form.obj = obj  # type: ignore[attr-defined]
        if sent and form.is_valid() and TRY not in request.POST:
            try:
                done = ask.perform(self, request, obj, form.cleaned_data)
            except ConferralError as error:
                form.add_error(None, capfirst(spoken(error)))
            else:
                return self._ended(request, obj, done, back)
        content = {
            **self.admin_site.each_context(request),
            **self._told(ask, obj),
            "title": ask.title,
            "opts": self.opts,
            "obj": obj,
            "ask": ask,
            "form": form,
            "media": self.media + form.media,
            "back": back,
            **ask.about(self, request, obj, form),
        }
        return TemplateResponse(request, ask.template, content)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The record, with what may be asked of it."""
        asks = self.offered(request, self.get_object(request, object_id))
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "asks": asks})

    def _ended(self, request: HttpRequest, obj: Any, done: Done, back: str) -> HttpResponse:
        for problem in done.problems:
            self.message_user(request, problem, messages.WARNING)
        if done.said:
            self.log_change(request, obj, done.logged or done.said)
            self.message_user(request, done.said, messages.SUCCESS)
        if done.people:
            self.message_user(request, done.people, messages.INFO)
        nudge(request, *done.nudges, lost=LATER)
        return HttpResponseRedirect(done.to or back)

    def _told(self, ask: Ask, obj: Any) -> dict[str, Any]:
        try:
            return {"explanation": ask.explain(obj)}
        except ConferralError as error:
            return {"explanation": capfirst(spoken(error)), "impossible": True}


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea(attrs={"rows": 3, "cols": 70}),
        help_text=_("For those who ask later; staff see it, learners and strangers do not."),
    )


class PeopleForm(ReasonForm):
    """Of whom, and why."""

    learners = forms.CharField(
        label=_("Learners"),
        widget=forms.Textarea(attrs={"rows": 5, "cols": 70, "spellcheck": "false"}),
        help_text=_("Usernames or e-mail addresses, one on a line."),
    )
    field_order = ["learners", "reason"]


def lines(text: str) -> list[str]:
    """Those that say something, each once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
