"""Issuing: the award is recorded in bulk, held first, released by one transaction, exactly once for each learner."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from conferral import journal, schedules
from conferral.contract import LMS, ConferralError, Phrase
from conferral.contract.text import storable
from conferral.issuance import deliver, guards, lease, opening, work
from conferral.issuance.evaluate import Evaluation, Outcome, fail
from conferral.issuance.lease import LeaseLost
from conferral.issuance.limit import limited
from conferral.issuance.persist import persistently
from conferral.issuance.plan import Plan
from conferral.issuance.source import objections, told
from conferral.models import Candidate, Credential, CredentialArtifact, CredentialConfiguration, Edition, Learner, Run
from conferral.settings import current

logger = logging.getLogger(__name__)

LONGEST_SERIES = 20
"""Failures that are counted: the pause between tries has long been an hour by then."""
PERSISTENCE = 3
"""So often a run is begun that a person asked for, when its workers are killed or its database breaks it off."""


HELD_BACK = Phrase("held back: %(why)s; release or refuse it")


@dataclass(frozen=True, slots=True)
class Origin:
    """What credentials come from: a run or, without one, a person; when, and whether their learners are written to.

    `decided` is what the evidence names in place of the rule and its version.
    """

    at: datetime
    notify: bool
    run: Run | None = None
    decided: tuple[str, str] | None = None


def holders(configuration: CredentialConfiguration, gateway: str, page: Sequence[Evaluation]) -> dict[str, str]:
    """Which of those learners have a place in the configuration already, and the state of what they have."""
    if not page:
        return {}
    accounts = {evaluation.learner: evaluation.account for evaluation in page}
    places = Credential.objects.filter(
        configuration=configuration, current=True, learner__gateway=gateway, learner__key__in=list(accounts)
    ).values_list("learner__key", "learner__external_id", "state")
    return {key: state for key, account, state in places if is_of(account, accounts[key])}


def is_of(known: str, told: str) -> bool:
    """Whether a record is of the account that the source tells; not, when the username has been given to another."""
    return not (known and told) or known == told


def insert_held(run: Run, plan: Plan, edition: Edition, page: Sequence[Evaluation], lms: LMS) -> int:
    """Records the page's awards as held, and returns how many; those who got a place meanwhile are left out.

    Whoever cannot be recorded fails alone.
    """
    with limited(current().page_seconds, "reading names and addresses"):
        known = lms.people([evaluation.learner for evaluation in page])
        fail(page, objections(known))
    page = [evaluation for evaluation in page if evaluation.outcome is Outcome.ISSUE]
    keys = [evaluation.learner for evaluation in page]
    before = 0
    # Of one whom the source has just forgotten, we have the key alone.
    people: dict[str, dict[str, Any]] = {key: {} for key in keys} | told(known)
    for evaluation in page:
        evaluation.account = people[evaluation.learner].get("external_id", "")
    if Learner.objects.follow(current().lms, people):
        page = _without_holders(page, plan.configuration)
    for last_try in (False, True):
        try:
            # Done twice, it meets its own rows like anybody else's.
            return before + persistently(partial(_insert_known, run, plan, edition, page, people))
        except IntegrityError:
            if last_try:
                raise
            # Somebody was given a place between the look and the insert: look again, once. Perhaps by us, and only the
            # answer to that was lost: then they are among those whom this run has issued to.
            page = _without_holders(page, plan.configuration)
            places = Credential.objects.filter(configuration=plan.configuration, current=True, run=run)
            before = places.filter(learner__gateway=current().lms, learner__key__in=keys).count()
    raise AssertionError  # the loop has returned or raised


@transaction.atomic
def _insert_known(
    run: Run, plan: Plan, edition: Edition, page: Sequence[Evaluation], people: dict[str, dict[str, Any]]
) -> int:
    keep(run)
    # Their rows are locked until the end: nobody is retired meanwhile, and whoever was is left out.
    learners = Learner.objects.record(current().lms, people)[0]
    origin = Origin(run.started, run.notify, run)
    return len(insert(origin, plan, edition, [one for one in page if one.learner in learners], learners))


def held_by(run: Run) -> int:
    """How many credentials the run holds: what it is to release, whatever was counted on the way."""
    return persistently(lambda: Credential.objects.filter(run=run, state=Credential.State.HELD).count())


def _without_holders(page: Sequence[Evaluation], configuration: CredentialConfiguration) -> list[Evaluation]:
    taken = holders(configuration, current().lms, page)
    return [evaluation for evaluation in page if evaluation.learner not in taken]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends: its figures and remarks, why all of it is held if it is, and whether it was its last."""

    counts: Mapping[str, int]
    has_artifacts: bool
    remarks: Sequence[str] = ()
    why_held: str = ""
    last: bool = False


