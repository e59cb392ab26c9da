"""Issuing: the award is recorded in bulk, held first, released by one transaction, exactly once for each learner."""

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from conferral import schedules
from conferral.contract import LMS, ConferralError
from conferral.contract.text import storable
from conferral.issuance import deliver, lease, work
from conferral.issuance.evaluate import Evaluation
from conferral.issuance.lease import LeaseLost
from conferral.issuance.plan import Plan
from conferral.issuance.source import told
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Edition, Learner, Run
from conferral.settings import current

LONGEST_SERIES = 20
"""Failures that are counted: the pause between tries has long been an hour by then."""


def holders(configuration: CredentialConfiguration, gateway: str, learners: Sequence[str]) -> set[str]:
    """Which of those learners have a place in the configuration already: whatever became of their credential."""
    if not learners:
        return set()
    places = Credential.objects.filter(
        configuration=configuration, current=True, learner__gateway=gateway, learner__key__in=learners
    )
    return set(places.values_list("learner__key", flat=True))


def insert_held(run: Run, plan: Plan, edition: Edition, page: Sequence[Evaluation], lms: LMS) -> int:
    """Records the page's awards as held, and returns how many; those who got a place meanwhile are left out."""
    keys = [evaluation.learner for evaluation in page]
    # Of one whom the source has just forgotten, we have the key alone.
    people: dict[str, dict[str, Any]] = {key: {} for key in keys} | told(lms.people(keys))
    if Learner.objects.follow(current().lms, people):
        page = _without_holders(page, plan.configuration)
    for last_try in (False, True):
        try:
            with transaction.atomic():
                keep(run)
                # Their rows are locked until the end: nobody is retired meanwhile, and whoever was is left out.
                learners = Learner.objects.record(current().lms, people)[0]
                return _insert(run, plan, edition, [one for one in page if one.learner in learners], learners)
        except IntegrityError:
            if last_try:
                raise
            # Somebody was given a place between the look and the insert: look again, once.
            page = _without_holders(page, plan.configuration)
    raise AssertionError  # the loop has returned or raised


def _without_holders(page: Sequence[Evaluation], configuration: CredentialConfiguration) -> list[Evaluation]:
    taken = holders(configuration, current().lms, [evaluation.learner for evaluation in page])
    return [evaluation for evaluation in page if evaluation.learner not in taken]


def release(run: Run, counts: dict[str, int], *, remarks: str = "", has_artifacts: bool) -> None:
    """Closes the run and releases what it holds, in one transaction: all of its credentials, or none.

    Nothing held is generated or shown, so nothing is ever issued from half a course.
    """
    now = timezone.now()
    with transaction.atomic():
        closed = Run.objects.filter(pk=run.pk, claim=run.claim, active=True).update(
            **counts, remarks=storable(remarks), status=Run.Status.FINISHED, active=None, ended=now
        )
        if not closed:
            raise _lost(run)
        switched_on = CredentialConfiguration.objects.select_for_update().filter(enabled=True, archived=None)
        if not switched_on.filter(pk=run.configuration_id).values_list("pk"):
            raise ConferralError("the configuration was switched off while it was run; nothing was issued")
        state = Credential.State.PENDING if has_artifacts else Credential.State.AVAILABLE
        of_this_run = Credential.objects.filter(run=run)
        CredentialArtifact.objects.filter(credential__in=of_this_run.values("pk")).update(next_try=now)
        held = of_this_run.filter(state=Credential.State.HELD)
        if not has_artifacts:
            _enqueue(held)
        held.update(state=state)


def _enqueue(credentials: QuerySet[Credential]) -> None:
    last = 0
    while page := list(
        credentials.filter(pk__gt=last).only("notify", "supersedes").order_by("pk")[: current().page_size]
    ):
        deliver.enqueue(page)
        last = page[-1].pk


