"""What is done to several configurations at once, once it was confirmed: run now, enable, disable."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import access, tasks
from conferral.access import RUN
from conferral.admin.asks import AskedAdmin
from conferral.admin.base import nudge, told
from conferral.admin.configuration_form import OPTIONS
from conferral.contract import ConferralError
from conferral.issuance import configure, opening, standstill
from conferral.issuance import run as runs
from conferral.models import CredentialConfiguration, Run
from conferral.spoken import spoken

SHOWN = 50
"""Configurations that a page which asks names."""
LATER = _(
    "The message broker cannot be reached at the moment: it runs at the next sweep, within a minute once it is back."
)


@dataclass(frozen=True, slots=True)
class Switch:
    """The words of it, before and after; for so many configurations."""

    title: Any
    explanation: Any
    button: Callable[[int], str]
    said: Callable[[int], str]
    logged: str


SWITCHES = {
    True: Switch(
        title=_("Enable"),
        explanation=_("They run at their times; what is issued then is issued without anybody doing more."),
        button=lambda count: ngettext("Enable %d configuration", "Enable %d configurations", count) % count,
        said=lambda count: (
            ngettext("%d configuration was switched on.", "%d configurations were switched on.", count) % count
        ),
        logged="Enabled.",
    ),
    False: Switch(
        title=_("Disable"),
        explanation=_("They do not run any more. What was issued stays."),
        button=lambda count: ngettext("Disable %d configuration", "Disable %d configurations", count) % count,
        said=lambda count: (
            ngettext("%d configuration was switched off.", "%d configurations were switched off.", count) % count
        ),
        logged="Disabled.",
    ),
}


class SwitchedAdmin(AskedAdmin):
    """Configurations that are switched and run from their list."""

    actions = ("run_now", "enable", "disable")

    def to_run(self, pk: int, said: str) -> str:
        """The words, as a link to that run."""
        return format_html('<a href="{}">{}</a>', self.address("change", pk, model=Run), said)

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Whoever may change one may run it."""
        return self.may(request, None, "change", RUN)

    @admin.action(description=_("Run now"), permissions=["run"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration]) -> HttpResponse | None:
        """Asks a worker to run each: a large course takes longer than a page may."""
        if stop := standstill.standing():
            self.message_user(request, _now("Nothing was started: Conferral is %s.") % stop, messages.ERROR)
            return None
        chosen = list(self.within(request, queryset, "change", RUN))
        for one in chosen:
            if not one.enabled:
                self.message_user(request, _now("%s is switched off; enable it first.") % one, messages.ERROR)
        found = [one for one in chosen if one.enabled]
        if found and not _is_confirmed(request):
            shut = _shut(found)
            explanation = _now("It looks at every learner and issues to those who qualify and have none yet.")
            explanation = " ".join([explanation, *_how_many(shut)])
            button = ngettext("Run %d configuration", "Run %d configurations", len(found)) % len(found)
            return self._confirmed(request, shut, title=_now("Run now"), explanation=explanation, button=button)
        may_look = access.limits(request.user, "view_run", "change_run") != frozenset()
        for one in found:
            try:
                asked = runs.ask(one, by=request.user)
            except ConferralError as error:
                self.message_user(request, f"{one}: {spoken(error)}", messages.ERROR)
                continue
            nudge(request, (tasks.run_asked, asked.pk), lost=LATER)
            self.log_change(request, one, "Run now.")
            said = _now("A run was asked for")
            said = format_html("{}: {}", self.to_run(asked.pk, said) if may_look else said, one)
            self.message_user(request, said, messages.INFO)
        return None

    @admin.action(description=_("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration]) -> HttpResponse | None:
        """Switches them on; one that could not run says why, and stays off."""
        return self._switch(request, queryset, on=True)

    @admin.action(description=_("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration]) -> HttpResponse | None:
        """Switches them off."""
        return self._switch(request, queryset, on=False)

    def _confirmed(self, request: HttpRequest, found: Mapping[Any, str], **said: str) -> HttpResponse:
        """The page that asks whether to: it names them, each with what is to be known of it."""
        keys = [one.pk for one in found]
        across = request.POST.get("select_across") == "1"
        content = {
            **self.admin_site.each_context(request),
            **said,
            "opts": self.opts,
            "media": self.media,
            "back": request.get_full_path(),
            "action": request.POST["action"],
            "across": across,
            "keys": keys[:1] if across else keys,
            "found": list(found.items())[:SHOWN],
            "more": max(len(found) - SHOWN, 0),
        }
        return TemplateResponse(request, "conferral/admin/ask_many.html", content)

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[CredentialConfiguration], *, on: bool
    ) -> HttpResponse | None:
        switch = SWITCHES[on]
        found = [one for one in self.within(request, queryset, "change") if one.enabled is not on]
        if found and not _is_confirmed(request):
            said = {"title": str(switch.title), "explanation": str(switch.explanation)}
            return self._confirmed(request, dict.fromkeys(found, ""), button=switch.button(len(found)), **said)
        done = 0
        for one in found:
            values = {
                name: getattr(one, name) for name in ("time_zone", "schedule", "opening", "guards", *OPTIONS, "fields")
            }
            try:
                change = configure.save_configuration(
                    one.context_key, one.type.name, by=request.user, enabled=on, **values
                )
            except ConferralError as error:
                told(self, request, ConferralError("%(error)s", where=str(one), error=error))
                continue
            if change.action == "change":
                done += 1
                self.log_change(request, one, switch.logged)
            for remark in change.remarks:
                self.message_user(request, f"{one}: {remark}", messages.WARNING)
        self.message_user(request, switch.said(done))
        return None


def _shut(found: Iterable[CredentialConfiguration]) -> dict[CredentialConfiguration, str]:
    """Each with why its run looks at nobody now: it is closed or not open yet."""
    now = timezone.now()
    return {one: spoken(opening.state_of(one, now).why) for one in found}


def _how_many(shut: Mapping[CredentialConfiguration, str]) -> list[str]:
    """Of how many that is so."""
    count = sum(bool(why) for why in shut.values())
    said = ngettext(
        "%d of them is closed or not open yet: unless the dates of its course have changed since, its run looks at "
        "nobody.",
        "%d of them are closed or not open yet: unless the dates of their courses have changed since, their runs look "
        "at nobody.",
        count,
    )
    return [said % count] if count else []


def _is_confirmed(request: HttpRequest) -> bool:
    return "confirmed" in request.POST
