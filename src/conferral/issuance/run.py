"""A run: one pass over one configuration, evaluated and issued; a dry run writes nothing."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from conferral import journal, plugins, schedules
from conferral.contract import LMS, ConferralError, Phrase
from conferral.contract.text import storable
from conferral.issuance import guards, history, issue, lease, opening, standstill
from conferral.issuance.assess import assess, counts_of
from conferral.issuance.candidates import Register
from conferral.issuance.evaluate import Evaluation, Outcome
from conferral.issuance.lease import Lease, LeaseLost
from conferral.issuance.limit import each, limited
from conferral.issuance.persist import BROKEN_OFF
from conferral.issuance.plan import edition_of, resolve
from conferral.issuance.progress import expected_of
from conferral.issuance.source import keep_name
from conferral.models import CredentialConfiguration, Run
from conferral.settings import current

logger = logging.getLogger(__name__)

CANCELLED = Phrase("cancelled by %(who)s")
CANCELLED_BECAUSE = Phrase("cancelled by %(who)s: %(why)s")
LOST = Phrase("the process that ran it ended without closing it (learners looked at: %(count)s)")
LOST_AGAIN = Phrase(
    "the process that ran it ended without closing it, %(times)s times in a row (learners looked at: %(count)s): "
    "the rule or the source hangs, or memory is short, and the worker's log has where it was"
)
NOBODY = Phrase("%(why)s; nobody was looked at")
HOW = {
    (True, False): Phrase("it writes to the learners"),
    (False, False): Phrase("it writes to nobody"),
    (True, True): Phrase("it writes to the learners and holds nothing"),
    (False, True): Phrase("it writes to nobody and holds nothing"),
}
"""What a person asked of a run: to notify, to release."""
Progressed = Callable[[int], None]
"""Told how many learners more have been looked at."""
SUSPICIOUS = 3
"""Lost runs in a row after which it was hardly a worker that somebody ended."""
TELLS = 1.0
"""Seconds after which a run writes down how far it is, and notices that it was cancelled; at the end of a page."""


class AlreadyRunning(ConferralError):
    """Another run of the same configuration has not ended."""


class AskedOtherwise(ConferralError):
    """A run that was asked for, and has not begun, is to do something else."""


class NotRunning(ConferralError):
    """A run that has ended cannot be cancelled."""


class NotDue(ConferralError):
    """Somebody else has taken this configuration's turn."""


def run(
    configuration: CredentialConfiguration,
    *,
    trigger: str,
    notify: bool = True,
    release: bool = False,
    progressed: Progressed | None = None,
) -> Run:
    """Evaluates every learner and issues to those newly eligible, exactly once; returns the closed run.

    The configuration is taken as it is stored now. A ConferralError says what was wrong; nothing was issued then. What
    was issued is pending: `generate` makes it, and with `notify` the learners are written to. With `release` neither
    guards nor review hold anything: whoever began it has said so.
    """
    standstill.check()
    begun = _begin(_as_stored(configuration), trigger, notify=notify, release=release)
    return _run(begun, progressed)


def ask(configuration: CredentialConfiguration, *, by: Any, notify: bool = True, release: bool = False) -> Run:
    """Asks for a run in the background, and returns its row: `run_asked` begins it, which the sweep sees to.

    One that is asked for already, and not begun, is returned; an AskedOtherwise when it is to do something else. With
    `release` the person has confirmed the number, and nothing is held.
    """
    standstill.check()
    with transaction.atomic():
        stored = CredentialConfiguration.objects.select_for_update().get(pk=_as_stored(configuration).pk)
        waiting = stored.runs.filter(status=Run.Status.ASKED).first()
        if waiting and (waiting.notify, waiting.release) == (notify, release):
            return waiting
        if waiting:
            raise AskedOtherwise(
                "run %(number)s is asked for already: %(how)s; cancel it first, or wait until it has begun",
                number=waiting.pk,
                how=HOW[waiting.notify, waiting.release],
            )
        now = timezone.now()
        asked = Run.objects.create(
            configuration=stored,
            trigger=Run.Trigger.PERSON,
            status=Run.Status.ASKED,
            active=None,
            notify=notify,
            release=release,
            by=history.account(by),
            claim=lease.new_token(),
            claimed_until=now,
            started=now,
            expected=expected_of(stored),
        )
        history.record("run asked for", stored, asked, by=by, notify=notify, release=release)
    return asked


