"""Issuing many again: counted first, then made in batches in the background, none of them twice.

Each batch is one transaction that moves the cursor on. So a worker that is killed repeats what was not committed, and
nothing that was.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from django.db import transaction
from django.db.models import Count, Func, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from conferral import journal, plugins
from conferral.contract import ConferralError, Phrase
from conferral.contract.text import storable
from conferral.issuance import correct, deliver, history, lease, make, standstill, withdraw, work
from conferral.issuance.correct import CURRENT_DESIGN, SAME_DESIGN, CannotCorrect
from conferral.issuance.lease import Lease, LeaseLost
from conferral.issuance.make import Station
from conferral.issuance.persist import BROKEN_OFF, persistently
from conferral.issuance.plan import edition_of, resolve
from conferral.models import Credential, CredentialConfiguration, Edition, Learner, Reissue
from conferral.settings import current

logger = logging.getLogger(__name__)

State, Status = Credential.State, Reissue.Status
GOING_ON = (Status.ASKED, Status.RUNNING)
MADE = (State.AVAILABLE, State.FAILED)
"""As far as it goes: neither held nor still in the making."""
MOST_SELECTED = 10_000
"""Credentials that a person can choose one by one."""
REASONS = 50
"""Different problems that are told; all are counted."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be issued again, and how: `design` is `same` or `current`, `names` takes the learners' present names.

    `selection` are keys of credentials; None: all of the configuration.
    """

    configuration: CredentialConfiguration
    design: str = SAME_DESIGN
    names: bool = False
    notify: bool = True
    selection: Collection[int] | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of so many chosen, so many would be issued again; the others have nothing to change, or cannot be, and why."""

    chosen: int
    to_reissue: int
    unchanged: int
    cannot: dict[str, int] = field(default_factory=dict)


def count(wish: Wish) -> Numbers:
    """The dry run: two aggregates, whatever the number of credentials. A CannotCorrect when nothing would change."""
    return _count(wish, _edition(wish))


def start(wish: Wish, *, by: Any, reason: str) -> Reissue:
    """Asks for it in the background, and returns its row: `carry_out_batch` makes it, which the sweep sees to."""
    if not reason.strip():
        raise CannotCorrect("is empty; say why, for those who are asked later", where="reason")
    if wish.selection is not None and len(wish.selection) > MOST_SELECTED:
        raise CannotCorrect(
            "%(count)s are too many; choose %(most)s at most, or all",
            where="selection",
            count=len(wish.selection),
            most=MOST_SELECTED,
        )
    standstill.check()
    edition = _edition(wish)
    numbers = _count(wish, edition)
    with transaction.atomic():
        made = Reissue.objects.create(
            configuration=wish.configuration,
            edition=edition,
            names=wish.names,
            notify=wish.notify,
            selection=None if wish.selection is None else sorted(set(wish.selection)),
            by=history.account(by),
            by_name=history.name_of(by),
            reason=storable(reason.strip()),
            asked=timezone.now(),
            until=Credential.objects.aggregate(last=Max("pk"))["last"] or 0,
            total=numbers.to_reissue,
        )
        history.record("reissue asked for", wish.configuration, made, by=by, reason=reason, total=made.total)
    return made


def waiting() -> list[int]:
    """Those that have work left and that nobody holds, oldest first; none while everything stands still."""
    if standstill.standing():
        return []
    found = Reissue.objects.filter(status__in=GOING_ON).order_by("pk")
    return [one.pk for one in found if _free(one)]


def carry_out(reissue_id: int) -> Reissue:
    """Makes all of its batches, and returns it."""
    while carry_out_batch(reissue_id):
        pass
    return Reissue.objects.get(pk=reissue_id)


