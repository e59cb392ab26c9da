"""Dry runs: what a run would make of each learner, as figures and as rows; kept for a day, so that a page can search.

The same steps as a run takes, so the figures are the same. Nothing is issued, and nobody's waiting begins.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from conferral import journal, plugins, schedules
from conferral.contract import LMS, ConferralError, Phrase
from conferral.contract.text import storable
from conferral.issuance import guards, history, lease, opening
from conferral.issuance.assess import assess, counts_of
from conferral.issuance.candidates import Register
from conferral.issuance.evaluate import Evaluation, Outcome, fail
from conferral.issuance.export import csv_lines
from conferral.issuance.lease import Lease, LeaseLost
from conferral.issuance.limit import each, limited
from conferral.issuance.persist import persistently
from conferral.issuance.plan import Plan, resolve
from conferral.issuance.progress import expected_of
from conferral.issuance.source import objections, told
from conferral.models import Act, CredentialConfiguration, DryRun, DryRunRow, Learner, Run
from conferral.settings import current

logger = logging.getLogger(__name__)

Status = DryRun.Status
KEPT = timedelta(days=1)
TELLS = 1.0
"""Seconds after which it writes down how far it is, and notices that it was cancelled; at the end of a page."""
NO_ADDRESS = "no e-mail address"
NOT_ACTIVE = "the account is not active"
WOULD_BE_HELD = Phrase("would be held back: %(why)s")
COLUMNS = ("username", "name", "outcome", "why", "mail")


@dataclass(frozen=True, slots=True)
class Row:
    """One learner: what the run would do, and why; `mail` is why they could not be written to, if so."""

    learner: str
    name: str
    outcome: Outcome
    why: str
    facts: list[dict[str, Any]]
    mail: str


@dataclass(slots=True)
class Forecast:
    """What the rows come to: a run's figures under the same names, and `unmailed` of those who would be issued to.

    `why_held`: the whole run would be held. It is complete when the rows have been read to their end.
    """

    figures: dict[str, int] = field(default_factory=dict)
    why_held: str = ""
    remarks: tuple[str, ...] = ()
    not_yet: int = 0


class Rows:
    """The rows of a dry run, a page at a time, and the forecast that grows with them."""

    def __init__(
        self, configuration: CredentialConfiguration, trigger: str = Run.Trigger.SCHEDULE, now: datetime | None = None
    ) -> None:
        """`trigger` is of the run that is foreseen: guards are not for commands."""
        self._configuration, self._trigger, self._now = configuration, trigger, now or timezone.now()
        self.forecast = Forecast()

    def pages(self) -> Iterator[list[Row]]:
        """Each page costs what the same page costs a run, and one query for the names."""
        outcomes: Counter[Outcome] = Counter()
        unmailed = always = 0
        with plugins.gateway().reading() as lms:
            with limited(current().page_seconds, "reading the course"):
                plan = resolve(self._configuration, lms)
            dates = opening.dates_of(opening.of(plan.configuration), plan.context)
            state = opening.state_by(dates, plan.configuration, self._now)
            why_shut = (state.why,) if state.why and dates.opens != schedules.NEVER else ()  # else the dates say so
            remarks = (*plan.objections, *why_shut, *dates.remarks)
            register = Register(plan, self._now, ended=dates.closes if state.last else None)
            for page in each(assess(plan, lms, register), current().page_seconds, "a page of learners"):
                rows = _rows(page, lms, review=guards.of(plan.configuration).review)
                outcomes.update(one.outcome for one in page)
                unmailed += sum(bool(row.mail) for row in rows)
                always += sum(one.allowed and one.outcome is Outcome.ISSUE for one in page)
                self.forecast = self._come_to(plan, remarks, outcomes, unmailed, always)
                yield rows
            if not outcomes:
                self.forecast = self._come_to(plan, remarks, outcomes, 0, 0)

    def _come_to(
        self, plan: Plan, remarks: tuple[str, ...], outcomes: Counter[Outcome], unmailed: int, always: int
    ) -> Forecast:
        counts = counts_of(outcomes)
        run = Run(trigger=self._trigger)
        rules = guards.of(plan.configuration)
        why = guards.why_held(run, rules, issued=counts["issued"], evaluated=counts["evaluated"])
        held = counts["issued"] - (always if why == guards.REVIEW else 0) if why else 0
        figures = counts | {"issued": counts["issued"] - held, "held": held, "unmailed": unmailed}
        return Forecast(figures, why if held else "", remarks, outcomes[Outcome.NOT_YET])


def start(configuration: CredentialConfiguration, *, by: Any) -> DryRun:
    """Asks for one in the background, and returns its row; `carry_out` does it, which the sweep sees to.

    Earlier ones of the configuration that have ended are removed; one that has not begun is returned as it is.
    """
    with transaction.atomic():
        stored = CredentialConfiguration.objects.select_for_update().get(pk=configuration.pk)
        waiting = stored.dry_runs.filter(status=Status.ASKED).first()
        if waiting:
            return waiting
        expected = expected_of(stored)
        forget_ended(stored.dry_runs.exclude(ended=None))
        asked = DryRun.objects.create(
            configuration=stored, by=history.account(by), started=timezone.now(), expected=expected
        )
        if by is not None:
            history.record("dry run asked for", stored, asked, by=by)
    return asked


def waiting() -> list[int]:
    """Those that are asked for and not begun, or whose worker is gone, oldest first."""
    found = DryRun.objects.filter(status__in=(Status.ASKED, Status.RUNNING)).order_by("pk")
    return [one.pk for one in found if _may_take(one)]


def carry_out(dry_run_id: int) -> DryRun | None:
    """Does it; None when it has ended, or somebody else does it. What goes wrong is written on the row."""
    found = DryRun.objects.filter(pk=dry_run_id, status__in=(Status.ASKED, Status.RUNNING))
    row = found.select_related("configuration__type").first()
    if row is None or not _may_take(row):
        return None
    token = lease.new_token()
    begun = {"claim": token, "claimed_until": lease.until(), "started": timezone.now(), "evaluated": 0}
    if not found.filter(claim=row.claim, status=row.status).update(status=Status.RUNNING, **begun):
        return None
    row.claim = token
    try:
        with Lease(partial(_renew, row)):
            persistently(partial(_fill, row))
    except LeaseLost:
        pass  # cancelled, or somebody has taken over
    except Exception as error:
        if not isinstance(error, ConferralError):
            journal.breakdown(logger, "a dry run failed", error, dry_run=row.pk, configuration=row.configuration_id)
        said = {"error": storable(f"{type(error).__name__}: {error}"), "ended": timezone.now()}
        ours = DryRun.objects.filter(pk=row.pk, claim=token, status=Status.RUNNING)
        persistently(lambda: ours.update(status=Status.FAILED, **said))
    return DryRun.objects.get(pk=row.pk)


def cancel(dry_run: DryRun, *, by: Any = None) -> None:
    """Stops it at its next page; one that has ended stays as it is."""
    going_on = DryRun.objects.filter(pk=dry_run.pk, status__in=(Status.ASKED, Status.RUNNING))
    with transaction.atomic():
        if going_on.update(status=Status.CANCELLED, ended=timezone.now()):
            history.record("cancelled", dry_run, by=by)


def find(dry_run: DryRun, *, text: str = "", outcome: str = "", unmailed: bool = False) -> QuerySet[DryRunRow]:
    """Its rows, by username; those whose username or name begins with the text, of that outcome, or without mail.

    Sort them by `learner`, `name` or `outcome`: each has an index.
    """
    rows = dry_run.rows.all()
    if text:
        rows = rows.filter(Q(learner__istartswith=text) | Q(name__icontains=text))
    if outcome:
        rows = rows.filter(outcome=outcome)
    if unmailed:
        rows = rows.filter(outcome__in=(Outcome.ISSUE, Outcome.HELD)).exclude(mail="")
    return rows.order_by("learner", "pk")


def csv_of(rows: Iterable[Row]) -> Iterator[str]:
    """The rows as the lines of a CSV file."""
    return csv_lines(COLUMNS, ((row.learner, row.name, str(row.outcome), row.why, row.mail) for row in rows))


def each_row(rows: QuerySet[DryRunRow], by: str = "learner") -> Iterator[DryRunRow]:
    """All of the rows, sorted by that field (`-` before it: from its end), a page in memory at a time.

    For the export of a large course: each page begins where the last one ended, by an index.
    """
    name, beyond = by.removeprefix("-"), "lt" if by.startswith("-") else "gt"
    rest = rows = rows.order_by(by, "pk")
    while page := list(rest[: current().page_size]):
        yield from page
        last = getattr(page[-1], name)
        rest = rows.filter(Q(**{f"{name}__{beyond}": last}) | Q(**{name: last, "pk__gt": page[-1].pk}))


def forget_ended(dry_runs: QuerySet[DryRun]) -> int:
    """Removes those dry runs with their rows and their history; how many. That of the configuration still tells."""
    keys = list(dry_runs.order_by("pk").values_list("pk", flat=True))
    Act.objects.filter(kind=history.kind(DryRun), object_id__in=keys).delete()
    DryRunRow.objects.filter(dry_run__in=keys).delete()
    DryRun.objects.filter(pk__in=keys).delete()
    return len(keys)


def forget_old(now: datetime) -> int:
    """Removes those that ended more than a day ago; how many."""
    return forget_ended(DryRun.objects.filter(ended__lt=now - KEPT))


def _fill(row: DryRun) -> None:
    """From the beginning, whatever is there of a try that the database broke off; one that has ended stays."""
    _keep(row, evaluated=0)
    row.rows.all().delete()
    rows = Rows(row.configuration, trigger=Run.Trigger.PERSON)
    evaluated, told_at = 0, time.monotonic()
    for page in rows.pages():
        DryRunRow.objects.bulk_create(
            DryRunRow(
                dry_run=row,
                learner=one.learner,
                name=one.name,
                outcome=one.outcome.value,
                why=storable(one.why),
                facts=one.facts,
                mail=one.mail,
            )
            for one in page
        )
        evaluated += len(page)
        if time.monotonic() - told_at >= TELLS:
            _keep(row, evaluated=evaluated)
            told_at = time.monotonic()
    with transaction.atomic():
        forecast = rows.forecast
        said = {"figures": forecast.figures | {"not_yet": forecast.not_yet}, "evaluated": evaluated}
        why = (WOULD_BE_HELD % {"why": forecast.why_held},) if forecast.why_held else ()
        said |= {"remarks": storable("\n".join((*why, *forecast.remarks))), "ended": timezone.now()}
        _keep(row, status=Status.FINISHED, **said)
        if forecast.why_held and forecast.why_held != guards.REVIEW:
            row.rows.filter(outcome=Outcome.ISSUE.value).update(outcome=Outcome.HELD.value)


def _rows(page: Sequence[Evaluation], lms: LMS, *, review: bool) -> list[Row]:
    """The names are as we know them; of those who would be issued to, or held for review, as the source does now."""
    gateway = current().lms
    ours = Learner.objects.filter(gateway=gateway, key__in=[one.learner for one in page])
    names = dict(ours.values_list("key", "name"))
    issued = [one.learner for one in page if one.outcome is Outcome.ISSUE]
    with limited(current().page_seconds, "reading names and addresses"):
        known = lms.people(issued) if issued else ()
        fail(page, objections(known))
    people = told(known)
    return [
        Row(
            one.learner,
            str(people.get(one.learner, {}).get("name", names.get(one.learner, "")))[:255],
            Outcome.HELD if review and one.outcome is Outcome.ISSUE and not one.allowed else one.outcome,
            one.reason,
            [asdict(fact) for fact in one.decision.facts] if one.decision else [],
            _why_no_mail(people.get(one.learner)) if one.outcome is Outcome.ISSUE else "",
        )
        for one in page
    ]


def _why_no_mail(person: dict[str, Any] | None) -> str:
    if not person or not person["email"]:
        return NO_ADDRESS
    return "" if person["active"] else NOT_ACTIVE


def _may_take(row: DryRun) -> bool:
    if row.status == Status.ASKED:
        return True
    return row.claimed_until is None or row.claimed_until <= timezone.now() or lease.holder_is_gone(row.claim)


def _renew(row: DryRun, **said: Any) -> int:
    ours = DryRun.objects.filter(pk=row.pk, claim=row.claim, status=Status.RUNNING)
    return ours.update(claimed_until=lease.until(), **said)


def _keep(row: DryRun, **said: Any) -> None:
    if not _renew(row, **said):
        raise LeaseLost("%(row)s: was cancelled, or taken over", row=row)
