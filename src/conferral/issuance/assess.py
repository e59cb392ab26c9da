"""Assessment: what a run makes of each learner; a dry run asks the same, and writes nothing."""

from collections import Counter
from collections.abc import Collection, Iterator

from conferral.contract import LMS, Phrase
from conferral.issuance import issue
from conferral.issuance.candidates import Register
from conferral.issuance.evaluate import Evaluation, Outcome, evaluate, exclude
from conferral.issuance.plan import Plan
from conferral.models import Credential, Learner
from conferral.settings import current


def assess(
    plan: Plan, lms: LMS, register: Register, learners: Collection[str] | None = None
) -> Iterator[list[Evaluation]]:
    """The evaluations, a page at a time, with those marked who have a credential, are retired, refused or waiting.

    Of everybody, or only of `learners`. Two queries a page, one more where people are listed or wait, and one on MySQL.
    """
    for page in evaluate(plan, lms, learners):
        # What follows looks them up as the source spells them.
        Learner.objects.respell(current().lms, [one.learner for one in page])
        register.look(page)
        eligible = _of(page)
        taken = issue.holders(plan.configuration, current().lms, eligible)
        for one in eligible:
            if one.learner in taken:
                held = taken[one.learner] == Credential.State.HELD
                one.outcome, one.why = (
                    (Outcome.HELD, Phrase("held until it is released")) if held else (Outcome.ALREADY, "")
                )
        retired = Learner.objects.retired_among(current().lms, [one.learner for one in _of(eligible)])
        for one in eligible:
            if one.learner in retired:
                one.outcome = Outcome.INACTIVE
        exclude(plan, [one for one in _of(eligible) if not one.allowed], lms)
        register.hold_back(_of(eligible))
        yield page


def counts_of(outcomes: Counter[Outcome]) -> dict[str, int]:
    """A run's figures. Who is eligible and has a credential already counts as both; who is held has a place."""
    already = outcomes[Outcome.ALREADY] + outcomes[Outcome.HELD]
    return {
        "evaluated": outcomes.total(),
        "eligible": outcomes[Outcome.ISSUE] + already + outcomes[Outcome.WAITING],
        "already": already,
        "issued": outcomes[Outcome.ISSUE],
        "waiting": outcomes[Outcome.WAITING],
        "refused": outcomes[Outcome.REFUSED],
        "failed": outcomes[Outcome.FAILED],
    }


def _of(page: list[Evaluation]) -> list[Evaluation]:
    return [one for one in page if one.outcome is Outcome.ISSUE]
