"""A run: one pass over one configuration, evaluated and issued; a dry run writes nothing."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from django.db import IntegrityError, transaction
from django.utils import timezone

from conferral import plugins, schedules
from conferral.contract import LMS, ConferralError
from conferral.issuance import issue, lease, standstill
from conferral.issuance.evaluate import Evaluation, Outcome, evaluate, exclude
from conferral.issuance.lease import Lease, LeaseLost
from conferral.issuance.plan import Plan, edition_of, resolve
from conferral.models import CredentialConfiguration, Learner, Run
from conferral.settings import current

Progressed = Callable[[int], None]
"""Told how many learners more have been looked at."""


class AlreadyRunning(ConferralError):
    """Another run of the same configuration has not ended."""


class NotDue(ConferralError):
    """Somebody else has taken this configuration's turn."""


def run(
    configuration: CredentialConfiguration, *, trigger: str, notify: bool = True, progressed: Progressed | None = None
) -> Run:
    """Evaluates every learner and issues to those newly eligible, exactly once; returns the closed run.

    The configuration is taken as it is stored now. A ConferralError says what was wrong; nothing was issued then. What
    was issued is pending: `generate` makes it, and with `notify` the learners are written to.
    """
    standstill.check()
    return _run(_begin(_as_stored(configuration), trigger, notify=notify), progressed)


def due() -> list[int]:
    """The configurations whose time has come, the longest overdue first; none while everything stands still."""
    if standstill.standing():
        return []
    found = CredentialConfiguration.objects.filter(enabled=True, archived=None, next_run_at__lte=timezone.now())
    return list(found.order_by("next_run_at").values_list("pk", flat=True))


def run_soon(configuration: CredentialConfiguration) -> None:
    """Makes it due now, as a person asked: the next sweep runs it, or whoever is nudged. Its regular times stay."""
    schedules.bring_forward(_as_stored(configuration), timezone.now())


def run_if_due(configuration_id: int, progressed: Progressed | None = None) -> Run | None:
    """Runs the configuration if its time has come and nobody else does; its next time is set as the run begins.

    However many times have passed, it runs once. A run that fails is tried again, see `issue.withdraw`.
    """
    if configuration_id not in due():
        return None
    configuration = CredentialConfiguration.objects.select_related("type").get(pk=configuration_id)
    try:
        begun = _begin(configuration, Run.Trigger.SCHEDULE)
    except (AlreadyRunning, NotDue):
        return None  # it has been or will be looked at again within a minute
    return _run(begun, progressed)


def _run(begun: Run, progressed: Progressed | None) -> Run:
    try:
        with Lease(partial(issue.renew, begun)), plugins.gateway().reading() as lms:
            _pass(begun, lms, progressed)
    except LeaseLost:
        raise  # whoever took over has closed it
    except BaseException as error:
        issue.withdraw(begun, Run.Status.FAILED, f"{type(error).__name__}: {error}")
        raise
    begun.refresh_from_db()
    return begun


def dry_run(configuration: CredentialConfiguration) -> Iterator[list[Evaluation]]:
    """What a run would make of each learner, page by page; nothing is written."""
    with plugins.gateway().reading() as lms:
        yield from _assess(resolve(configuration, lms), lms)


def counts_of(outcomes: Counter[Outcome]) -> dict[str, int]:
    """A run's figures. Who is eligible and has a credential already counts as both."""
    return {
        "evaluated": outcomes.total(),
        "eligible": outcomes[Outcome.ISSUE] + outcomes[Outcome.ALREADY],
        "already": outcomes[Outcome.ALREADY],
        "issued": outcomes[Outcome.ISSUE],
        "failed": outcomes[Outcome.FAILED],
    }


def close_lost_runs() -> int:
    """Closes the runs whose holder is gone or has not renewed its lease; what they held is withdrawn."""
    closed = 0
    for lost in Run.objects.filter(active=True):
        closed += _close_if_lost(lost)
    return closed


def _as_stored(configuration: CredentialConfiguration) -> CredentialConfiguration:
    stored = CredentialConfiguration.objects.filter(pk=configuration.pk, enabled=True, archived=None)
    found = stored.select_related("type").first()
    if found is None:
        raise ConferralError(f"configuration {configuration}: was switched off or deleted meanwhile")
    return found


def _begin(configuration: CredentialConfiguration, trigger: str, *, notify: bool = True) -> Run:
    for other in Run.objects.filter(configuration=configuration, active=True):
        if not _close_if_lost(other):
            raise _already(other)
    now = timezone.now()
    try:
        with transaction.atomic():
            if trigger == Run.Trigger.SCHEDULE and not schedules.take_turn(configuration, now):
                raise NotDue(f"configuration {configuration}: somebody else has taken its turn")
            return Run.objects.create(
                configuration=configuration,
                trigger=trigger,
                notify=notify,
                claim=lease.new_token(),
                claimed_until=lease.until(),
                started=now,
            )
    except IntegrityError:
        raise _already(Run.objects.filter(configuration=configuration, active=True).first()) from None


def _close_if_lost(run: Run) -> bool:
    if run.claimed_until > timezone.now() and not lease.holder_is_gone(run.claim):
        return False
    return issue.withdraw(run, Run.Status.LOST, "the process that ran it ended without closing it", as_seen=True)


def _already(other: Run | None) -> AlreadyRunning:
    since = f" since {other.started:%H:%M:%S} UTC, by {other.claim.rsplit(':', 1)[0]}" if other else ""
    return AlreadyRunning(f"a run of this configuration is going on{since}; wait until it has ended")


def _pass(run: Run, lms: LMS, progressed: Progressed | None) -> None:
    plan = resolve(run.configuration, lms)
    edition = None
    outcomes: Counter[Outcome] = Counter()
    for page in _assess(plan, lms):
        outcomes.update(evaluation.outcome for evaluation in page)
        if new := [evaluation for evaluation in page if evaluation.outcome is Outcome.ISSUE]:
            standstill.check()
            edition = edition or edition_of(plan)
            inserted = issue.insert_held(run, plan, edition, new, lms)
            outcomes[Outcome.ISSUE] -= len(new) - inserted
            outcomes[Outcome.ALREADY] += len(new) - inserted
        if progressed:
            progressed(len(page))
    standstill.check()
    issue.release(run, counts_of(outcomes), remarks="\n".join(plan.objections), has_artifacts=bool(plan.slots))


def _assess(plan: Plan, lms: LMS) -> Iterator[list[Evaluation]]:
    """The evaluations, with those marked who have a credential already or are retired: two queries a page."""
    for page in evaluate(plan, lms):
        eligible = [evaluation for evaluation in page if evaluation.outcome is Outcome.ISSUE]
        taken = issue.holders(plan.configuration, current().lms, [evaluation.learner for evaluation in eligible])
        for evaluation in eligible:
            if evaluation.learner in taken:
                evaluation.outcome = Outcome.ALREADY
        new = [evaluation for evaluation in eligible if evaluation.outcome is Outcome.ISSUE]
        retired = Learner.objects.retired_among(current().lms, [evaluation.learner for evaluation in new])
        for evaluation in new:
            if evaluation.learner in retired:
                evaluation.outcome = Outcome.INACTIVE
        exclude(plan, [evaluation for evaluation in new if evaluation.outcome is Outcome.ISSUE], lms)
        yield page
