"""Releasing and refusing: a person decides about what a run holds, all of it or some. Nothing held was ever shown."""

from collections.abc import Callable, Collection
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from conferral.contract import ConferralError
from conferral.issuance import candidates, history, issue, standstill
from conferral.models import Candidate, Credential, CredentialConfiguration, Learner, Run
from conferral.settings import current

State = Credential.State


class CannotDecide(ConferralError):
    """Nothing is held there, or no reason was given."""


def held_runs() -> QuerySet[Run]:
    """The runs that wait for a person, oldest first."""
    return Run.objects.filter(status=Run.Status.HELD).select_related("configuration__type", "by").order_by("pk")


def held_credentials(configuration: CredentialConfiguration | None = None) -> QuerySet[Credential]:
    """What waits for a person, oldest first; what a run holds that has not ended is not among it."""
    found = Credential.objects.filter(state=State.HELD, run__status=Run.Status.HELD)
    if configuration:
        found = found.filter(configuration=configuration)
    return found.select_related("learner", "configuration__type", "run").order_by("pk")


def release(run: Run, *, by: Any, notify: bool | None = None) -> int:
    """Issues all that the run holds, today; how many. `notify` says whether they are written to; None: as the run."""
    with transaction.atomic():
        row = _locked(run)
        return _release(row, row.credentials.filter(state=State.HELD), by, notify)


def refuse(run: Run, *, by: Any, reason: str) -> int:
    """Deletes all that the run holds; how many. Nobody is listed by that: the next run evaluates them anew."""
    _check(reason)
    with transaction.atomic():
        row = _locked(run)
        dropped = issue.drop(row.credentials.all())
        history.record("refused", row, by=by, reason=reason, credentials=dropped)
        _count(row, without=Run.Status.REFUSED)
    return dropped


def release_each(credentials: Collection[int], *, by: Any, notify: bool | None = None) -> int:
    """Issues those held credentials, by their keys; how many. What is not held any more is left alone."""
    return _decide(credentials, lambda row, chosen: _release(row, chosen, by, notify, each=True))


def refuse_each(credentials: Collection[int], *, by: Any, reason: str) -> int:
    """Deletes those held credentials, and remembers it: no run asks again until the refusal is taken back."""
    _check(reason)
    return _decide(credentials, lambda row, chosen: _refuse(row, chosen, by, reason))


def allow(
    configuration: CredentialConfiguration, learners: Collection[str], *, by: Any, reason: str
) -> candidates.Listed:
    """Those usernames are always issued from now on, as soon as they take part; the evidence says so."""
    return candidates.say(configuration, learners, Candidate.Verdict.ALWAYS, by=by, reason=reason)


def bar(
    configuration: CredentialConfiguration, learners: Collection[str], *, by: Any, reason: str
) -> candidates.Listed:
    """Those usernames are never issued from now on, and what is held of theirs is refused; issued ones stay issued."""
    with transaction.atomic():
        found = candidates.say(configuration, learners, Candidate.Verdict.NEVER, by=by, reason=reason)
        refuse_each(found.held, by=by, reason=reason)
    return found


def take_back(
    configuration: CredentialConfiguration, learners: Collection[str], *, by: Any, reason: str = ""
) -> candidates.Listed:
    """Takes back what was said of those usernames, refusals under review too: the rule decides again."""
    return candidates.say(configuration, learners, Candidate.Verdict.RULE, by=by, reason=reason)


def drop_of(learner: Learner) -> list[int]:
    """Deletes all that is held of them, and returns its keys; within the transaction that retires them.

    Runs that held nothing else have come to their end.
    """
    held = Credential.objects.filter(learner=learner, state=State.HELD).order_by("pk")
    keys = list(held.values_list("pk", flat=True))
    runs = list(held.filter(run__status=Run.Status.HELD).values_list("run", flat=True))
    rows = list(Run.objects.select_for_update().filter(pk__in=runs, status=Run.Status.HELD).order_by("pk"))
    issue.drop(held.filter(pk__in=keys))
    for row in rows:
        _count(row)
    return keys


def _release(row: Run, chosen: QuerySet[Credential], by: Any, notify: bool | None, *, each: bool = False) -> int:
    standstill.check()
    issue.drop_refused(chosen, row.configuration_id)
    first = chosen.select_related("edition").first()
    if first is None:  # whoever it held is retired or refused, or was decided about meanwhile
        _count(row)
        return 0
    now = timezone.now()
    edition = first.edition.content  # a run has one
    changes: dict[str, Any] = {"issued": now, "expires": issue.expiry(now, edition["validity"])}
    if notify is not None:
        changes["notify"] = notify
    if each:
        keys = list(chosen.values_list("pk", flat=True))
        history.record_of([(Credential, pk) for pk in keys], "released", by=by)
        chosen = Credential.objects.filter(pk__in=keys, state=State.HELD)
    done = issue.let_go(chosen, has_artifacts=bool(edition["generators"]), **changes)
    history.record("some released" if each else "released", row, by=by, credentials=done, notify=notify)
    row.issued += done
    _count(row)
    return done


def _refuse(row: Run, chosen: QuerySet[Credential], by: Any, reason: str) -> int:
    found = dict(chosen.values_list("pk", "learner_id"))
    candidates.say_of(row.configuration, list(found.values()), Candidate.Verdict.NEVER, by=by, reason=reason)
    history.record_of([(Credential, pk) for pk in found], "refused", by=by, reason=reason)
    history.record("some refused", row, by=by, reason=reason, credentials=len(found))
    dropped = issue.drop(Credential.objects.filter(pk__in=list(found)))
    _count(row, without=Run.Status.REFUSED)
    return dropped


def _count(row: Run, *, without: str = Run.Status.FINISHED) -> None:
    """What the run holds still; when that is nothing, it has come to its end: `without` anything issued, to that."""
    row.held = row.credentials.filter(state=State.HELD).count()
    if not row.held:
        row.status = Run.Status.FINISHED if row.issued else without
    row.save(update_fields=["issued", "held", "status"])


def _locked(run: Run) -> Run:
    row = Run.objects.select_for_update().get(pk=run.pk)
    if row.status != Run.Status.HELD:
        raise CannotDecide("run %(number)s: holds nothing; it is %(status)s", number=row.pk, status=row.status)
    return row


def _decide(credentials: Collection[int], decide: Callable[[Run, QuerySet[Credential]], int]) -> int:
    """Has it decided for each run that holds some of them, a page at a time, each page in a transaction."""
    done = 0
    keys = iter(sorted(set(credentials)))
    while page := list(islice(keys, current().page_size)):
        with transaction.atomic():
            # Of ended runs alone: one that is being closed has its row locked, and may wait for what we have locked.
            of_page = Credential.objects.filter(pk__in=page, state=State.HELD, run__status=Run.Status.HELD)
            # The learners first, as whoever retires one does: a verdict needs their rows, too.
            people = Learner.objects.filter(pk__in=list(of_page.values_list("learner", flat=True)))
            list(people.select_for_update().order_by("pk").values_list("pk", flat=True))
            runs = list(of_page.order_by("run").values_list("run", flat=True).distinct())
            held = Run.objects.filter(pk__in=runs, status=Run.Status.HELD).select_for_update().order_by("pk")
            done += sum(decide(row, of_page.filter(run=row)) for row in held)
    return done


def _check(reason: str) -> None:
    if not reason.strip():
        raise CannotDecide("is empty; say why, for those who are asked later", where="reason")
