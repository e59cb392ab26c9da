"""Figures of the pipeline for Prometheus, read from the database: it is the queue, so it knows, whoever works.

They are gauges of what there is now, not counters of one process; a handful of aggregates at each reading.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, Q, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily as Gauge
from prometheus_client.metrics_core import Metric

from conferral import schedules
from conferral.issuance import standstill
from conferral.issuance.deliver import waiting_messages
from conferral.issuance.generate import waiting_artifacts
from conferral.issuance.withdraw import waiting_files
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Delivery, Reissue, Run

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
RECENT, LATELY = timedelta(hours=24), timedelta(hours=1)
COUNTS = ("evaluated", "issued", "failed")


def text() -> bytes:
    """All of them, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures())
    return generate_latest(registry)


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
    recent = Run.objects.filter(started__gte=now - RECENT)
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
    for state, count in model.objects.values_list("state").annotate(Count("pk")).order_by():
        states.add_metric([state], count)
    return states


def _sending(now: datetime) -> Iterator[Metric]:
    """Of an hour alone: so many are looked up one by one. What a person has had sent again is as old as it is."""
    sent = Delivery.objects.filter(sent__gte=now - LATELY, purpose=Delivery.Purpose.ISSUED, sequence=1)
    found = sent.aggregate(count=Count("pk"), took=Sum(F("sent") - F("credential__issued")))
    yield from _durations("conferral_mails_lately_seconds", "mails of the last hour were sent after the issue", found)


def _queues(now: datetime) -> Iterator[Metric]:
    due = Gauge("conferral_queue_due", "Work that waits for a worker now.", labels=["queue"])
    age = Gauge("conferral_queue_age_seconds", "Seconds that the first of it waits.", labels=["queue"])
    asked = {
        "run": (Run.objects.filter(status=Run.Status.ASKED), "started"),
        "reissue": (Reissue.objects.filter(status=Reissue.Status.ASKED), "asked"),
    }
    work = {"generate": waiting_artifacts(), "deliver": waiting_messages(), "withdraw": waiting_files()}
    for queue, (waiting, since) in (asked | {name: (rows.due(now), "next_try") for name, rows in work.items()}).items():
        found = waiting.aggregate(count=Count("pk"), first=Min(since))
        due.add_metric([queue], found["count"])
        age.add_metric([queue], _age(found["first"], now))
    yield due
    yield age


def _durations(name: str, what: str, found: dict[str, Any]) -> Iterator[Metric]:
    """As Prometheus' summaries have them: the one by the other is the mean."""
    yield Gauge(f"{name}_sum", f"Seconds that {what}, together.", value=_seconds(found["took"]))
    yield Gauge(f"{name}_count", "How many they are.", value=found["count"])


def _seconds(duration: timedelta | None) -> float:
    return duration.total_seconds() if duration else 0


def _age(since: datetime | None, now: datetime, never: float = 0) -> float:
    return never if since is None else max((now - since).total_seconds(), 0)
