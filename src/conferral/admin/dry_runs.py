"""Dry runs: what a run would come to, learner by learner."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from conferral.access import RUN
from conferral.admin import filters, search, words
from conferral.admin.asks import AskedAdmin
from conferral.admin.base import PER_PAGE, course_and_type
from conferral.admin.followed import FollowedAdmin
from conferral.admin.lists import BoundedPaginator
from conferral.admin.site import admin_of, registered
from conferral.contract import Decision, Fact
from conferral.contract.context import short_key
from conferral.facts import lines
from conferral.issuance import dry_run
from conferral.issuance.evaluate import Outcome
from conferral.issuance.export import csv_lines
from conferral.models import CredentialConfiguration, DryRun, DryRunRow
from conferral.spoken import spoken

SORTED_BY = {"learner": _("Username"), "name": _("Name"), "outcome": _("Outcome")}
COLUMNS = (*SORTED_BY.values(), _("Why"), _("Mail"))


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
class DryRunAdmin(AskedAdmin, FollowedAdmin):
    """What runs would do, as people asked: kept for a day."""

    of = "configuration"
    # Whoever may try a configuration out may see what came of it, and stop it.
    change_takes = frozenset({"change_dryrun", "change_credentialconfiguration", RUN})
    list_display = ("begun", "configured", "state", "evaluated", "by")
    list_filter = (words.RunStatus, filters.OfConfiguration, filters.TypeByConfiguration)
    sortable_by = ()
    search_fields = ("configuration__context_key", "configuration__type__name")
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    found_by = search.runs
    ordering = ("-pk",)

    def get_urls(self) -> list[URLPattern]:
        """With the table for spreadsheets, and the way to stop it."""
        views = {"csv": self.csv_view, "cancel": self.cancel_view}
        return [
            *(
                path(f"<int:key>/{name}/", self.admin_site.admin_view(view), name=f"conferral_dryrun_{name}")
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what its page names."""
        return super().get_queryset(request).select_related("configuration__type", "by")

    @admin.display(description=_("Started"))
    def begun(self, obj: DryRun) -> str:
        """In the time zone of its configuration."""
        return words.local(obj.started, obj.configuration.time_zone)

    @admin.display(description=_("State"))
    def state(self, obj: DryRun) -> str:
        """How far it came."""
        return words.word(words.RUN, obj.status)

    def cancel_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """Stops it."""
        found = self.visible(request, key)
        if not self.may(request, found, "change"):
            raise PermissionDenied
        if request.method == "POST":
            dry_run.cancel(found, by=request.user)
        return HttpResponseRedirect(self.address("change", found.pk))

    def csv_view(self, request: HttpRequest, key: int) -> StreamingHttpResponse:
        """The rows that are looked for, as a table in which no cell is a formula."""
        found = self.visible(request, key)
        rows, form = self._rows(found, request)
        lines = _table(dry_run.each_row(rows, form.sorted_by), get_language() or "en")
        name = f"dry-run-{short_key(found.configuration.context_key)}-{found.pk}.csv"
        headers = {"Content-Disposition": content_disposition_header(True, name)}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Its figures and its rows: searched, sorted, a page at a time."""
        found = self.visible(request, object_id)
        rows, form = self._rows(found, request)
        page = BoundedPaginator(rows, PER_PAGE).get_page(request.GET.get("p"))
        query = request.GET.copy()
        query.pop("p", None)
        content = {
            **self.admin_site.each_context(request),
            "title": _("Dry run"),
            "subtitle": course_and_type(found.configuration),
            "opts": self.opts,
            "media": self.media,
            "obj": found,
            "form": form,
            "query": query.urlencode(),
            "rows": page,
            "when": self.begun(found),
            "columns": [(word, *sorting(name, form.sorted_by, request.GET)) for name, word in SORTED_BY.items()],
            "further": COLUMNS[len(SORTED_BY) :],
            "shown": [(row, words.outcome(row.outcome), *evidence(row)) for row in page],
            "figures": list(words.figures(found.figures)) if found.figures else [],
            **self.followed(found),
            "cancel_url": self.address("cancel", found.pk),
            "history_url": self.address("history", found.pk),
            "csv_url": self.address("csv", found.pk),
            "configuration": self.seen_by(request).link_to(found.configuration, course_and_type(found.configuration)),
            "run_url": self._way_to_run(request, found.configuration),
        }
        return TemplateResponse(request, "conferral/admin/dry_run.html", content)

    def _way_to_run(self, request: HttpRequest, configuration: CredentialConfiguration) -> str:
        """The page that asks whether it is to run now; empty for who may not have it run."""
        configurations = admin_of(self.admin_site, CredentialConfiguration)
        seen = configurations.has_view_permission(request, configuration)
        return configurations.way_to(request, configuration, "run") if seen else ""

    def _rows(self, found: DryRun, request: HttpRequest) -> tuple[Any, RowsForm]:
        form = RowsForm(request.GET, label_suffix="")
        said = form.cleaned_data if form.is_valid() else {}
        rows = dry_run.find(
            found,
            text=said.get("q", "").replace("\0", ""),
            outcome=said.get("outcome", ""),
            unmailed=bool(said.get("unmailed")),
        )
        return rows.order_by(form.sorted_by, "pk"), form


def _table(rows: Iterable[DryRunRow], language: str) -> Iterator[str]:
    """The lines of a CSV file, in the reader's language: they are asked for when the page is long done."""
    with translation.override(language):
        yield from csv_lines([str(word) for word in COLUMNS], map(_cells, rows))


def _cells(row: DryRunRow) -> list[str]:
    facts, why = evidence(row)
    told = "; ".join([*facts, *([spoken(why)] if why else [])])
    return [row.learner, row.name, words.outcome(row.outcome), told, spoken(row.mail)]


def evidence(row: Any) -> tuple[list[str], str]:
    """The facts that decided, in words; and what else did."""
    decision = Decision(tuple(Fact(**fact) for fact in row.facts))
    return [str(line) for line in lines(decision.facts)], "" if row.why == decision.reason else row.why


def sorting(name: str, present: str, said: QueryDict) -> tuple[str, str]:
    """How the table is sorted by that column, if it is, and the query that sorts it so, or the other way round."""
    query = said.copy()
    query.pop("p", None)
    query["o"] = f"-{name}" if present == name else name
    return {name: "ascending", f"-{name}": "descending"}.get(present, ""), query.urlencode()