def carry_out_batch(reissue_id: int) -> bool:
    """Issues a batch of it again; whether there is more to do. What goes wrong with one is told, the others go on."""
    row = Reissue.objects.select_related("configuration__type", "edition", "by").filter(pk=reissue_id).first()
    if row is None or row.status not in GOING_ON or not _free(row) or standstill.standing():
        return False
    token = lease.new_token()
    taken = Reissue.objects.filter(pk=row.pk, claim=row.claim, status=row.status)
    if not taken.update(status=Status.RUNNING, claim=token, claimed_until=lease.until()):
        return False
    row.claim = token
    try:
        with Lease(partial(_renew, row)):
            return _batch(row)
    except LeaseLost:
        return False
    except BROKEN_OFF as error:
        # The batch was not committed, or with its cursor: the next sweep goes on from there.
        journal.breakdown(logger, "a reissue was broken off and goes on", error, reissue=row.pk)
        persistently(partial(_renew, row, claimed_until=None))
        return False
    except Exception as error:
        if not isinstance(error, ConferralError):
            journal.breakdown(logger, "a reissue failed", error, reissue=row.pk, configuration=row.configuration_id)
        _renew(row, status=Status.FAILED, ended=timezone.now(), error=storable(f"{type(error).__name__}: {error}"))
        return False


def cancel(reissue: Reissue, *, by: Any) -> None:
    """Stops it after the batch at hand; what was issued again stays."""
    going_on = Reissue.objects.filter(pk=reissue.pk, status__in=GOING_ON)
    if going_on.update(status=Status.CANCELLED, ended=timezone.now()):
        history.record("cancelled", reissue, by=by)


def _edition(wish: Wish) -> Edition | None:
    if wish.design == CURRENT_DESIGN:
        return edition_of(resolve(wish.configuration, plugins.gateway()))
    if not wish.names:
        raise CannotCorrect(
            "nothing would change; ask for the current design, for the present names, or both", where="design"
        )
    return None


def _count(wish: Wish, edition: Edition | None) -> Numbers:
    chosen = _chosen(wish.configuration, wish.selection)
    told = chosen.aggregate(
        n_chosen=Count("pk"),
        n_revoked=Count("pk", filter=~Q(revoked=None)),
        n_held=Count("pk", filter=Q(revoked=None, state=State.HELD)),
        n_made=Count("pk", filter=Q(revoked=None, state=State.PENDING)),
        n_retired=Count("pk", filter=Q(revoked=None, learner__retired__isnull=False, state__in=MADE)),
    )
    to_reissue = _changing(chosen, edition, names=wish.names).count()
    cannot = {
        Phrase("revoked"): told["n_revoked"],
        Phrase("held"): told["n_held"],
        Phrase("still being made"): told["n_made"],
        Phrase("the learner is retired"): told["n_retired"],
    }
    return Numbers(
        told["n_chosen"],
        to_reissue,
        told["n_chosen"] - to_reissue - sum(cannot.values()),
        {why: number for why, number in cannot.items() if number},
    )


def _chosen(configuration: CredentialConfiguration, selection: Collection[int] | None) -> QuerySet[Credential]:
    found = Credential.objects.filter(configuration=configuration, current=True)
    return found if selection is None else found.filter(pk__in=list(selection))


class _AsWritten(Func):
    """A text that is compared letter by letter: MySQL's collations mind neither case nor accents."""

    template, arity = "%(expressions)s", 1

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS BINARY)", **context)


def _changing(chosen: QuerySet[Credential], edition: Edition | None, *, names: bool) -> QuerySet[Credential]:
    """Those that would come out otherwise than they are: so the same wish again changes nothing."""
    possible = chosen.filter(revoked=None, learner__retired=None, state__in=MADE)
    differs = Q(pk__in=())
    if edition:
        differs |= ~Q(edition=edition)
    if names:
        differs |= ~Q(learner__name="") & ~Q(recipient_name=_AsWritten("learner__name"))
    return possible.filter(differs)


def _batch(row: Reissue) -> bool:
    page = _next(row)
    if not page:
        _finish(row)
        return False
    station: Callable[[int, str], Station] = lru_cache(maxsize=8)(make.prepare)
    problems: Counter[str] = Counter()
    ready, patience = [], work.patience_with_plugin()
    for old in page:
        new = correct.successor(old, row.edition or old.edition, _name(row, old), notify=row.notify)
        try:
            with patience:
                correct.try_out(new, new.edition, station)
        except CannotCorrect as error:
            problems[str(error)] += 1
            if patience.lost_on(error):
                raise
        else:
            ready.append((old, new))
    with transaction.atomic():
        done = _replace(row, ready)
        told = Counter(row.problems) + problems
        said: dict[str, Any] = {"reissued": row.reissued + done, "failed": row.failed + problems.total()}
        said |= {"cursor": page[-1].pk, "problems": dict(told.most_common(REASONS)), "claimed_until": None}
        _keep(row, **said)
    return True


