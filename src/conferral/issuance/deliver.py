"""Delivery: an outbox of messages, each handed to the mail transport once, with retries of its own.

A message is marked as sent right after the transport took it, so a worker that is killed repeats one message at most.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from conferral import journal, plugins
from conferral.contract import ConferralError, TransientError
from conferral.contract.text import storable
from conferral.issuance import history, lease, standstill, work
from conferral.issuance.lease import Lease
from conferral.issuance.letter import letter_of, why_not
from conferral.issuance.limit import TookTooLong, limited
from conferral.issuance.persist import persistently
from conferral.issuance.source import objections, told
from conferral.mail import LETTER_SECONDS, Away, PerhapsSent, Post, Unreachable
from conferral.models import Credential, Delivery, Learner
from conferral.models.verification import shown
from conferral.settings import current

logger = logging.getLogger(__name__)

State, Purpose = Delivery.State, Delivery.Purpose
BATCH = 50
AWAY = "away"
"""The claim of messages that wait for a mail server that is away: nobody's."""
ASKING = 120
"""Seconds after the one that asks for all of them in which the others follow: it may take so long to be told."""
UNCERTAIN_TRIES = 3
"""So many repeats at most for a learner whose mail server takes messages and does not say so."""
SILENT = "no mail was asked for"
TOLD = Q(state=State.SENT) | Q(state=State.SKIPPED, last_error=SILENT)
"""Mails after which a further one is about a correction: the learner was written to, or hears of it otherwise."""
UNKNOWN = "the learner is not known any more where the credential was earned"


class CannotResend(ConferralError):
    """There is nothing to write about."""


def enqueue(credentials: Iterable[Credential]) -> int:
    """Puts a message about each into the outbox; within the transaction that makes them available.

    A record is made of those too whose learners are not to be written to, with that as the reason. How many wait.
    """
    now = timezone.now()
    credentials = list(credentials)
    corrected, owed = _corrected(credentials)
    written_to = owed.union(one.pk for one in credentials if one.notify)
    waits: dict[str, Any] = {"next_try": now}
    silent: dict[str, Any] = {"state": State.SKIPPED, "ended": now, "last_error": SILENT}
    Delivery.objects.bulk_create(
        Delivery(
            credential_id=one.pk,
            purpose=Purpose.CORRECTED if one.pk in corrected else Purpose.ISSUED,
            **(waits if one.pk in written_to else silent),
        )
        for one in credentials
    )
    return len(written_to)


def deliver(*, progressed: Callable[[int], None] | None = None) -> int:
    """Sends every message that is due, as fast as the sending rate allows, and returns how many it dealt with."""
    done = 0
    while (count := _batch()) is not None:
        done += count
        if progressed:
            progressed(count)
    return done


def deliver_batch() -> bool:
    """Sends one batch of what is due; whether there may be more to send now."""
    return _batch() is not None


def due() -> int:
    """How many messages wait to be sent now."""
    return int(waiting_messages().due(timezone.now()).count())


def resend(credential: Credential, *, by: Any = None) -> Delivery:
    """Puts the credential's message into the outbox once more; one that waits there is due at once instead.

    A CannotResend says why there is nothing to send. `by` is who asks for it.
    """
    if reason := why_not(credential):
        raise CannotResend("%(id)s: %(reason)s", id=shown(credential.verification_id), reason=reason)
    with transaction.atomic():
        history.record("mail sent again", credential, by=by)
        Credential.objects.select_for_update().get(pk=credential.pk)
        about_it = credential.deliveries.exclude(purpose=Purpose.REFUSED)
        waiting: Delivery | None = about_it.filter(state=State.PENDING).first()
        if waiting:
            waiting.next_try = timezone.now()
            waiting.save(update_fields=["next_try"])
            return waiting
        corrected, _ = _corrected([credential])
        latest = about_it.order_by("-pk").values_list("purpose", flat=True).first()
        return tell(credential, latest or (Purpose.CORRECTED if corrected else Purpose.ISSUED))


def ask_the_server_now() -> None:
    """What waits for a mail server that was away is due: one of them asks, and the others follow if it is there."""
    _move(waiting_messages().filter(claim=AWAY), next_try=timezone.now())


