"""Issuing runs and dry runs: how far they are, what came of them, and what a person decides about them."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import tasks
from conferral.admin import filters, search, words
from conferral.admin.asks import Ask, AskedAdmin, Done, ReasonForm
from conferral.admin.base import PER_PAGE, RecordAdmin, named, recorded
from conferral.admin.site import registered
from conferral.contract import Decision, Fact
from conferral.contract.context import short_key
from conferral.issuance import correct, dry_run, release
from conferral.issuance import run as runs
from conferral.issuance.evaluate import Outcome
from conferral.issuance.progress import progress_of
from conferral.models import Credential, CredentialArtifact, DryRun, Run
from conferral.spoken import spoken

GOING_ON = (Run.Status.ASKED, Run.Status.RUNNING)
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
    files, mails = correct.retry(list(failed_of(run)[:AT_ONCE]), by=request.user)
    said = _now("Tried again: %(files)d files, %(mails)d mails.") % {"files": files, "mails": mails}
    return Done(said, nudges=MAKERS)


def _again(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    asked = runs.ask(run.configuration, by=request.user, notify=run.notify)
    to = admin_.address("change", asked.pk)
    return Done(_now("A run was asked for."), to, [(tasks.run_asked, asked.pk)])


def failed_of(run: Run) -> Any:
    """The credentials of the run that could not be made."""
    return Credential.objects.filter(run=run, state=Credential.State.FAILED, current=True).order_by("pk")


@registered(Run)
class RunAdmin(AskedAdmin, RecordAdmin):
    """Issuing runs."""

    change_form_template = "conferral/admin/run.html"
    of = "configuration"
    list_display = ("pk", "configuration", "begun_by", "outcome", "started", "lasted", "evaluated", "issued", "failed")
    list_filter = (words.RunStatus, words.RunTrigger, filters.OfConfiguration, filters.TypeByConfiguration)
    list_select_related = ("configuration__type", "by")
    sortable_by = ()
    search_fields = ("configuration__context_key", "configuration__type__name")
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    found_by = search.runs
    ordering = ("-pk",)
    fields = (
        *("of_configuration", "begun_by", "outcome", "what_went_wrong", "to_be_looked_at", "began", "lasted"),
        *("written_to", "looked_at", "qualify", "have_one", "were_issued", "are_held", "not_made", "wait"),
        *("are_refused", "undecided", "tried", "tried_next", "other_runs"),
    )
    what_went_wrong = recorded("error", _("What went wrong"))
    to_be_looked_at = recorded("remarks", _("To be looked at"))
    looked_at = named("evaluated", _("Learners looked at"))
    qualify = named("eligible", _("Of them qualify"))
    have_one = named("already", _("Have one already"))
    wait = named("waiting", _("Qualify and wait"))
    are_refused = named("refused", _("Are refused"))
    undecided = named("failed", _("Cannot be decided about"))
    tried = named("attempts", _("attempts"))
    asks: ClassVar = {
        "release": Ask(
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
            title=_("Cancel the run"),
            explain=lambda _run: _now("It stops at its next page of learners. Nothing that it has found is issued."),
            button=_("Cancel the run"),
            form=CancelForm,
            sensible=lambda run: run.status in GOING_ON,
            perform=_cancel,
            grave=True,
        ),
        "retry": Ask(
            title=_("Try again what failed"),
            explain=lambda run: (
                ngettext(
                    "%d credential could not be made. It is tried again now.",
                    "%d credentials could not be made. They are tried again now.",
                    count := failed_of(run).count(),
                )
                % count
            ),
            button=_("Try again"),
            sensible=lambda run: failed_of(run).exists(),
            perform=_retry,
        ),
        "again": Ask(
            title=_("Run again"),
            explain=lambda _run: _now("A new run looks at everybody again. Nobody gets a second credential."),
            button=_("Run"),
            sensible=lambda run: run.status in BROKEN_OFF and run.configuration.enabled,
            perform=_again,
        ),
    }

    def get_urls(self) -> list[URLPattern]:
        """With what the script asks while it goes on."""
        view = self.admin_site.admin_view(self.progress_view)
        return [path("<int:key>/progress/", view, name="conferral_run_progress"), *super().get_urls()]

    def progress_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """How far it is."""
        run = self.get_object(request, str(key))
        if run is None or not self.has_view_permission(request, run):
            raise PermissionDenied
        return JsonResponse(told(run))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With how far it is, and its first failures."""
        run = self.get_object(request, object_id)
        content: dict[str, Any] = {}
        credentials: Any = self.admin_site._registry[Credential]  # noqa: SLF001 - `get_model_admin` came with Django 5.0
        if run is not None:
            may_correct = credentials.may(request, None, "change")
            broken = CredentialArtifact.objects.filter(
                credential__in=failed_of(run), state=CredentialArtifact.State.FAILED
            )
            content = {
                "progress": told(run),
                "progress_url": self.address("progress", run.pk),
                "subtitle": _now("Run of %s") % words.local(run.started, run.configuration.time_zone),
                "failures": [
                    (
                        self.link_to(one.credential, one.credential.recipient_name or one.credential.learner.key),
                        spoken(one.last_error),
                        self.address("ask", one.credential_id, "name", model=Credential) if may_correct else "",
                    )
                    for one in broken.select_related("credential__learner").order_by("pk")[:FIRST]
                ],
                "all_failures": self._listed(run, is_=Credential.State.FAILED) if broken.count() > FIRST else "",
            }
        return super().change_view(request, object_id, form_url, {**content, **(extra_context or {})})

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

    @admin.display(description=_("Issued"))
    def were_issued(self, obj: Run) -> str:
        """How many, and which."""
        return self._which(obj, obj.issued)

    @admin.display(description=_("Held back"))
    def are_held(self, obj: Run) -> str:
        """How many wait for a person, and which."""
        return self._which(obj, obj.held, is_=Credential.State.HELD)

    @admin.display(description=_("Of them could not be made"))
    def not_made(self, obj: Run) -> str:
        """How many of those that were issued, and which."""
        return self._which(obj, failed_of(obj).count(), is_=Credential.State.FAILED)

    @admin.display(description=_("Other runs"))
    def other_runs(self, obj: Run) -> str:
        """All of the configuration."""
        address = f"{self.address('changelist')}?configuration__id__exact={obj.configuration_id}"
        return format_html('<a href="{}">{}</a>', address, _now("All runs of this configuration"))

    def _which(self, run: Run, count: int, is_: str = "") -> str:
        return format_html('<a href="{}">{}</a>', self._listed(run, is_=is_), count) if count else "0"

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