def withdraw(run: Run, status: Run.Status, error: str, *, as_seen: bool = False) -> bool:
    """Closes a run that failed or was lost, and deletes what it holds: as if it had never begun.

    `as_seen` closes it only if its lease has not been renewed since `run` was read. False when it was not closed.
    """
    with transaction.atomic():
        found = Run.objects.filter(pk=run.pk, claim=run.claim, active=True)
        if as_seen:
            found = found.filter(claimed_until=run.claimed_until)
        now = timezone.now()
        if not found.update(status=status, active=None, ended=now, error=storable(error)):
            return False
        _run_again(run, now)
        held = Credential.objects.filter(run=run, state=Credential.State.HELD).order_by("pk")
        while page := list(held.values_list("pk", flat=True)[: current().page_size]):
            CredentialArtifact.objects.filter(credential_id__in=page).delete()
            Credential.objects.filter(pk__in=page).delete()
    return True


def _run_again(run: Run, now: datetime) -> None:
    """A scheduled run that failed is tried again, with growing pauses: an LMS that is down at three is up at four."""
    if run.trigger != Run.Trigger.SCHEDULE:
        return
    latest = Run.objects.filter(configuration_id=run.configuration_id, trigger=run.trigger).order_by("-pk")
    statuses = latest.values_list("status", flat=True)[:LONGEST_SERIES]
    failures = len(list(takewhile(lambda status: status in (Run.Status.FAILED, Run.Status.LOST), statuses)))
    schedules.bring_forward(run.configuration, now + work.pause(failures))


def renew(run: Run) -> int:
    """Renews the run's lease; 0 when somebody else has closed it."""
    return Run.objects.filter(pk=run.pk, claim=run.claim, active=True).update(claimed_until=lease.until())


def keep(run: Run) -> None:
    """Renews the run's lease, or raises LeaseLost: the first statement of every transaction of a run."""
    if not renew(run):
        raise _lost(run)


def _lost(run: Run) -> LeaseLost:
    return LeaseLost(f"run {run.pk}: took longer than its lease and was closed by somebody else; run it again")


def _insert(run: Run, plan: Plan, edition: Edition, page: Sequence[Evaluation], learners: dict[str, Learner]) -> int:
    credentials = [_credential(run, plan, edition, evaluation, learners[evaluation.learner]) for evaluation in page]
    Credential.objects.bulk_create(credentials)
    if plan.slots:
        # Keys of rows inserted in bulk are read back by what we gave them: not every database returns them.
        ids = Credential.objects.filter(run=run, verification_id__in=[one.verification_id for one in credentials])
        CredentialArtifact.objects.bulk_create(
            CredentialArtifact(credential_id=pk, edition=edition, slot=slot.name, required=slot.required)
            for pk in ids.order_by("pk").values_list("pk", flat=True)
            for slot in plan.slots
        )
    return len(credentials)


def _credential(run: Run, plan: Plan, edition: Edition, evaluation: Evaluation, learner: Learner) -> Credential:
    decision = evaluation.decision
    assert decision is not None  # only those who are eligible come here
    context = plan.context
    return Credential(
        learner=learner,
        configuration=plan.configuration,
        edition=edition,
        run=run,
        recipient_name=learner.name,
        context_key=context.key,
        context_name=context.name,
        context_organisation=context.organisation,
        context_start=context.start,
        context_end=context.end,
        locale=plan.locale,
        evidence=decision.evidence(plan.rule.name, plan.rule.processor.version),
        earned=_earned(run, plan, decision.earned),
        issued=run.started,
        expires=expiry(run.started, plan.configuration.type.validity),
        notify=run.notify,
    )


def _earned(run: Run, plan: Plan, earned: datetime | None) -> datetime:
    """The course's own date for all of its credentials, once it has come; else when the rule was met; else now."""
    awarded = plan.context.awarded
    stands = plan.rule.processor.dated and earned is not None
    if awarded and awarded <= run.started and not stands:
        return awarded
    return earned or run.started


def expiry(issued: datetime, validity: dict[str, int]) -> datetime | None:
    """Until when it holds; None for ever."""
    return issued + relativedelta(**validity) if validity else None  # type: ignore[arg-type]
