"""Evaluation: the learners of a context, page by page, each with the processor's decision."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain

from conferral import journal
from conferral.contract import LMS, Decision, Enrolment, Fact, LearningContext, Phrase, Progress
from conferral.contract.context import short_key
from conferral.contract.decision import combine
from conferral.contract.text import storable
from conferral.issuance.limit import limited
from conferral.issuance.plan import Plan
from conferral.issuance.source import usernames_not_accepted
from conferral.models.configuration import NAME_LENGTH
from conferral.settings import current

logger = logging.getLogger(__name__)
UNDECIDED = Phrase("the rule %(rule)s could not decide: %(error)s")


class Outcome(StrEnum):
    """What a run makes of one learner."""

    ISSUE = "issue"
    ALREADY = "already"
    HELD = "held"
    WAITING = "waits"
    REFUSED = "refused"
    NOT_YET = "not yet"
    INACTIVE = "inactive"
    EXCLUDED = "excluded"
    FAILED = "failed"


@dataclass(slots=True)
class Evaluation:
    """One learner, looked at. `why` is a reason beside the decision's: the rule failed, or they are excluded.

    `qualified` is since when one qualifies who waits; `allowed`: a person said that they are always issued. `account`
    is the learner's, where the source tells it.
    """

    learner: str
    outcome: Outcome
    decision: Decision | None = None
    why: str = ""
    qualified: datetime | None = None
    allowed: bool = False
    account: str = ""

    @property
    def reason(self) -> str:
        """Why, in one line."""
        if self.outcome is Outcome.INACTIVE:
            return "the account or the enrolment is not active"
        return self.why or (self.decision.reason if self.decision else "")


def evaluate(plan: Plan, lms: LMS, learners: Collection[str] | None = None) -> Iterator[list[Evaluation]]:
    """Everybody who takes part (or only `learners`), a page at a time.

    A `decide` that raises fails its learner alone; a gateway or a `gather` that raises ends the stream.
    """
    rule = plan.rule
    needs = frozenset() if plan.by_step else rule.processor.needs_of(rule.options)
    for page in lms.progress(plan.context, needs, learners):
        active = [progress for progress in page if progress.enrolment.active]
        decided = _join(plan, active, lms) if plan.by_step else _decide(plan, plan.context, active, lms)
        found = [decided.get(progress.learner) or Evaluation(progress.learner, Outcome.INACTIVE) for progress in page]
        for evaluation, progress in zip(found, page, strict=True):
            evaluation.account = progress.external_id
        _refuse_usernames(found)
        yield found


def _refuse_usernames(page: Sequence[Evaluation]) -> None:
    """Whoever is known by something that no record can have fails alone, under what of it can be kept."""
    if wrong := usernames_not_accepted([one.learner for one in page]):
        fail(page, wrong)
        for one in page:
            if one.learner in wrong:
                one.learner = storable(one.learner)[:NAME_LENGTH]


def exclude(plan: Plan, eligible: Sequence[Evaluation], lms: LMS) -> None:
    """Marks those who are not in the plan's audience, in any of the contexts that it looks at."""
    learners = {evaluation.learner: evaluation for evaluation in eligible}
    for context in plan.parts.values():
        for standing in lms.standing(context, list(learners), plan.audience) if learners else ():
            for why in plan.audience.refusals(standing):
                excluded = learners[standing.learner]
                where = f"{short_key(context.key)}: " if plan.steps else ""
                excluded.outcome, excluded.why = Outcome.EXCLUDED, f"{where}{why}"


def fail(page: Iterable[Evaluation], why: Mapping[str, str]) -> None:
    """Marks those learners as ones who cannot be decided, for those reasons; the others go on."""
    failed = [one for one in page if one.learner in why]
    for one in failed:
        one.outcome, one.why = Outcome.FAILED, why[one.learner]
    if failed:
        what = "what the source tells of learners is not accepted"
        journal.event(logger, what, level=logging.WARNING, learners=len(failed), why=failed[0].why)


def _decide(plan: Plan, context: LearningContext, page: Sequence[Progress], lms: LMS) -> dict[str, Evaluation]:
    rule = plan.rule
    options = rule.options_for(context.key)
    gathered = rule.processor.gather(context, page, options, lms)
    decided, seconds = {}, current().plugin_seconds
    for progress in page:
        try:
            with limited(seconds, "it"):
                decision = rule.processor.decide(progress, options, gathered)
            if not isinstance(decision, Decision):
                raise TypeError(f"{decision!r} is no Decision")  # noqa: TRY301 - a plugin's mistake like any other
        except Exception as error:  # a plugin's mistake is that learner's failure, never the run's
            # It may have gathered others, too: nobody knows whom its words are about.
            journal.breakdown(logger, f"rule {rule.name!r} could not decide", error, context=context.key)
            reason = UNDECIDED % {"rule": repr(rule.name), "error": repr(error)}
            decided[progress.learner] = Evaluation(progress.learner, Outcome.FAILED, why=reason)
        else:
            outcome = Outcome.ISSUE if decision.eligible else Outcome.NOT_YET
            decided[progress.learner] = Evaluation(progress.learner, outcome, decision)
    if plan.audience.platform_allowlist:
        _allow(plan, context, decided, lms)
    return decided


def _allow(plan: Plan, context: LearningContext, decided: dict[str, Evaluation], lms: LMS) -> None:
    """Whoever staff put on the platform's list qualifies by that, and the evidence says so."""
    others = [learner for learner, evaluation in decided.items() if evaluation.outcome is Outcome.NOT_YET]
    for standing in lms.standing(context, others, plan.audience) if others else ():
        if standing.allowed:
            fact = Fact("platform allowlist", "listed", "listed", met=True)
            decided[standing.learner] = Evaluation(standing.learner, Outcome.ISSUE, Decision.on(fact))


def _join(plan: Plan, page: Sequence[Progress], lms: LMS) -> dict[str, Evaluation]:
    """A pathway's decisions: each step's for the members on this page, combined."""
    members = [progress.learner for progress in page]
    rule = plan.rule
    steps = {}
    for key, context in plan.steps.items():
        needs = rule.processor.needs_of(rule.options_for(key))
        found = list(chain.from_iterable(lms.progress(context, needs, members)))
        taking_part = [progress for progress in found if progress.enrolment.active]
        steps[key] = _with_the_absent(_decide(plan, context, taking_part, lms), found, members)
    return {
        learner: _combined(learner, {key: decided[learner] for key, decided in steps.items()}) for learner in members
    }


def _with_the_absent(
    decided: dict[str, Evaluation], found: Sequence[Progress], members: Sequence[str]
) -> dict[str, Evaluation]:
    enrolments: Mapping[str, Enrolment] = {progress.learner: progress.enrolment for progress in found}
    for learner in members:
        if learner not in decided:
            actual = "inactive" if learner in enrolments else "none"
            fact = Fact("enrolment", actual, "active", met=False)
            decided[learner] = Evaluation(learner, Outcome.NOT_YET, Decision.on(fact))
    return decided


def _combined(learner: str, steps: Mapping[str, Evaluation]) -> Evaluation:
    if failed := [evaluation for evaluation in steps.values() if evaluation.outcome is Outcome.FAILED]:
        return replace(failed[0], learner=learner)
    decision = combine({key: step.decision for key, step in steps.items() if step.decision})
    return Evaluation(learner, Outcome.ISSUE if decision.eligible else Outcome.NOT_YET, decision)