def asked() -> list[int]:
    """The runs that people asked for and nobody has begun, oldest first; none while everything stands still."""
    if standstill.standing():
        return []
    return list(Run.objects.filter(status=Run.Status.ASKED).order_by("pk").values_list("pk", flat=True))


def run_asked(run_id: int, progressed: Progressed | None = None) -> Run | None:
    """Begins a run that a person asked for; None while another of its configuration goes on, or when it has begun."""
    found = Run.objects.filter(pk=run_id, status=Run.Status.ASKED).select_related("configuration__type").first()
    if found is None or standstill.standing():
        return None
    others = Run.objects.filter(configuration=found.configuration_id, active=True)
    if not all(_close_if_lost(other) for other in others):
        return None  # the sweep asks again
    now = timezone.now()
    ours = Run.objects.filter(pk=run_id, status=Run.Status.ASKED)
    try:
        begun = {"active": True, "claim": lease.new_token(), "claimed_until": lease.until(), "started": now}
        with transaction.atomic():
            if not ours.update(status=Run.Status.RUNNING, **begun):
                return None
    except IntegrityError:
        return None
    found.refresh_from_db()
    return _run(found, progressed)


def cancel(run: Run, *, by: Any, reason: str = "") -> Run:
    """Stops a run that is asked for or goes on: what it holds is deleted, and its holder notices at its next page.

    A NotRunning when it has ended already.
    """
    said = (CANCELLED_BECAUSE if reason.strip() else CANCELLED) % {"who": history.name_of(by), "why": reason.strip()}
    with transaction.atomic():
        current_row = Run.objects.select_for_update().get(pk=run.pk)
        if current_row.status == Run.Status.ASKED:
            ended = {"status": Run.Status.CANCELLED, "ended": timezone.now(), "error": storable(said)}
            done = bool(Run.objects.filter(pk=run.pk, status=Run.Status.ASKED).update(**ended))
        else:
            done = issue.withdraw(current_row, Run.Status.CANCELLED, said)
        if not done:
            raise NotRunning(
                "run %(number)s: has ended (%(status)s); there is nothing to cancel",
                number=run.pk,
                status=current_row.status,
            )
        history.record("cancelled", current_row, by=by, reason=reason)
    current_row.refresh_from_db()
    return current_row


def due() -> list[int]:
    """The configurations whose time has come, the longest overdue first; none while everything stands still."""
    return list(_due().order_by("next_run_at").values_list("pk", flat=True))


def run_soon(configuration: CredentialConfiguration) -> None:
    """Makes it due now, as a person asked: the next sweep runs it, or whoever is nudged. Its regular times stay."""
    schedules.bring_forward(_as_stored(configuration), timezone.now())


def run_if_due(configuration_id: int, progressed: Progressed | None = None) -> Run | None:
    """Runs the configuration if its time has come and nobody else does; its next time is set as the run begins.

    However many times have passed, it runs once. A run that fails is tried again, see `issue.withdraw`.
    """
    configuration = _due().select_related("type").filter(pk=configuration_id).first()
    if configuration is None:
        return None
    try:
        begun = _begin(configuration, Run.Trigger.SCHEDULE)
    except (AlreadyRunning, NotDue):
        return None  # it has been or will be looked at again within a minute
    return _run(begun, progressed)


def _due() -> QuerySet[CredentialConfiguration]:
    if standstill.standing():
        return CredentialConfiguration.objects.none()
    return CredentialConfiguration.objects.filter(enabled=True, archived=None, next_run_at__lte=timezone.now())


def _run(begun: Run, progressed: Progressed | None) -> Run:
    about = {"run": begun.pk, "configuration": begun.configuration_id}
    journal.event(logger, "issuing run begins", **about, trigger=begun.trigger)
    try:
        # Of one that was asked for: it may have been switched off since.
        begun.configuration = _as_stored(begun.configuration)
        with Lease(partial(issue.renew, begun)), plugins.gateway().reading() as lms:
            _pass(begun, lms, progressed)
    except LeaseLost:
        begun.refresh_from_db()
        if begun.status != Run.Status.CANCELLED:
            raise  # whoever took over has closed it
    except BaseException as error:
        again = isinstance(error, (*BROKEN_OFF, standstill.Paused))  # that was nobody's fault
        issue.withdraw(begun, Run.Status.FAILED, f"{type(error).__name__}: {error}", again=again)
        journal.event(logger, f"issuing run failed: {type(error).__name__}", level=logging.ERROR, **about)
        raise
    begun.refresh_from_db()
    figures = {name: getattr(begun, name) for name in ("evaluated", "eligible", "already", "issued", "held", "failed")}
    journal.event(logger, "issuing run ends", **about, status=begun.status, **figures)
    return begun


