"""Figures of the pipeline for Prometheus, read from the database: it is the queue, so it knows, whoever works.

They are gauges of what there is now, not counters of one process; a handful of aggregates at each reading.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, Max, Min, Q, Sum
from django.db.models.functions import Greatest
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily as Gauge
from prometheus_client.metrics_core import Metric

from conferral import schedules
from conferral.issuance import standstill, work
from conferral.issuance.deliver import waiting_messages
from conferral.issuance.generate import waiting_artifacts
from conferral.issuance.withdraw import waiting_files
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Delivery, Reissue, Run

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
RECENT, LATELY = timedelta(hours=24), timedelta(hours=1)
COUNTS = ("evaluated", "issued", "failed")
KEPT, PLACE = 15, "conferral.metrics"
"""Seconds for which what was read is good: with a million credentials it takes the database about one to count them."""


def text() -> bytes:
    """All of them, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures())
    return generate_latest(registry)


def lately() -> bytes:
    """The same, read by nobody else in the last seconds: for an address that anybody may ask often."""
    try:
        found: Any = cache.get_or_set(PLACE, text, KEPT)
    except Exception as error:  # each cache has errors of its own, and no common base
        logger.warning("no figures can be had from the cache: %s", type(error).__name__)
        return text()
    return bytes(found)


class _Figures:
    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield Gauge("conferral_paused", "1 while everything stands still.", value=bool(standstill.standing()))
        tick = schedules.last_tick()
        yield Gauge(
            "conferral_beat_age_seconds", "Seconds since beat last ticked; -1: never.", value=_age(tick, now, never=-1)
        )
        yield from _schedules(now)
        yield from _runs(now)
        yield _by_state("conferral_credentials", "Credentials by state.", Credential)
        yield _by_state("conferral_files", "Files of credentials by state.", CredentialArtifact)
        yield _by_state("conferral_mails", "Mails by state.", Delivery)
        yield from _sending(now)
        yield from _queues(now)


def _schedules(now: datetime) -> Iterator[Metric]:
    due = CredentialConfiguration.objects.filter(enabled=True, archived=None, next_run_at__lte=now)
    found = due.aggregate(count=Count("pk"), first=Min("next_run_at"))
    yield Gauge("conferral_configurations_due", "Configurations whose time has come.", value=found["count"])
    yield Gauge("conferral_configurations_due_seconds", "Since the first was due.", value=_age(found["first"], now))


def _runs(now: datetime) -> Iterator[Metric]:
    yield Gauge("conferral_runs_active", "Issuing runs under way.", value=Run.objects.filter(active=True).count())
    held = Run.objects.filter(status=Run.Status.HELD).count()
    yield Gauge("conferral_runs_held", "Issuing runs that wait for a person to release or refuse them.", value=held)
    # What began since then has not ended before: of the two dates, this one has an index.
    not_before = Q(ended=None) | Q(ended__gte=now - RECENT)
    recent = Run.objects.filter(not_before, started__gte=now - RECENT)
    runs = Gauge("conferral_runs_recent", "Issuing runs of the last 24 hours by status.", labels=["status"])
    for status, count in recent.values_list("status").annotate(Count("pk")).order_by():
        runs.add_metric([status], count)
    yield runs
    took = F("ended") - F("started")
    finished = Q(status=Run.Status.FINISHED)
    found = recent.aggregate(
        longest=Max(took),
        took=Sum(took, filter=finished),
        count=Count("pk", filter=finished),
        **{f"sum_{name}": Sum(name) for name in COUNTS},
    )
    longest = _seconds(found["longest"])
    yield Gauge("conferral_runs_recent_longest_seconds", "The longest run of the last 24 hours.", value=longest)
    yield from _durations("conferral_runs_recent_seconds", "finished runs of the last 24 hours took", found)
    learners = Gauge("conferral_runs_recent_learners", "What those runs made of learners.", labels=["outcome"])
    for name in COUNTS:
        learners.add_metric([name], found[f"sum_{name}"] or 0)
    yield learners


