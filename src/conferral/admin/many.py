"""What may be asked of several records at once: a page names them, asks what has to be known, and does it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
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

from conferral.admin.base import RecordAdmin, nudge, told
from conferral.contract import ConferralError
from conferral.facts import number

AT_ONCE = 100
"""Records that a page names, and whose ids stand in its address."""
TOLD = 5
"""Problems that are told."""
SWEPT = _("The message broker cannot be reached at the moment; the work is done by the next sweep, within a minute.")
Done = list[tuple[Any, str]]
"""The records that were dealt with, each with the line for its history."""
Whys = Mapping[int, str | Promise]
"""By the keys of records, why it cannot be done to them; the others are left out."""
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)  # longer ones no database has


class CorrectionForm(forms.Form):
    """What has to be said besides which records are meant; nothing, unless told otherwise."""

    def __init__(self, *arguments: Any, chosen: Sequence[Any] = (), by: Any = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.chosen, self.by = chosen, by


@dataclass(frozen=True, slots=True)
class Correction:
    """One thing that can be done: its words, its form, and the use case.

    `counted` is the button's word for so many. `perform` gets the chosen records, the form's values, who asks, and
    where to tell of what went wrong. `cannot` says before that to which of them it cannot be done: it gets all of them
    at once. `sensible` is whether the page of one offers it. `deletes`: afterwards they are gone. It is for whoever may
    change them, or has the `right`.
    """

    title: str | Promise
    explanation: str | Promise
    counted: Callable[[int], str]
    perform: Callable[[Sequence[Any], dict[str, Any], Any, Callable[[Exception], None]], Done]
    said: Callable[[int], str]
    form: type[CorrectionForm] = CorrectionForm
    cannot: Callable[[Sequence[Any]], Whys] = lambda _chosen: {}
    sensible: Callable[[Any], bool] = lambda _one: True
    tasks: tuple[Any, ...] = ()
    deletes: bool = False
    right: str = "change"


def one_by_one(
    chosen: Iterable[Any], use_case: Callable[[Any], Any], line: str, told: Callable[[Exception], None]
) -> Done:
    """Does it to each; where it cannot be done is told, and keeps nobody else waiting."""
    done: Done = []
    for one in chosen:
        try:
            use_case(one)
        except ConferralError as error:
            told(error)
        else:
            done.append((one, line))
    return done


def unless(*reasons: tuple[str | Promise, Callable[[Any], Any]]) -> Callable[[Sequence[Any]], Whys]:
    """It can be done to those to which none of the reasons applies; the first that does is told."""

    def cannot(chosen: Sequence[Any]) -> Whys:
        whys = {one.pk: next((why for why, applies in reasons if applies(one)), "") for one in chosen}
        return {key: why for key, why in whys.items() if why}

    return cannot


class CorrectedAdmin(RecordAdmin):
    """Records that may be corrected: several by an action of their list, one on its own page."""

    corrections: ClassVar[Mapping[str, Correction]] = {}
    none_chosen: ClassVar[Any] = ""
    too_many: ClassVar[Any] = ""
    """What is said where nothing was chosen, or more than so many."""

    def may_correct(self, request: HttpRequest, name: str, obj: Any = None) -> bool:
        """Whether this person may do that: with that record, or with any when there is none."""
        return self.may(request, obj, "change", self.corrections[name].right)

    def get_actions(self, request: HttpRequest) -> Any:
        """Those that this person may do."""
        found = super().get_actions(request).items()
        return {name: one for name, one in found if name not in self.corrections or self.may_correct(request, name)}

    def correctable(self, request: HttpRequest, rows: QuerySet[Any], name: str) -> QuerySet[Any]:
        """Of those rows, the ones with which this person may do that."""
        found: QuerySet[Any] = self.within(request, rows, "change", self.corrections[name].right).order_by("pk")
        return found

    def is_open(self, obj: Any) -> bool:
        """Whether anything may be asked of that record any more."""
        return True

    def row(self, obj: Any) -> tuple[str, str, Any, str]:
        """How a page names it: a number, a person, a credential, a state."""
        raise NotImplementedError

    def most(self, name: str) -> int:
        """So many at once."""
        return AT_ONCE

    def get_urls(self) -> list[URLPattern]:
        """With a page for each correction."""
        view, model = self.admin_site.admin_view, self.opts.model_name
        pages = [
            path(f"{name}/", view(partial(self.correction_view, name=name)), name=f"conferral_{model}_{name}")
            for name in self.corrections
        ]
        return pages + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The record, with what can be done with it, after what may be asked of it otherwise."""
        content, found = extra_context or {}, self.get_object(request, object_id)
        links = list(content.get("asks", ()))
        if found and self.is_open(found):
            may = {name: each for name, each in self.corrections.items() if self.may_correct(request, name, found)}
            can = {name: each for name, each in may.items() if each.sensible(found) and not each.cannot([found])}
            links += [(self._address(name, [found]), each) for name, each in can.items()]
        return super().change_view(request, object_id, form_url, {**content, "asks": links})

    def correction_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Names the records that are meant, asks what has to be known, and does it."""
        if not self.may_correct(request, name):
            raise PermissionDenied
        ids = request.POST.get("ids") or request.GET.get("ids", "")
        keys = [part for part in ids.split(",") if _ID.fullmatch(part)]
        chosen = list(
            self.correctable(request, self.get_queryset(request), name).filter(pk__in=keys[: self.most(name)])
        )
        if not chosen:
            self.message_user(request, self.none_chosen, messages.WARNING)
            return HttpResponseRedirect(self.address("changelist"))
        return self.asked(request, name, chosen, sent=request.method == "POST")

    def ask(self, request: HttpRequest, queryset: QuerySet[Any], name: str) -> HttpResponse | None:
        """An action of the list: leads to the page that asks."""
        most = self.most(name)
        chosen = list(self.correctable(request, queryset, name)[: most + 1])
        if len(chosen) > most:  # somebody may have chosen all there are
            self.message_user(request, self.too_many % most, messages.ERROR)
            return None
        if len(chosen) > AT_ONCE:  # more than an address holds
            return self.asked(request, name, chosen, sent=False)
        return HttpResponseRedirect(self._address(name, chosen))

    def asked(self, request: HttpRequest, name: str, chosen: Sequence[Any], *, sent: bool) -> HttpResponse:
        """The page that asks, and what it leads to."""
        correction, one_alone = self.corrections[name], len(chosen) == 1
        form = correction.form(request.POST if sent else None, chosen=chosen, by=request.user, label_suffix="")
        if form.is_valid():
            done = self._perform(request, chosen, correction, form.cleaned_data)
            after = (done or chosen)[0]
            stays = one_alone and not (done and correction.deletes)
            return HttpResponseRedirect(self.address("change", after.pk) if stays else self.address("changelist"))
        whys = correction.cannot(chosen)
        meant = [one for one in chosen if one.pk not in whys]
        rows = [*meant, *(one for one in chosen if one.pk in whys)][:AT_ONCE]
        content = {
            **self.page_of(request, name, meant),
            **self.about(request, name, meant),
            "chosen": [(*self.row(one), whys.get(one.pk, "")) for one in rows],
            "others": max(len(chosen) - AT_ONCE, 0),
            "left_out": _left_out(whys),
            "impossible": not meant,
            "form": form,
            "back": self.address("change", chosen[0].pk) if one_alone else self.address("changelist"),
        }
        return TemplateResponse(request, "conferral/admin/correction.html", content)

    def about(self, request: HttpRequest, name: str, chosen: Sequence[Any]) -> dict[str, Any]:
        """What the page that asks has besides."""
        return {}

    def page_of(self, request: HttpRequest, name: str, chosen: Sequence[Any]) -> dict[str, Any]:
        """What every such page has: how many are meant, and which; few stand in its address."""
        correction = self.corrections[name]
        return {
            **self.admin_site.each_context(request),
            "title": correction.title,
            "explanation": correction.explanation,
            "button": correction.counted(len(chosen)),
            "opts": self.opts,
            "media": self.media,
            "obj": f"{len(chosen)} {model_ngettext(self.opts, len(chosen))}",
            "address": self.address(name),
            "ids": ",".join(str(one.pk) for one in chosen),
        }

    def _address(self, name: str, chosen: Sequence[Any]) -> str:
        return f"{self.address(name)}?ids={','.join(str(one.pk) for one in chosen)}"

    def _perform(
        self, request: HttpRequest, chosen: Sequence[Any], correction: Correction, values: dict[str, Any]
    ) -> list[Any]:
        problems: list[Exception] = []
        done = correction.perform(chosen, values, request.user, problems.append)
        for problem in problems[:TOLD]:
            told(self, request, problem)
        if len(problems) > TOLD:
            self.message_user(request, _now("… and %d more.") % (len(problems) - TOLD), messages.ERROR)
        for one, line in done:
            self.log_change(request, one, line)
        if done:
            self.message_user(request, correction.said(len(done)), messages.SUCCESS)
            nudge(request, *((task,) for task in correction.tasks), lost=SWEPT)
        return [one for one, _line in done]


def _left_out(whys: Whys) -> str:
    """To how many it cannot be done, and why; to how many each, where there are several reasons."""
    if not whys:
        return ""
    reasons = Counter(str(why) for why in whys.values()).most_common()
    told = [f"{why} ({number(count)})" if len(reasons) > 1 else why for why, count in reasons]
    said = ngettext("%(count)s cannot be: %(why)s.", "%(count)s cannot be: %(why)s.", len(whys))
    return said % {"count": number(len(whys)), "why": ", ".join(told)}