def told(run: Run | DryRun) -> dict[str, Any]:
    """How far a run is, in words and figures, for the page and for the script that follows it."""
    far = progress_of(run)  # type: ignore[arg-type]  # both have what it reads
    going_on = run.status in GOING_ON
    if run.status == Run.Status.ASKED:
        said = _now("It is about to begin.")
    elif going_on:
        looked = {"evaluated": f"{far.evaluated:,}", "rate": f"{far.rate:,.0f}"}
        said = _now("%(evaluated)s learners looked at, %(rate)s a second.") % looked
        if far.left is not None:
            said += " " + _now("About %s left.") % words.duration(far.left.total_seconds())
    else:
        said = words.word(words.RUN, run.status)
    return {"going_on": going_on, "share": far.share or 0, "said": said, "evaluated": far.evaluated}


SORTED_BY = {"learner": _("Username"), "name": _("Name"), "outcome": _("Outcome")}


class RowsForm(forms.Form):
    """What of a dry run is looked for."""

    q = forms.CharField(label=_("Username or name"), required=False, max_length=200)
    outcome = forms.ChoiceField(label=_("Outcome"), required=False)
    unmailed = forms.BooleanField(label=_("Cannot be mailed"), required=False)
    o = forms.ChoiceField(
        required=False,
        choices=[(f"{sign}{name}", word) for sign in ("", "-") for name, word in SORTED_BY.items()],
        widget=forms.HiddenInput,
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        outcome: Any = self.fields["outcome"]
        outcome.choices = [("", _("All")), *((each.value, words.outcome(each)) for each in Outcome)]

    @property
    def sorted_by(self) -> str:
        """The field, with a minus before it from its end."""
        return (self.cleaned_data.get("o") if self.is_valid() else "") or "learner"


@registered(DryRun)
class DryRunAdmin(AskedAdmin, RecordAdmin):
    """What runs would do, as people asked: kept for a day."""

    of = "configuration"
    list_display = ("begun", "configuration", "state", "evaluated", "by")
    list_filter = (words.RunStatus, filters.OfConfiguration, filters.TypeByConfiguration)
    list_select_related = ("configuration__type", "by")
    sortable_by = ()
    search_fields = ("configuration__context_key", "configuration__type__name")
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    found_by = search.runs
    ordering = ("-pk",)

    def get_urls(self) -> list[URLPattern]:
        """With what the script asks, the table for spreadsheets, and the way to stop it."""
        views = {"progress": self.progress_view, "csv": self.csv_view, "cancel": self.cancel_view}
        return [
            *(
                path(f"<int:key>/{name}/", self.admin_site.admin_view(view), name=f"conferral_dryrun_{name}")
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    @admin.display(description=_("Started"))
    def begun(self, obj: DryRun) -> str:
        """In the time zone of its configuration."""
        return words.local(obj.started, obj.configuration.time_zone)

    @admin.display(description=_("State"))
    def state(self, obj: DryRun) -> str:
        """How far it came."""
        return words.word(words.RUN, obj.status)

    def progress_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """How far it is."""
        return JsonResponse(told(self._found(request, key)))

    def cancel_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """Stops it."""
        found = self._found(request, key)
        if request.method == "POST":
            dry_run.cancel(found)
        return HttpResponseRedirect(self.address("change", found.pk))

    def csv_view(self, request: HttpRequest, key: int) -> StreamingHttpResponse:
        """The rows that are looked for, as a table in which no cell is a formula."""
        found = self._found(request, key)
        rows, form = self._rows(found, request)
        lines = dry_run.csv_of(dry_run.each_row(rows, form.sorted_by), words.outcome)
        name = f"dry-run-{short_key(found.configuration.context_key)}-{found.pk}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Its figures and its rows: searched, sorted, a page at a time."""
        found = self._found(request, object_id)
        rows, form = self._rows(found, request)
        page = Paginator(rows, PER_PAGE).get_page(request.GET.get("p"))
        query = request.GET.copy()
        query.pop("p", None)
        content = {
            **self.admin_site.each_context(request),
            "title": _("Dry run"),
            "subtitle": str(found.configuration),
            "opts": self.opts,
            "media": self.media,
            "obj": found,
            "form": form,
            "query": query.urlencode(),
            "rows": page,
            "when": self.begun(found),
            "columns": [(word, *sorting(name, form.sorted_by, request.GET)) for name, word in SORTED_BY.items()],
            "shown": [(row, words.outcome(row.outcome), *evidence(row)) for row in page],
            "figures": list(words.figures(found.figures)) if found.figures else [],
            "progress": told(found),
            "progress_url": self.address("progress", found.pk),
            "cancel_url": self.address("cancel", found.pk),
            "csv_url": self.address("csv", found.pk),
            "configuration_url": self.address("change", found.configuration_id, model=type(found.configuration)),
            "run_url": self.address("ask", found.configuration_id, "run", model=type(found.configuration)),
        }
        return TemplateResponse(request, "conferral/admin/dry_run.html", content)

    def _found(self, request: HttpRequest, key: object) -> DryRun:
        found = self.get_object(request, str(key))
        if found is None or not self.has_view_permission(request, found):
            raise PermissionDenied
        dry: DryRun = found
        return dry

    def _rows(self, found: DryRun, request: HttpRequest) -> tuple[Any, RowsForm]:
        form = RowsForm(request.GET)
        said = form.cleaned_data if form.is_valid() else {}
        rows = dry_run.find(
            found,
            text=said.get("q", "").replace("\0", ""),
            outcome=said.get("outcome", ""),
            unmailed=bool(said.get("unmailed")),
        )
        return rows.order_by(form.sorted_by, "pk"), form


def evidence(row: Any) -> tuple[list[str], str]:
    """The facts that decided, in words; and what else did."""
    decision = Decision(tuple(Fact(**fact) for fact in row.facts))
    return [str(fact) for fact in decision.facts], "" if row.why == decision.reason else row.why


def sorting(name: str, present: str, said: QueryDict) -> tuple[str, str]:
    """How the table is sorted by that column, if it is, and the query that sorts it so, or the other way round."""
    query = said.copy()
    query.pop("p", None)
    query["o"] = f"-{name}" if present == name else name
    return {name: "ascending", f"-{name}": "descending"}.get(present, ""), query.urlencode()