def given_up(mails: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Those of them that were, and after which no other came about the same: that one counts."""
    same = Delivery.objects.filter(credential=OuterRef("credential"), purpose=OuterRef("purpose"))
    return mails.filter(~Exists(same.filter(pk__gt=OuterRef("pk"))), state=State.FAILED)


def try_again(mails: QuerySet[Delivery]) -> dict[int, int]:
    """Those of them that were given up are due again; the credential of each, by its key. In a transaction."""
    found = dict(given_up(mails).select_for_update().order_by("pk").values_list("pk", "credential_id"))
    Delivery.objects.filter(pk__in=list(found)).update(state=State.PENDING, **work.anew())
    return found


def tell(credential: Credential, purpose: str) -> Delivery:
    """Puts a further message of that purpose into the outbox; within a transaction."""
    before = credential.deliveries.filter(purpose=purpose).aggregate(last=Max("sequence"))["last"]
    return Delivery.objects.create(
        credential=credential, purpose=purpose, sequence=(before or 0) + 1, next_try=timezone.now()
    )


def waiting_messages() -> work.Waiting:
    """Those to be sent, now or later, by whoever."""
    return Delivery.objects.filter(state=State.PENDING)


def _corrected(credentials: Iterable[Credential]) -> tuple[set[int], set[int]]:
    """Which of them correct what their learners know of; and which replace what somebody was to be told of.

    Who has not been told of that yet, is told of these. A query for each step back along what they replace. The mail
    about one that was available is pruned after a while: then that had been dealt with.
    """
    heirs: dict[int, int] = {one.supersedes_id: one.pk for one in credentials if one.supersedes_id}
    mails = Delivery.objects.filter(credential=OuterRef("pk"))
    about_it = mails.exclude(purpose=Purpose.REFUSED)
    replaced = Credential.objects.annotate(told=Exists(mails.filter(TOLD)), kept=Exists(about_it))
    corrected: set[int] = set()
    owed: set[int] = set()
    while heirs:
        rows = replaced.filter(pk__in=list(heirs)).values_list("pk", "supersedes", "state", "notify", "told", "kept")
        further: dict[int, int] = {}
        for pk, before, state, notify, known, kept in rows:
            if known or (state == Credential.State.AVAILABLE and not kept):
                corrected.add(heirs[pk])
                continue
            if notify:
                owed.add(heirs[pk])
            if before:
                further[before] = heirs[pk]
        heirs = further
    return corrected, owed


def _batch() -> int | None:
    """Claims and sends a batch; how many there were, None when nothing is to be sent now."""
    if standstill.standing():
        return None
    token = lease.new_token()
    claimed = persistently(partial(_claim, token))
    if claimed is None:
        return None
    batch = persistently(lambda: list(claimed.select_related("credential__learner", "credential__edition")))
    with Lease(partial(work.renew, Delivery.objects, token)), Post() as post:
        try:
            others = _ask_the_source(batch)
        except Exception as error:  # other people's code and other people's servers
            _put_all_off(batch, token, error)
            return None
        answered = False
        for position, row in enumerate(batch):
            try:
                answered |= _deal_with(row, token, post, others)
            except (Unreachable, standstill.Paused) as error:
                _stop(batch, position, token, error)
                return None
    if len(batch) == 1:  # it may have asked for others
        _tell_the_others(batch[0], answered=answered)
    states = Counter(row.state for row in batch)
    about: dict[str, Any] = {state.value: states[state] for state in State}
    journal.event(logger, "mails dealt with", **about, **journal.concerned(row.credential for row in batch))
    return len(batch)


def _claim(token: str) -> work.Waiting:
    """Claims a batch, as many as the sending rate allows in this minute of the clock, counted over the whole site."""
    rate = current().mails_per_minute
    if not rate:
        return _next(token, BATCH)
    with transaction.atomic():
        # Two who counted first and claimed then would both see room. A row that is always there is the lock.
        list(ContentType.objects.select_for_update().filter(app_label="conferral", model="delivery"))
        now = timezone.now()
        minute = now.replace(second=0, microsecond=0)
        # In this order: a message that is sent meanwhile is counted twice. The other way round it would not be at all.
        under_way = waiting_messages().filter(claimed_until__gt=now).count()
        # With an end: what was sent before the clock was set back is not of this minute.
        sent = Delivery.objects.filter(sent__gte=minute, sent__lt=minute + timedelta(minutes=1)).count()
        at_most = min(BATCH, rate - sent - under_way)
        return _next(token, at_most) if at_most > 0 else None


def _next(token: str, at_most: int) -> work.Waiting:
    """Claims what has been due longest. While messages wait for a server that is away, one of them asks for all.

    It is the one that has asked before. What is due besides joins the others: a server that does not answer at all
    would hold each worker for a minute.
    """
    away = waiting_messages().filter(claim=AWAY)
    asks = _first(away)
    if asks is None:
        return work.claim(waiting_messages(), token, at_most)
    now = timezone.now()
    then = max(asks.next_try, now) + timedelta(seconds=ASKING)
    _move(waiting_messages().due(now).exclude(pk=asks.pk), next_try=then, claim=AWAY, last_error=asks.last_error)
    return work.claim(waiting_messages().filter(pk=asks.pk), token, 1)


def _tell_the_others(row: Delivery, *, answered: bool) -> None:
    """What waits for a mail server is due again as soon as it answers, whatever it says of that one message.

    When the one that should have asked was not sent for reasons of its own, the next one asks at once.
    """
    away, now = waiting_messages().filter(claim=AWAY), timezone.now()
    if answered:
        _move(away, next_try=now, claim="")
    elif row.state != State.PENDING and (following := _first(away)):
        _move(away.filter(pk=following.pk), next_try=now)


def _first(away: work.Waiting) -> Any:
    return persistently(lambda: away.order_by("next_try", "-attempts", "pk").first())


def _ask_the_source(batch: Sequence[Delivery]) -> dict[int, tuple[str, str]]:
    """Brings the learners' records up to date; what becomes of the mails of others, and why, by the learner's id.

    Those are whom the source does not know any more, and of whom it tells what cannot be kept.

    An address may have changed, and who has asked to be removed is not written to: the source is the first to know.
    """
    ours = [row.credential.learner for row in batch if row.credential.learner.gateway == current().lms]
    asked = {learner.key: learner.pk for learner in ours if not learner.retired}
    with limited(current().page_seconds, "reading addresses"):
        people = plugins.gateway().people(list(asked)) if asked else ()
    known, wrong = told(people), objections(people)
    recorded = {learner.pk for learner in Learner.objects.record(current().lms, known)[0].values()}
    others = {pk: key for key, pk in asked.items() if key not in known and pk not in recorded}
    return {pk: (State.FAILED, wrong[key]) if key in wrong else (State.SKIPPED, UNKNOWN) for pk, key in others.items()}


def _put_all_off(batch: Sequence[Delivery], token: str, error: Exception) -> None:
    """The source does not tell where they are to go. It counts as a try: so it comes to an end, and is seen."""
    if not isinstance(error, ConferralError):
        journal.breakdown(logger, "the source raised", error, **journal.concerned(row.credential for row in batch))
    said = str(error) if isinstance(error, ConferralError) else repr(error)
    delay = error.delay if isinstance(error, TransientError) else None
    for row in batch:
        row.attempts += 1
        _put_off(row, TransientError("the learners' addresses could not be read: %(error)s", error=said, delay=delay))
        _record(row, token)


def _deal_with(row: Delivery, token: str, post: Post, others: Mapping[int, tuple[str, str]]) -> bool:
    """Sends one message, or records why not; whether the mail server answered. Unreachable and Paused are for all."""
    standstill.check()
    # Counted before it is sent: a message that stops its worker each time comes to an end.
    ours = Delivery.objects.filter(pk=row.pk, claim=token)
    if not persistently(lambda: ours.update(attempts=F("attempts") + 1, claimed_until=lease.until())):
        return False  # the lease was lost, somebody else sends it
    row.attempts += 1
    answered, edition = False, row.credential.edition
    row.credential = Credential.objects.select_related("learner").get(pk=row.credential_id)  # as it is by now
    row.credential.edition = edition
    reason = why_not(row.credential, row.purpose)
    if ended := (State.SKIPPED, reason) if reason else others.get(row.credential.learner_id):
        row.next_try, (row.state, row.last_error) = None, ended
    elif row.attempts > current().attempts:
        row.state, row.next_try = State.FAILED, None
        row.last_error = f"given up: the worker stopped {row.attempts - 1} times while sending it"
    else:
        learner = row.credential.learner
        with journal.hiding(row.credential.recipient_name, learner.name, learner.key, learner.email):
            answered = _send(row, post)
    _record(row, token)
    return answered


def _send(row: Delivery, post: Post) -> bool:
    """Sends it, and notes on the row what became of it; whether the mail server answered."""
    letter = None
    try:
        with limited(LETTER_SECONDS, "handing the message to the mail server"):
            letter = letter_of(row)
            post.send(letter)
    except Unreachable:
        raise
    except (PerhapsSent, TookTooLong) as error:
        _put_off(row, error, most=UNCERTAIN_TRIES)
        return False
    except TransientError as error:
        _put_off(row, error)
    except ConferralError as error:
        row.state, row.next_try, row.last_error = State.FAILED, None, storable(str(error))
        _tell(row, "a mail has failed", error)
    except Exception as error:  # a wording or template that breaks is that message's failure, never the batch's
        about = {"delivery": row.pk, "credential": row.credential_id, "run": row.credential.run_id}
        journal.failure(logger, "a message could not be written", error, **about)
        row.state, row.next_try, row.last_error = State.FAILED, None, f"the message could not be written: {error!r}"
    else:
        row.state, row.next_try, row.last_error, row.sent = State.SENT, None, "", timezone.now()
    return letter is not None


def _stop(batch: Sequence[Delivery], position: int, token: str, error: ConferralError) -> None:
    """Nothing goes out at present: what is left of the batch goes back as it was, or waits for the server."""
    if isinstance(error, Unreachable):
        _wait_for_the_server(batch[position], token, error)
    else:
        for row in batch[position:]:
            _record(row, token)
    journal.event(logger, f"mails wait: {journal.discreet(str(error))}", level=logging.WARNING)


def _wait_for_the_server(row: Delivery, token: str, error: Unreachable) -> None:
    """The one that was tried waits, with growing pauses, and as long those behind it, which were not.

    When the server is away, so does all else that is due, and a little longer: whoever else would ask it finds nothing
    to do. One that has closed the connection, after so many or at the sight of that recipient, takes others by another.
    """
    away = isinstance(error, Away)
    _put_off(row, error)
    _record(row, token, claim=AWAY if away and row.next_try else "")
    now = timezone.now()
    then = row.next_try or now + work.pause(row.attempts)
    said = {"last_error": storable(str(error)), "claim": AWAY if away else "", "next_try": then}
    ours = waiting_messages().filter(claim=token)
    if not away:
        _move(ours, **said)
        return
    said["next_try"] = then = then + timedelta(seconds=ASKING)
    others = waiting_messages().exclude(pk=row.pk)
    _move(ours | others.filter(claim=AWAY, next_try__lt=then), **said)
    _move(others.due(now), **said)


def _move(rows: work.Waiting, **said: Any) -> None:
    """All of them in one statement, however many there are; none that somebody has claimed meanwhile."""
    persistently(lambda: rows.update(**said, claimed_until=None))


def _put_off(row: Delivery, error: ConferralError, most: int | None = None) -> None:
    if (most is not None and row.attempts >= most) or not work.put_off(row, error, str(error)):
        row.state, row.next_try = State.FAILED, None
        row.last_error = storable(f"given up after {row.attempts} tries: {error}")
    _tell(row, "a mail waits" if row.state == State.PENDING else "a mail has failed", error)


def _tell(row: Delivery, what: str, error: Exception) -> None:
    """Why is on the row: it may have an address in it."""
    ids = {"delivery": row.pk, "credential": row.credential_id, "run": row.credential.run_id}
    journal.event(logger, what, level=logging.WARNING, **ids, attempts=row.attempts, why=type(error).__name__)


def _record(row: Delivery, token: str, *, claim: str = "") -> None:
    fields = ("state", "attempts", "next_try", "last_error", "sent")
    said = {name: getattr(row, name) for name in fields} | {"claim": claim, "claimed_until": None}
    if row.state in (State.SENT, State.SKIPPED):
        said["ended"] = timezone.now()
    # What was sent and is not marked as sent is sent again: it is tried for as long as nobody else has the row.
    ours = Delivery.objects.filter(pk=row.pk, claim=token)
    persistently(lambda: ours.update(**said), patience=current().lease_seconds)