def _by_state(name: str, what: str, model: type[Credential | CredentialArtifact | Delivery]) -> Metric:
    states = Gauge(name, what, labels=["state"])
    # Of rows, not of their keys: those are in no index with the state, and all rows would be read.
    for state, count in model.objects.values_list("state").annotate(count=Count("*")).order_by():
        states.add_metric([state], count)
    return states


def _sending(now: datetime) -> Iterator[Metric]:
    """Of an hour alone: so many are looked up one by one. What a person has had sent again is as old as it is.

    One that takes another's place before anybody was written to has that one's day of issue, and came later.
    """
    sent = Delivery.objects.filter(sent__gte=now - LATELY, purpose=Delivery.Purpose.ISSUED, sequence=1)
    since = Greatest("credential__issued", "credential__recorded")
    found = sent.aggregate(count=Count("pk"), took=Sum(F("sent") - since))
    yield from _durations("conferral_mails_lately_seconds", "mails of the last hour were sent after the issue", found)


def _queues(now: datetime) -> Iterator[Metric]:
    due = Gauge("conferral_queue_due", "Work that waits for a worker now.", labels=["queue"])
    age = Gauge("conferral_queue_age_seconds", "Seconds since the first of it was due at first.", labels=["queue"])
    found = {
        "run": _asked(Run.objects.filter(status=Run.Status.ASKED), "started"),
        "reissue": _asked(Reissue.objects.filter(status=Reissue.Status.ASKED), "asked"),
        "generate": _waiting(waiting_artifacts(), now),
        "deliver": _waiting(waiting_messages(), now),
        "withdraw": _waiting(waiting_files(), now),
    }
    for queue, (count, first) in found.items():
        due.add_metric([queue], count)
        age.add_metric([queue], _age(first, now))
    yield due
    yield age


def _asked(rows: Any, since: str) -> tuple[int, datetime | None]:
    found = rows.aggregate(count=Count("pk"), first=Min(since))
    return found["count"], found["first"]


def _waiting(rows: work.Waiting, now: datetime) -> tuple[int, datetime | None]:
    """How many are due, and since when the first of them has been, those too that were tried and put off.

    Each try moves `next_try`, and counts: so many pauses before it, the row was due at first. Somebody who has a row
    in his hands may have counted the try that he is at; where it is the first, nothing waits.
    """
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    held = Q(claimed_until__gt=now)
    by_tries = rows.exclude(next_try=None).values_list("attempts").order_by()
    found = by_tries.annotate(
        due=Count("pk", filter=free & Q(next_try__lte=now)),
        waits=Min("next_try", filter=free),
        tried=Min("next_try", filter=held),
    )
    firsts = [next_try - _pauses(tries) for tries, _, next_try, _ in found if next_try]
    firsts += [next_try - _pauses(tries - 1) for tries, _, _, next_try in found if next_try and tries > 1]
    return sum(count for _, count, _, _ in found), min(firsts, default=None)


def _pauses(tries: int) -> timedelta:
    """Between the first of so many tries and the next one; where a source asked for other pauses, about that."""
    return sum((work.pause(number) for number in range(1, tries + 1)), timedelta())


def _durations(name: str, what: str, found: dict[str, Any]) -> Iterator[Metric]:
    """As Prometheus' summaries have them: the one by the other is the mean."""
    yield Gauge(f"{name}_sum", f"Seconds that {what}, together.", value=_seconds(found["took"]))
    yield Gauge(f"{name}_count", "How many they are.", value=found["count"])


def _seconds(duration: timedelta | None) -> float:
    return duration.total_seconds() if duration else 0


def _age(since: datetime | None, now: datetime, never: float = 0) -> float:
    return never if since is None else max((now - since).total_seconds(), 0)
