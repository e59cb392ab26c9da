"""Issuing runs and dry runs: how far they are, what came of them, and what a person decides about them."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import tasks
from conferral.admin import filters, search, words
from conferral.admin.asks import Ask, AskedAdmin, Done, ReasonForm
from conferral.admin.base import PER_PAGE, RecordAdmin
from conferral.admin.site import registered
from conferral.contract import Fact
from conferral.contract.context import short_key
from conferral.issuance import correct, dry_run, release
from conferral.issuance import run as runs
from conferral.issuance.evaluate import Outcome
from conferral.issuance.progress import progress_of
from conferral.models import Credential, CredentialArtifact, DryRun, Run

GOING_ON = (Run.Status.ASKED, Run.Status.RUNNING)
BROKEN_OFF = (Run.Status.FAILED, Run.Status.LOST, Run.Status.CANCELLED)
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
    files, mails = correct.retry(list(failed_of(run)[:AT_ONCE]))
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
    list_filter = (words.RunStatus, words.RunTrigger, filters.TypeByConfiguration)
    list_select_related = ("configuration__type", "by")
    sortable_by = ()
    search_fields = ("configuration__context_key", "configuration__type__name")
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    found_by = search.runs
    ordering = ("-pk",)
    fields = (
        *("configuration", "begun_by", "outcome", "error", "remarks", "started", "lasted", "notify"),
        *("attempts", "next_try"),
        *("evaluated", "eligible", "already", "issued", "held", "waiting", "refused", "failed"),
    )
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
        if run is not None:
            broken = CredentialArtifact.objects.filter(
                credential__in=failed_of(run), state=CredentialArtifact.State.FAILED
            )
            content = {
                "progress": told(run),
                "progress_url": self.address("progress", run.pk),
                "failures": [
                    (self.link_to(one.credential, one.credential.recipient_name), one.last_error)
                    for one in broken.select_related("credential").order_by("pk")[:10]
                ],
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
    o = forms.ChoiceField(label=_("Sorted by"), required=False, choices=list(SORTED_BY.items()))

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        outcome: Any = self.fields["outcome"]
        outcome.choices = [("", _("All")), *((each.value, words.outcome(each)) for each in Outcome)]


@registered(DryRun)
class DryRunAdmin(AskedAdmin, RecordAdmin):
    """What runs would do, as people asked: kept for a day."""

    of = "configuration"
    list_display = ("started", "configuration", "state", "evaluated", "by")
    list_select_related = ("configuration__type", "by")
    sortable_by = ()
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
        lines = dry_run.csv_of(dry_run.each_row(self._rows(found, request)[0]))
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
            "shown": [(row, words.outcome(row.outcome), evidence(row)) for row in page],
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
        by = said.get("o") or "learner"
        return rows.order_by(by, "pk"), form


def evidence(row: Any) -> list[str]:
    """The facts that decided, in words."""
    return [str(Fact(**fact)) for fact in row.facts]