def close(run: Run, ending: Ending) -> None:
    """Closes the run and releases what it holds, in one transaction: all of its credentials, or none.

    Nothing held is generated or shown, so nothing is ever issued from half a course. With `why_held` they stay held
    until a person decides: all of them when they are too many; under review, all but those who are always issued.
    """
    persistently(partial(_close, run, ending))


@transaction.atomic
def _close(run: Run, ending: Ending) -> None:
    now = timezone.now()
    ours = Run.objects.filter(pk=run.pk, claim=run.claim)
    said = {**ending.counts, "remarks": storable("\n".join(ending.remarks))}
    if not ours.filter(active=True).update(**said, status=Run.Status.FINISHED, active=None, ended=now):
        if ours.filter(status__in=(Run.Status.FINISHED, Run.Status.HELD)).exists():
            return  # it was committed, and only the answer was lost
        raise _lost(run)
    switched_on = CredentialConfiguration.objects.select_for_update().filter(enabled=True, archived=None)
    if not switched_on.filter(pk=run.configuration_id).values_list("pk"):
        raise ConferralError("the configuration was switched off while it was run; nothing was issued")
    held = Credential.objects.filter(run=run, state=Credential.State.HELD)
    # Whoever says so now waits for the configuration's row, and meets what this run has come to.
    if refused := drop_refused(held, run.configuration_id):
        ours.update(issued=F("issued") - refused, eligible=F("eligible") - refused, refused=F("refused") + refused)
    if not ending.why_held:
        let_go(held, has_artifacts=ending.has_artifacts)
    else:
        if ending.why_held == guards.REVIEW:
            always = Candidate.objects.filter(configuration=run.configuration_id, verdict=Candidate.Verdict.ALWAYS)
            let_go(held.filter(learner__in=always.values("learner")), has_artifacts=ending.has_artifacts)
        if left := held.count():
            remarks = storable("\n".join((HELD_BACK % {"why": ending.why_held}, *ending.remarks)))
            ours.update(status=Run.Status.HELD, held=left, issued=F("issued") - left, remarks=remarks)
    if ending.last:
        opening.close(run.configuration, now)


def let_go(held: QuerySet[Credential], *, has_artifacts: bool, **changes: Any) -> int:
    """Those held are to be made and sent from now on; how many they are. Within the transaction that decides it."""
    state = Credential.State.PENDING if has_artifacts else Credential.State.AVAILABLE
    if changes and "notify" in changes:
        held.update(notify=changes["notify"])  # before anybody is written to
    if has_artifacts:
        CredentialArtifact.objects.filter(credential__in=held.values("pk")).update(next_try=timezone.now())
    else:
        _enqueue(held)
    return held.update(state=state, **changes)


def drop(held: QuerySet[Credential]) -> int:
    """Deletes credentials that nobody has ever seen; how many. Within the transaction that decides it."""
    dropped, left = 0, held.filter(state=Credential.State.HELD).order_by("pk")
    while page := list(left.values_list("pk", flat=True)[: current().page_size]):
        CredentialArtifact.objects.filter(credential_id__in=page).delete()
        Credential.objects.filter(pk__in=page).delete()
        dropped += len(page)
    return dropped


def drop_refused(held: QuerySet[Credential], configuration: int) -> int:
    """Deletes those whose learners a person has refused since they were looked at; how many. In a transaction."""
    never = Candidate.objects.filter(configuration=configuration, verdict=Candidate.Verdict.NEVER)
    return drop(held.filter(learner__in=never.values("learner")))


def _enqueue(credentials: QuerySet[Credential]) -> None:
    last = 0
    while page := list(
        credentials.filter(pk__gt=last).only("notify", "supersedes").order_by("pk")[: current().page_size]
    ):
        deliver.enqueue(page)
        last = page[-1].pk


def withdraw(run: Run, status: Run.Status, error: str, *, as_seen: bool = False, again: bool = False) -> bool:
    """Closes a run that failed or was lost, and deletes what it holds: as if it had never begun.

    `as_seen` closes it only if its lease has not been renewed since `run` was read. False when it was not closed.
    `again`: a person's one is asked for again, as one that was lost.
    """
    return persistently(partial(_withdraw, run, status, error, as_seen=as_seen, again=again))


@transaction.atomic
def _withdraw(run: Run, status: Run.Status, error: str, *, as_seen: bool, again: bool) -> bool:
    found = Run.objects.filter(pk=run.pk, claim=run.claim, active=True)
    if as_seen:
        found = found.filter(claimed_until=run.claimed_until)
        # Who has locked the row has not ended. To wait for it would cost this worker, and with each sweep another one.
        skip = connection.features.has_select_for_update_skip_locked
        if not found.select_for_update(skip_locked=skip).values_list("pk", flat=True).first():
            return False
    now = timezone.now()
    if not found.update(status=status, active=None, ended=now, error=storable(error)):
        return False
    if status == Run.Status.LOST:
        about = {"run": run.pk, "configuration": run.configuration_id}
        journal.event(logger, "a lost issuing run is closed", level=logging.WARNING, **about)
    if run.trigger == Run.Trigger.PERSON and (again or status == Run.Status.LOST):
        _ask_again(run, now)
    _run_again(run, status, now)
    drop(Credential.objects.filter(run=run))
    return True