def dry_run(configuration: CredentialConfiguration) -> Iterator[list[Evaluation]]:
    """What a run would make of each learner, page by page; nothing is written."""
    with plugins.gateway().reading() as lms:
        plan = resolve(configuration, lms)
        now = timezone.now()
        yield from assess(plan, lms, Register(plan, now, ended=opening.ended(configuration, now)))


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
        raise ConferralError(
            "configuration %(configuration)s: was switched off or deleted meanwhile", configuration=configuration
        )
    return found


def _begin(configuration: CredentialConfiguration, trigger: str, **given: Any) -> Run:
    for other in Run.objects.filter(configuration=configuration, active=True):
        if not _close_if_lost(other):
            raise _already(other)
    now = timezone.now()
    try:
        with transaction.atomic():
            if trigger == Run.Trigger.SCHEDULE and not schedules.take_turn(configuration, now):
                raise NotDue(
                    "configuration %(configuration)s: somebody else has taken its turn", configuration=configuration
                )
            configuration.runs.filter(next_try__isnull=False).update(next_try=None)
            return Run.objects.create(
                configuration=configuration,
                trigger=trigger,
                claim=lease.new_token(),
                claimed_until=lease.until(),
                started=now,
                expected=expected_of(configuration),
                **given,
            )
    except IntegrityError:
        raise _already(Run.objects.filter(configuration=configuration, active=True).first()) from None


def _close_if_lost(run: Run) -> bool:
    if run.claimed_until > timezone.now() and not lease.holder_is_gone(run.claim):
        return False
    before = Run.objects.filter(configuration=run.configuration_id, pk__lt=run.pk)
    times = 1 + issue.in_a_row(before, Run.Status.LOST)
    said = (LOST_AGAIN if times >= SUSPICIOUS else LOST) % {"count": run.evaluated, "times": times}
    return issue.withdraw(run, Run.Status.LOST, said, as_seen=True)


def _already(other: Run | None) -> AlreadyRunning:
    if other is None:
        return AlreadyRunning("a run of this configuration is going on; wait until it has ended")
    return AlreadyRunning(
        "a run of this configuration is going on since %(since)s UTC, by %(who)s; wait until it has ended",
        since=f"{other.started:%H:%M:%S}",
        who=other.claim.rsplit(":", 1)[0],
    )


def _pass(run: Run, lms: LMS, progressed: Progressed | None) -> None:
    with limited(current().page_seconds, "reading the course"):
        plan = resolve(run.configuration, lms)
    keep_name(run.configuration, plan.context)
    state = opening.follow(run.configuration, plan.context, run.started)
    if not state.open and not run.release:
        issue.close(run, issue.Ending({}, has_artifacts=False, remarks=(NOBODY % {"why": state.why},)))
        return
    register = Register(plan, run.started, ended=opening.ended(run.configuration, run.started))
    edition = None
    outcomes: Counter[Outcome] = Counter()
    told = time.monotonic()
    for page in each(assess(plan, lms, register), current().page_seconds, "a page of learners"):
        outcomes.update(evaluation.outcome for evaluation in page)
        register.remember(page, lms)
        if new := [evaluation for evaluation in page if evaluation.outcome is Outcome.ISSUE]:
            standstill.check()
            edition = edition or edition_of(plan)
            inserted = issue.insert_held(run, plan, edition, new, lms)
            failed = sum(evaluation.outcome is Outcome.FAILED for evaluation in new)
            outcomes[Outcome.ISSUE] -= len(new) - inserted
            outcomes[Outcome.FAILED] += failed
            outcomes[Outcome.ALREADY] += len(new) - inserted - failed
        if time.monotonic() - told >= TELLS:
            issue.keep(run, **counts_of(outcomes))
            told = time.monotonic()
        if progressed:
            progressed(len(page))
    register.forget_who_left(plan, lms)
    standstill.check()
    counts = counts_of(outcomes) | {"issued": issue.held_by(run)}
    why = guards.why_held(run, guards.of(plan.configuration), issued=counts["issued"], evaluated=counts["evaluated"])
    last = state.last and not register.next_end  # those who wait are looked at once more
    remarks = (*plan.objections, *(("its time has ended: this was the last run",) if last else ()))
    issue.close(run, issue.Ending(counts, bool(plan.slots), remarks, why, last=last))
    if register.next_end and run.configuration.schedule:
        schedules.bring_forward(run.configuration, register.next_end)