def _finish(row: Reissue) -> None:
    unready = _renamed(row).filter(revoked=None, state=State.PENDING).count()
    problems = Counter(row.problems) + Counter({Phrase("still being made"): unready})
    row.failed += unready
    told = {"failed": row.failed, "problems": dict(problems.most_common(REASONS))}
    _keep(row, status=Status.FINISHED, ended=timezone.now(), claimed_until=None, **told)
    history.record("reissue ended", row, reissued=row.reissued, failed=row.failed)


def _next(row: Reissue) -> list[Credential]:
    """The batch at hand; after all others come those that a person has given another name meanwhile."""
    chosen = _chosen(row.configuration, row.selection).filter(pk__lte=row.until)
    for found in (
        _changing(chosen, row.edition, names=row.names),
        _changing(_renamed(row), row.edition, names=False),
    ):
        left = found.filter(pk__gt=row.cursor).select_related("learner", "edition").order_by("pk")
        if page := list(left[: current().batch_size]):
            return page
    return []


def _renamed(row: Reissue) -> QuerySet[Credential]:
    """What has replaced one of those chosen since it was asked for, and kept the design that is to go.

    What another reissue makes is of another design: each would undo what the other does, for ever.
    """
    if row.edition is None:
        return Credential.objects.none()
    of_configuration = Credential.objects.filter(configuration=row.configuration)
    then = of_configuration.filter(pk__lte=row.until)
    before = then.filter(learner=OuterRef("learner")).order_by("-pk").values("edition")[:1]
    # First what this one has made, of which there may be a million: the earlier edition is asked of the others alone.
    found = of_configuration.filter(current=True, pk__gt=row.until).exclude(edition=row.edition)
    found = found.filter(edition=Subquery(before))
    if row.selection is None:
        return found
    return found.filter(learner__in=then.filter(pk__in=row.selection).values("learner"))


def _name(row: Reissue, old: Credential) -> str:
    """One that a person has given a name since it was asked for keeps that."""
    takes_present = row.names and old.learner.name and old.pk <= row.until
    return old.learner.name if takes_present else correct.name_of(old)


def _replace(row: Reissue, ready: Sequence[tuple[Credential, Credential]]) -> int:
    """The new ones take the places of the old ones that are still as they were; how many. In a transaction."""
    people = Learner.objects.select_for_update().filter(pk__in=[old.learner_id for old, _ in ready]).order_by("pk")
    retired = {one.pk for one in people if one.retired}
    there = Credential.objects.select_for_update().filter(pk__in=[old.pk for old, _ in ready], current=True)
    there = there.filter(revoked=None, state__in=MADE).select_related("learner")
    still = {one.pk: one for one in there.order_by("pk") if one.learner_id not in retired}
    # From the rows as they are now: while designs were tried out, holders may have hidden their pages.
    chosen = [
        correct.successor(still[old.pk], tried.edition, tried.recipient_name, notify=row.notify)
        for old, tried in ready
        if old.pk in still
    ]
    olds = list(still)
    Credential.objects.filter(pk__in=olds).update(current=None)
    Credential.objects.bulk_create(chosen)
    made = Credential.objects.filter(verification_id__in=[new.verification_id for new in chosen])
    made = made.select_related("edition").order_by("pk")
    correct.hand_on(made, row.by)
    deliver.enqueue(one for one in made if one.state == State.AVAILABLE)
    withdraw.enqueue_all(olds)
    concerned = [(Credential, pk) for pk in (*olds, *(one.pk for one in made))]
    history.record_of(concerned, "reissued", by=row.by or row.by_name, reason=row.reason)
    return len(chosen)


def _free(row: Reissue) -> bool:
    return row.claimed_until is None or row.claimed_until <= timezone.now() or lease.holder_is_gone(row.claim)


def _renew(row: Reissue, **said: Any) -> int:
    ours = Reissue.objects.filter(pk=row.pk, claim=row.claim, status=Status.RUNNING)
    return ours.update(**{"claimed_until": lease.until(), **said})


def _keep(row: Reissue, **said: Any) -> None:
    if not _renew(row, **said):
        raise LeaseLost("%(row)s: was cancelled, or taken over", row=row)