def _run_again(run: Run, status: str, now: datetime) -> None:
    """A scheduled run that failed is tried again, with growing pauses: an LMS that is down at three is up at four."""
    if run.trigger != Run.Trigger.SCHEDULE or status == Run.Status.CANCELLED:
        return
    alike = Run.objects.filter(configuration_id=run.configuration_id, trigger=run.trigger)
    failures = in_a_row(alike, Run.Status.FAILED, Run.Status.LOST)
    next_try = now + work.pause(failures)
    Run.objects.filter(pk=run.pk).update(attempts=failures, next_try=next_try)
    schedules.bring_forward(run.configuration, next_try)


def in_a_row(runs: QuerySet[Run], *statuses: str) -> int:
    """How many of the latest ended in one of those ways, one after the other; up to LONGEST_SERIES."""
    latest = runs.order_by("-pk").values_list("status", flat=True)[:LONGEST_SERIES]
    return len(list(takewhile(lambda status: status in statuses, latest)))


def _ask_again(run: Run, now: datetime) -> None:
    """A run that a person asked for is begun again, when its worker was killed or the database broke it off."""
    if run.attempts < PERSISTENCE:
        Run.objects.create(
            configuration=run.configuration,
            trigger=run.trigger,
            status=Run.Status.ASKED,
            active=None,
            notify=run.notify,
            release=run.release,
            by=run.by,
            claim=lease.new_token(),
            claimed_until=now,
            started=now,
            expected=run.expected,
            attempts=run.attempts + 1,
        )


def renew(run: Run, **counts: int) -> int:
    """Renews the run's lease, and writes how far it is; 0 when somebody else has closed it."""
    return Run.objects.filter(pk=run.pk, claim=run.claim, active=True).update(claimed_until=lease.until(), **counts)


def keep(run: Run, **counts: int) -> None:
    """Renews the run's lease, or raises LeaseLost: the first statement of every transaction of a run."""
    if not persistently(partial(renew, run, **counts)):
        raise _lost(run)


def _lost(run: Run) -> LeaseLost:
    return LeaseLost(
        "run %(number)s: took longer than its lease and was closed by somebody else; run it again", number=run.pk
    )


def insert(
    origin: Origin, plan: Plan, edition: Edition, page: Sequence[Evaluation], learners: Mapping[str, Learner]
) -> list[str]:
    """Inserts a credential for each, held, with the rows of its files; their verification ids. In a transaction."""
    credentials = [_credential(origin, plan, edition, evaluation, learners[evaluation.learner]) for evaluation in page]
    Credential.objects.bulk_create(credentials)
    names = [one.verification_id for one in credentials]
    if plan.slots:
        # Keys of rows inserted in bulk are read back by what we gave them: not every database returns them.
        ids = Credential.objects.filter(verification_id__in=names)
        CredentialArtifact.objects.bulk_create(
            CredentialArtifact(credential_id=pk, edition_id=edition.pk, slot=slot.name, required=slot.required)
            for pk in ids.order_by("pk").values_list("pk", flat=True)
            for slot in plan.slots
        )
    return names


def _credential(origin: Origin, plan: Plan, edition: Edition, evaluation: Evaluation, learner: Learner) -> Credential:
    decision = evaluation.decision
    assert decision is not None  # only those who are eligible come here
    context = plan.context
    # By their keys: Django asks its routers about each object that is assigned to a row that is not saved.
    return Credential(
        learner_id=learner.pk,
        configuration_id=plan.configuration.pk,
        edition_id=edition.pk,
        run_id=origin.run.pk if origin.run else None,
        recipient_name=learner.name,
        context_key=context.key,
        context_name=context.name,
        context_organisation=context.organisation,
        context_start=context.start,
        context_end=context.end,
        locale=plan.locale,
        evidence=decision.evidence(*(origin.decided or (plan.rule.name, plan.rule.processor.version))),
        earned=_earned(origin.at, plan, decision.earned),
        issued=origin.at,
        expires=expiry(origin.at, plan.configuration.type.validity),
        notify=origin.notify,
    )


def _earned(at: datetime, plan: Plan, earned: datetime | None) -> datetime:
    """The course's own date for all of its credentials, once it has come; else when the rule was met; else now."""
    awarded = plan.context.awarded
    stands = plan.rule.processor.dated and earned is not None
    if awarded and awarded <= at and not stands:
        return awarded
    return earned or at


def expiry(issued: datetime, validity: dict[str, int]) -> datetime | None:
    """Until when it holds; None for ever."""
    return issued + relativedelta(**validity) if validity else None  # type: ignore[arg-type]
