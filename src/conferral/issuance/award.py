"""Awards by hand: a person issues to learners whom no rule decides about, and the evidence says who did."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone

from conferral import plugins
from conferral.contract import LMS, ConferralError, Decision, Fact, Phrase
from conferral.contract.text import without_controls
from conferral.issuance import candidates, history, issue, standstill
from conferral.issuance.evaluate import Evaluation, Outcome
from conferral.issuance.plan import Plan, edition_content, edition_of, placeholders_of, resolve
from conferral.issuance.source import objections, told
from conferral.models import Candidate, Credential, CredentialConfiguration, Learner
from conferral.models.verification import shown
from conferral.settings import current

AWARDED_BY = "awarded by"
"""The fact in the evidence of what a person awarded."""
BY_HAND = ("by hand", "")
"""What the evidence names in place of a rule."""
UNKNOWN = Phrase("is not known to %(source)s; check the username")
NEVER = Phrase("was refused by %(who)s (%(why)s); take that back first")
HOLDS_HELD = Phrase("has one that is held (%(number)s); release it")
HOLDS_REVOKED = Phrase("had one that was revoked (%(number)s); reissue it")
HOLDS = Phrase("has one already (%(number)s)")
FIRST_YEAR = 1900
"""Earlier days are slips of the hand."""


class CannotAward(ConferralError):
    """Nobody says why, or what is said cannot be."""


@dataclass(slots=True)
class Awarded:
    """The verification ids of what was issued; and why not, by username."""

    issued: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Award:
    """What a person says of all of them: who, why, the day it was earned (None: now), whether they are written to."""

    by: Any
    reason: str
    earned: date | None = None
    notify: bool = True


def award(configuration: CredentialConfiguration, learners: Collection[str], given: Award) -> Awarded:
    """Issues to those usernames now, whatever the rule, the course's dates and the configuration's switch say.

    Who has one, is refused or is not known is told with the reason; the others get theirs. A constant number of
    queries a page. What is issued is pending: `generate` makes it.
    """
    if not given.reason.strip():
        raise CannotAward("is empty; say why, for those who are asked later", where="reason")
    standstill.check()
    stored = CredentialConfiguration.objects.select_related("type").get(pk=configuration.pk)
    done = Awarded()
    wanted = iter(dict.fromkeys(key.strip() for key in learners if key.strip()))
    with plugins.gateway().reading() as lms:
        plan = resolve(stored, lms)
        if lacking := _lacking(plan):
            raise CannotAward(
                "the design or its mail says %(names)s, which nobody has who is given one by hand; take a type that "
                "does without",
                names=", ".join(lacking),
            )
        while page := list(islice(wanted, current().page_size)):
            try:
                _award(page, given, done, plan=plan, lms=lms)
            except IntegrityError:  # a run has issued to some of them meanwhile: look again, once
                _award(page, given, done, plan=plan, lms=lms)
    return done


def earned_on(day: date, configuration: CredentialConfiguration) -> datetime:
    """Noon of that day where certificates print it, the configuration's time zone; of today not later than now.

    A CannotAward when that day has not begun there.
    """
    zone = ZoneInfo(configuration.time_zone)
    noon, now = datetime.combine(day, time(12), zone), timezone.now().astimezone(zone)
    if noon.year < FIRST_YEAR or day > now.date():
        raise CannotAward(
            "%(day)s is not accepted; write a day from %(first)s until today, which is %(today)s in %(zone)s",
            where="earned",
            day=Phrase(history.on(noon)),
            first=FIRST_YEAR,
            today=Phrase(history.on(now)),
            zone=configuration.time_zone,
        )
    return min(noon, now)


def _lacking(plan: Plan) -> list[str]:
    """The placeholders of its designs and its mail that a rule would fill in."""
    content = edition_content(plan)
    used = placeholders_of([content["generators"], content["wording"]])
    return sorted(f"{{{name}}}" for name in used - {f"evidence.{AWARDED_BY}"} if name.startswith("evidence."))


@transaction.atomic
def _award(page: Sequence[str], given: Award, done: Awarded, *, plan: Plan, lms: LMS) -> None:
    edition = edition_of(plan)
    known = lms.people(page)
    learners = Learner.objects.record(current().lms, told(known))[0]
    problems = {key: UNKNOWN % {"source": repr(lms.label)} for key in page if key not in learners}
    problems |= objections(known)
    problems |= _why_not(plan.configuration, learners)
    who = without_controls(history.name_of(given.by)) or history.ITSELF
    earned = earned_on(given.earned, plan.configuration) if given.earned else None
    decision = Decision.on(Fact(AWARDED_BY, who, "staff", met=True), earned=earned)
    chosen = [Evaluation(key, Outcome.ISSUE, decision) for key in page if key not in problems]
    origin = issue.Origin(timezone.now(), given.notify, decided=BY_HAND)
    names = issue.insert(origin, plan, edition, chosen, learners)
    issued = Credential.objects.filter(verification_id__in=names)
    keys = list(issued.order_by("pk").values_list("pk", flat=True))
    issue.let_go(issued.filter(state=Credential.State.HELD), has_artifacts=bool(plan.slots))
    history.record_of([(Credential, pk) for pk in keys], "awarded", by=given.by, reason=given.reason)
    if keys:
        about = {"by": given.by, "reason": given.reason, "credentials": len(keys)}
        history.record("awarded", plan.configuration, **about)
    done.issued += names
    done.problems |= problems


def _why_not(configuration: CredentialConfiguration, learners: dict[str, Learner]) -> dict[str, str]:
    refused = candidates.listed(configuration).filter(
        verdict=Candidate.Verdict.NEVER, learner__in=[one.pk for one in learners.values()]
    )
    found = {one.learner.key: NEVER % {"who": one.by_name, "why": one.reason} for one in refused}
    there = Credential.objects.filter(configuration=configuration, current=True, learner__in=learners.values())
    for one in there.select_related("learner"):
        number = {"number": shown(one.verification_id)}
        if one.state == Credential.State.HELD:
            found[one.learner.key] = HOLDS_HELD % number
        elif one.revoked:
            found[one.learner.key] = HOLDS_REVOKED % number
        else:
            found[one.learner.key] = HOLDS % number
    return found
