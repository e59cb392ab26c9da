"""Candidates: who is always or never issued, as a person said; and since when somebody qualifies who has to wait."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from conferral import plugins
from conferral.contract import LMS, ConferralError, Decision, Fact, Phrase
from conferral.contract.text import storable
from conferral.issuance import guards, history, issue
from conferral.issuance.evaluate import Evaluation, Outcome
from conferral.issuance.limit import each, limited
from conferral.issuance.plan import Plan
from conferral.issuance.source import told
from conferral.models import Candidate, Credential, CredentialConfiguration, Learner, Run
from conferral.settings import current

Verdict = Candidate.Verdict
ALLOW_LIST = "allow list"
"""The fact in the evidence of who is always issued."""
NEVER = Phrase("refused by %(who)s: %(why)s")
NEVER_SINCE = Phrase("refused on %(day)s by %(who)s: %(why)s")
WAITS = Phrase("qualified on %(day)s, waits until %(end)s")
ENDS_THE_WAIT = (Outcome.NOT_YET, Outcome.INACTIVE, Outcome.EXCLUDED, Outcome.REFUSED, Outcome.ALREADY)
"""Whoever qualifies again waits anew. Who is issued to is forgotten by a later run: this one may fail yet. Who is held
is not: when the whole run is refused, they have waited."""


class CannotList(ConferralError):
    """A verdict that says nothing of anybody, or not why."""


@dataclass(slots=True)
class Listed:
    """What came of a list of usernames: how many verdicts, whom nobody knows, and who holds a credential anyway."""

    done: int = 0
    unknown: list[str] = field(default_factory=list)
    holding: list[str] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    """Keys of the held credentials of those learners: a refusal is theirs too."""


def say(
    configuration: CredentialConfiguration, learners: Collection[str], verdict: str, *, by: Any, reason: str
) -> Listed:
    """Records a verdict on each of the learners, in place of any before; `Verdict.RULE` takes back what was said.

    Each page of usernames costs a constant number of queries. Whoever the source does not know is left out and told.
    """
    if verdict and not reason.strip():
        raise CannotList("is empty; say why, for those who are asked later", where="reason")
    found = Listed()
    wanted = iter(dict.fromkeys(key.strip() for key in learners if key.strip()))
    lms = plugins.gateway()
    while page := list(islice(wanted, current().page_size)):
        with transaction.atomic():
            known = _learners(page, lms)
            # A run that is being closed has this row: it meets what is said here, or we what it has issued.
            CredentialConfiguration.objects.select_for_update().get(pk=configuration.pk)
            found.unknown += [key for key in page if key not in known]
            found.done += _say(configuration, known.values(), verdict, by, reason)
            places = Credential.objects.filter(configuration=configuration, current=True, learner__in=known.values())
            for pk, key, state in places.values_list("pk", "learner__key", "state").order_by("pk"):
                if state == Credential.State.HELD:
                    found.held.append(pk)
                else:
                    found.holding.append(key)
    if found.done:
        verb = {Verdict.ALWAYS: "allowed", Verdict.NEVER: "refused"}.get(Verdict(verdict), "list taken back")
        history.record(verb, configuration, by=by, reason=reason, learners=found.done)
    return found


def say_of(
    configuration: CredentialConfiguration, learners: Collection[int], verdict: str, *, by: Any, reason: str
) -> None:
    """The same for learners by their keys here, a page at most; within the transaction that decides about them."""
    _say(configuration, list(Learner.objects.filter(pk__in=learners)), verdict, by, reason)


def listed(configuration: CredentialConfiguration) -> QuerySet[Candidate]:
    """The verdicts that stand, oldest first."""
    found = configuration.candidates.exclude(verdict=Verdict.RULE)
    return found.select_related("learner", "by").order_by("pk")


def waiting(configuration: CredentialConfiguration) -> QuerySet[Candidate]:
    """Who qualified and waits, longest first: not who has one by now, held or issued."""
    placed = Credential.objects.filter(configuration=configuration, current=True).values("learner")
    found = configuration.candidates.exclude(qualified=None).exclude(learner__in=placed)
    return found.select_related("learner").order_by("qualified", "pk")


class Register:
    """What one run has to know of candidates: nothing, and so at no cost, where there are none and nobody waits."""

    def __init__(self, plan: Plan, now: datetime, *, ended: datetime | None = None) -> None:
        """`now` is when the run began; `ended` is when its time was over, if it is.

        Once the last run has been, a further one is for those alone who wait since then. Else whoever qualifies later
        would begin to wait, and there would be another one for ever.
        """
        self._configuration, self._now = plan.configuration, now
        self._pause = guards.of(plan.configuration).pause
        self._newcomers = not (self._pause and _has_had_its_last(plan.configuration, ended))
        self._any = Candidate.objects.filter(configuration=plan.configuration).exists()
        self._known: Mapping[str, Candidate] = {}
        self._met = 0  # of those who wait
        self.next_end: datetime | None = None
        """When the first of those who wait has waited enough."""

    def look(self, page: Sequence[Evaluation]) -> None:
        """Reads what is known of the learners on the page; whoever is always issued qualifies by that."""
        self._known = self._read(page) if self._any and page else {}
        for one in page:
            said = self._known.get(one.learner)
            if said and said.verdict == Verdict.ALWAYS and one.outcome is not Outcome.INACTIVE:
                one.allowed = True
                if one.outcome is not Outcome.ISSUE:
                    fact = Fact(ALLOW_LIST, "listed", "listed", met=True)
                    one.outcome, one.decision, one.why = Outcome.ISSUE, Decision.on(fact), ""

    def hold_back(self, eligible: Sequence[Evaluation]) -> None:
        """Marks those who are never issued, and those who have to wait."""
        for one in eligible:
            said = self._known.get(one.learner)
            if said and said.verdict == Verdict.NEVER:
                told = {"day": history.on(said.said), "who": said.by_name, "why": said.reason}
                one.outcome, one.why = Outcome.REFUSED, (NEVER_SINCE if said.said else NEVER) % told
            elif self._pause and not one.allowed:
                self._wait(one, said, self._pause)

    def _wait(self, one: Evaluation, said: Candidate | None, pause: Any) -> None:
        earned = one.decision.earned if one.decision else None
        qualified = guards.since(earned, said.qualified if said else None, self._now)
        ends = qualified + pause
        if ends <= self._now:
            return
        if not self._newcomers and not (said and said.qualified):
            one.outcome, one.why = Outcome.EXCLUDED, Phrase("qualified after the last run")
            return
        one.outcome, one.qualified = Outcome.WAITING, qualified
        one.why = WAITS % {"day": history.on(qualified), "end": history.at(ends)}
        self.next_end = min(self.next_end or ends, ends)

    def remember(self, page: Sequence[Evaluation], lms: LMS) -> None:
        """Writes since when those on the page qualify who wait, and forgets who does not wait any more."""
        waiting = {one.learner: one.qualified for one in page if one.outcome is Outcome.WAITING}
        ended = {one.learner for one in page if one.outcome in ENDS_THE_WAIT}
        over = [said.pk for key, said in self._known.items() if said.qualified is not None and key in ended]
        _end(over)
        moved = [said for key, said in self._known.items() if key in waiting and said.qualified != waiting[key]]
        for said in moved:
            said.qualified = waiting[said.learner.key]
        Candidate.objects.bulk_update(moved, ["qualified"], batch_size=500)
        self._met += sum(said.qualified is not None for said in self._known.values()) - len(over)
        if new := [key for key in waiting if key not in self._known]:
            with limited(current().page_seconds, "reading names"):
                people: dict[str, dict[str, Any]] = {key: {} for key in new} | told(lms.people(new))
            with transaction.atomic():
                learners = Learner.objects.record(current().lms, people)[0]
                self._met += len(learners)
                _add(
                    Candidate(configuration=self._configuration, learner=learners[key], qualified=waiting[key])
                    for key in new
                    if key in learners
                )

    def forget_who_left(self, plan: Plan, lms: LMS) -> None:
        """Ends the waits of those who take part no more, once everybody has been looked at: they were on no page.

        One query where all who wait were. Else the source is asked about them by pages: nobody is kept in memory.
        """
        waits = Candidate.objects.filter(configuration=self._configuration, learner__gateway=current().lms)
        waits = waits.exclude(qualified=None).select_related("learner").order_by("pk")
        if not self._any or waits.count() <= self._met:
            return
        last = 0
        while page := list(waits.filter(pk__gt=last)[: current().page_size]):
            found = lms.progress(plan.context, frozenset(), [said.learner.key for said in page])
            pages = each(iter(found), current().page_seconds, "a page of learners")
            here = {one.learner: one.external_id for one in chain.from_iterable(pages)}
            _end([said.pk for said in page if not _is_among(here, said.learner)])
            last = page[-1].pk

    def _read(self, page: Sequence[Evaluation]) -> dict[str, Candidate]:
        accounts = {one.learner: one.account for one in page}
        found = Candidate.objects.filter(
            configuration=self._configuration, learner__gateway=current().lms, learner__key__in=list(accounts)
        ).select_related("learner")
        return {
            said.learner.key: said
            for said in found
            if issue.is_of(said.learner.external_id, accounts[said.learner.key])
        }


def _is_among(accounts: Mapping[str, str], learner: Learner) -> bool:
    return learner.key in accounts and issue.is_of(learner.external_id, accounts[learner.key])


def _end(waits: Sequence[int]) -> None:
    """Ends the waits of those candidates, a page at most; what a person said of them stays."""
    if waits:
        Candidate.objects.filter(pk__in=waits).exclude(verdict=Verdict.RULE).update(qualified=None)
        Candidate.objects.filter(pk__in=waits, verdict=Verdict.RULE).delete()


def _has_had_its_last(configuration: CredentialConfiguration, ended: datetime | None) -> bool:
    """Whether one has been since its time ended, or since the one time that was set for it."""
    since = ended or configuration.schedule.get("at")
    been = Run.objects.filter(configuration=configuration.pk, status__in=(Run.Status.FINISHED, Run.Status.HELD))
    return bool(since) and been.filter(evaluated__gt=0, started__gte=since).exists()


def _say(
    configuration: CredentialConfiguration, learners: Collection[Learner], verdict: str, by: Any, reason: str
) -> int:
    given = {"verdict": verdict, "reason": storable(reason.strip()), "by": history.account(by)}
    given |= {"by_name": history.name_of(by), "said": timezone.now()}
    if verdict == Verdict.RULE:
        given = {"verdict": "", "reason": "", "by": None, "by_name": "", "said": None}
    standing = {
        one.learner_id: one for one in configuration.candidates.select_for_update().filter(learner__in=learners)
    }
    changed = [one for one in standing.values() if verdict or one.verdict]
    for one in changed:
        for name, value in given.items():
            setattr(one, name, value)
    Candidate.objects.bulk_update(changed, list(given), batch_size=200)
    new = [one for one in learners if one.pk not in standing] if verdict else []
    _add(Candidate(configuration=configuration, learner=one, **given) for one in new)
    return len(changed) + len(new)


def _add(new: Iterator[Candidate]) -> None:
    """Inserts them; one that somebody else has written meanwhile is theirs."""
    rows = list(new)
    try:
        with transaction.atomic():
            Candidate.objects.bulk_create(rows, batch_size=500)
    except IntegrityError:
        there = Candidate.objects.filter(
            configuration=rows[0].configuration, learner__in=[one.learner_id for one in rows]
        )
        present = set(there.values_list("learner_id", flat=True))
        Candidate.objects.bulk_create((one for one in rows if one.learner_id not in present), batch_size=500)


def _learners(keys: Sequence[str], lms: LMS) -> dict[str, Learner]:
    """Our records of those learners: of whom the source knows, and of whom we do."""
    people = told(lms.people(keys))
    known = Learner.objects.record(current().lms, people)[0]
    ours = Learner.objects.filter(
        gateway=current().lms, key__in=[key for key in keys if key not in known], retired=None
    )
    return known | {one.key: one for one in ours}
