"""Issuing runs: how far they are, what came of them, and what a person decides about them."""

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import facts, tasks
from conferral.access import RELEASE, RENAME, RETRY, RUN
from conferral.admin import filters, search, words
from conferral.admin.asks import Ask, AskedAdmin, Done, ReasonForm
from conferral.admin.base import named, recorded
from conferral.admin.followed import GOING_ON, FollowedAdmin
from conferral.admin.lists import RecordList
from conferral.admin.site import admin_of, registered
from conferral.issuance import correct, given_up, release
from conferral.issuance import run as runs
from conferral.models import Credential, CredentialArtifact, Delivery, Run
from conferral.spoken import spoken

BROKEN_OFF = (Run.Status.FAILED, Run.Status.LOST, Run.Status.CANCELLED)
FIRST = 10
"""Failures that a run's page names."""
AT_ONCE = 1000
"""Failed credentials that are tried again while somebody waits."""
MAKERS = ((tasks.generate,), (tasks.deliver,))


class CancelForm(ReasonForm):
    """Why, if somebody wants to say."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["reason"].required = False


class ReleaseForm(forms.Form):
    """Whether the learners are written to."""

    notify = forms.BooleanField(label=_("Write to the learners"), required=False, initial=True)


def _cancel(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    runs.cancel(run, by=request.user, reason=values["reason"])
    return Done(_now("The run was cancelled; nothing was issued by it."))


def _release(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    count = release.release(run, by=request.user, notify=values["notify"])
    said = ngettext("%d credential was released.", "%d credentials were released.", count) % count
    return Done(said, nudges=MAKERS)


def _refuse(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    count = release.refuse(run, by=request.user, reason=values["reason"])
    return Done(ngettext("%d credential was refused.", "%d credentials were refused.", count) % count)


def _retry(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    files, mails = correct.retry(list(retried_of(run)[:AT_ONCE]), by=request.user)
    mails += len(given_up.try_again(_keys(given_up_of(run)), by=request.user))
    tried = [
        *([ngettext("%d file", "%d files", files) % files] if files else ()),
        *([ngettext("%d mail", "%d mails", mails) % mails] if mails else ()),
    ]
    said = [_now("Tried again: %s.") % (", ".join(tried) or _now("nothing"))]
    if left := retried_of(run).count():
        more = ngettext(
            "%(count)s credential is left; ask again for it.",
            "%(count)s credentials are left; ask again for the next.",
            left,
        )
        said.append(more % {"count": facts.number(left)})
    if left := given_up_of(run).count():
        more = ngettext(
            "%(count)s mail is left; ask again for it.", "%(count)s mails are left; ask again for the next.", left
        )
        said.append(more % {"count": facts.number(left)})
    return Done(" ".join(said), nudges=MAKERS)


def _what_is_retried(run: Run) -> str:
    credentials, mails = retried_of(run).count(), given_up_of(run).count()
    said = []
    if credentials > AT_ONCE:
        first = _now(
            "%(count)s credentials could not be made. The first %(most)s are tried again now; ask again for the next."
        )
        said.append(first % {"count": facts.number(credentials), "most": facts.number(AT_ONCE)})
    elif credentials:
        these = ngettext(
            "%d credential could not be made. It is tried again now.",
            "%d credentials could not be made. They are tried again now.",
            credentials,
        )
        said.append(these % credentials)
    if mails > AT_ONCE:
        first = _now("%(count)s mails were given up. The first %(most)s are tried again now; ask again for the next.")
        said.append(first % {"count": facts.number(mails), "most": facts.number(AT_ONCE)})
    elif mails:
        these = ngettext(
            "%d mail was given up. It is tried again now.", "%d mails were given up. They are tried again now.", mails
        )
        said.append(these % mails)
    return " ".join(said)


def _keys(rows: Any) -> list[int]:
    return list(rows.values_list("pk", flat=True)[:AT_ONCE])


def _again(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    asked = runs.ask(run.configuration, by=request.user, notify=run.notify)
    to = admin_.address("change", asked.pk)
    return Done(_now("A run was asked for."), to, [(tasks.run_asked, asked.pk)])


def failed_of(run: Run) -> Any:
    """The credentials of the run that could not be made, as they are listed."""
    return words.CredentialState.narrowed(Credential.objects.filter(run=run), Credential.State.FAILED).order_by("pk")


def retried_of(run: Run) -> Any:
    """Those of them that are tried again: not of people who are gone."""
    return failed_of(run).filter(learner__retired=None)


def given_up_of(run: Run) -> Any:
    """The mails about its credentials that were given up, and that somebody should still get."""
    mails = Delivery.objects.filter(credential__run=run)
    return words.DeliveryState.narrowed(mails, words.MEND).order_by("pk")


class RunList(RecordList):
    """Runs, each with how many of its credentials could not be made: of a page, in one query."""

    def get_results(self, request: HttpRequest) -> None:
        """Those are few, and an index has them."""
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        failed = words.CredentialState.narrowed(
            Credential.objects.filter(run__in=[run.pk for run in self.result_list]), Credential.State.FAILED
        )
        counts = dict(failed.order_by().values_list("run").annotate(Count("pk")))
        for run in self.result_list:
            run.unmade = counts.get(run.pk, 0)


@registered(Run)
class RunAdmin(AskedAdmin, FollowedAdmin):
    """Issuing runs."""

    change_form_template = "conferral/admin/run.html"
    of = "configuration"
    list_display = (
        *("number", "configured", "begun_by", "outcome", "began"),
        *("evaluated", "issued", "unmade", "undecided"),
    )
    list_filter = (words.RunOutcome, words.RunTrigger, filters.OfConfiguration, filters.TypeByConfiguration)
    list_select_related = ("configuration__type", "by")
    sortable_by = ()
    search_fields = ("configuration__context_key", "configuration__type__name")
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    found_by = search.runs
    ordering = ("-pk",)
    _first = ("of_configuration", "begun_by", "outcome", "what_went_wrong", "to_be_looked_at", "began", "lasted")
    fieldsets = (
        (None, {"fields": (*_first, "written_to", "other_runs")}),
        (_("Details"), {"fields": ("tried", "tried_next"), "classes": ("collapse",)}),
    )
    what_went_wrong = recorded("error", _("What went wrong"))
    to_be_looked_at = recorded("remarks", _("To be looked at"))
    tried = named("attempts", _("attempts"))
    unmade = named("unmade", _("Not made"))
    undecided = named("failed", _("Undecided"))
    asks: ClassVar = {
        "release": Ask(
            right=RELEASE,
            title=_("Release what it holds"),
            explain=lambda run: (
                ngettext(
                    "%d credential is issued today, and its learner gets it.",
                    "%d credentials are issued today, and their learners get them.",
                    run.held,
                )
                % run.held
            ),
            button=_("Release"),
            form=ReleaseForm,
            sensible=lambda run: run.status == Run.Status.HELD,
            perform=_release,
        ),
        "refuse": Ask(
            right=RELEASE,
            title=_("Refuse what it holds"),
            explain=lambda run: (
                ngettext(
                    "%d credential is deleted; nobody has seen it. The next run decides about the learner anew.",
                    "%d credentials are deleted; nobody has seen them. The next run decides about the learners anew.",
                    run.held,
                )
                % run.held
            ),
            button=_("Refuse"),
            form=ReasonForm,
            sensible=lambda run: run.status == Run.Status.HELD,
            perform=_refuse,
            grave=True,
        ),
        "cancel": Ask(
            right=RUN,
            title=_("Cancel the run"),
            explain=lambda _run: _now("It stops at its next page of learners. Nothing that it has found is issued."),
            button=_("Cancel the run"),
            form=CancelForm,
            sensible=lambda run: run.status in GOING_ON,
            perform=_cancel,
            grave=True,
        ),
        "retry": Ask(
            right=RETRY,
            title=_("Try again what failed"),
            explain=_what_is_retried,
            button=_("Try again"),
            sensible=lambda run: retried_of(run).exists() or given_up_of(run).exists(),
            perform=_retry,
        ),
        "again": Ask(
            right=RUN,
            title=_("Run again"),
            explain=lambda _run: _now("A new run looks at everybody again. Nobody gets a second credential."),
            button=_("Run"),
            sensible=lambda run: run.status in BROKEN_OFF and run.configuration.enabled,
            perform=_again,
        ),
    }

    def get_changelist(self, request: HttpRequest, **named: Any) -> type[RecordList]:
        """One that knows what could not be made."""
        return RunList

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With how far it is, what it came to, and its first failures."""
        run = self.get_object(request, object_id)
        content: dict[str, Any] = {}
        credentials = admin_of(self.admin_site, Credential)
        if run is not None:
            may_correct, links = credentials.may(request, None, "change", RENAME), self.seen_by(request)
            broken = CredentialArtifact.objects.filter(
                credential__in=failed_of(run), state=CredentialArtifact.State.FAILED
            )
            content = {
                **self.followed(run),
                "figures": list(self._figures(request, run)),
                "subtitle": _now("Run of %s") % words.local(run.started, run.configuration.time_zone),
                "failures": [
                    (
                        links.link_to(one.credential, one.credential.recipient_name or one.credential.learner.key),
                        spoken(one.last_error),
                        self.address("ask", one.credential_id, "name", model=Credential) if may_correct else "",
                    )
                    for one in broken.select_related("credential__learner").order_by("pk")[:FIRST]
                ],
                "all_failures": self._listed(run, is_=Credential.State.FAILED) if broken.count() > FIRST else "",
            }
        return super().change_view(request, object_id, form_url, {**content, **(extra_context or {})})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without what there is nothing to say of; what a run holds back for stands above."""
        silent = {
            "what_went_wrong": not obj or not obj.error,
            "to_be_looked_at": not obj or not obj.remarks or obj.status == Run.Status.HELD,
        }
        return [
            (title, {**options, "fields": [name for name in options["fields"] if not silent.get(name)]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    @admin.display(description=_("Number"))
    def number(self, obj: Run) -> str:
        """By which people speak of it."""
        return str(obj.pk)

    @admin.display(description=_("Outcome"))
    def outcome(self, obj: Run) -> str:
        """How far it came."""
        return words.word(words.RUN, obj.status)

    @admin.display(description=_("Begun by"))
    def begun_by(self, obj: Run) -> str:
        """What or who began it."""
        return str(obj.by) if obj.by else words.word(words.TRIGGER, obj.trigger)

    @admin.display(description=_("Configuration"))
    def of_configuration(self, obj: Run) -> str:
        """The way to its page."""
        return self.link_to(obj.configuration)

    @admin.display(description=_("Began"))
    def began(self, obj: Run) -> str:
        """In the configuration's time zone."""
        return words.local(obj.started, obj.configuration.time_zone)

    @admin.display(description=_("Learners are written to"), boolean=True)
    def written_to(self, obj: Run) -> bool:
        """Once theirs is ready."""
        return obj.notify

    @admin.display(description=_("Other runs"))
    def other_runs(self, obj: Run) -> str:
        """All of the configuration."""
        address = f"{self.address('changelist')}?configuration__id__exact={obj.configuration_id}"
        return format_html('<a href="{}">{}</a>', address, _now("All runs of this configuration"))

    def _figures(self, request: HttpRequest, run: Run) -> Iterator[words.Figure]:
        """What came of it, with where those who may see them find the credentials and mails that are meant."""
        counted = {"unmade": failed_of(run).count(), "unsent": given_up_of(run).count()}
        found = {name: getattr(run, name, 0) for name in words.RUN_FIGURES} | counted
        addresses = {}
        if admin_of(self.admin_site, Credential).has_view_permission(request):
            states = {"issued": "", "unmade": Credential.State.FAILED, "held": Credential.State.HELD}
            addresses = {name: self._listed(run, is_=state) for name, state in states.items()}
        if admin_of(self.admin_site, Delivery).has_view_permission(request):
            query = urlencode({filters.OfRunByCredential.parameter_name: run.pk, "state": words.MEND})
            addresses["unsent"] = f"{self.address('changelist', model=Delivery)}?{query}"
        return words.figures_of_run(found, addresses)

    def _listed(self, run: Run, is_: str = "") -> str:
        """Where the run's credentials are listed, those in that state."""
        query = {"run__id__exact": run.pk} | ({"is": is_} if is_ else {})
        return f"{self.address('changelist', model=Credential)}?{urlencode(query)}"

    @admin.display(description=_("next attempt"))
    def tried_next(self, obj: Run) -> str:
        """When it is tried again by itself, on the clock of the configuration."""
        return words.local(obj.next_try, obj.configuration.time_zone)

    @admin.display(description=_("Took"))
    def lasted(self, obj: Run) -> str:
        """From beginning to end."""
        return words.duration((obj.ended - obj.started).total_seconds()) if obj.ended else "-"
