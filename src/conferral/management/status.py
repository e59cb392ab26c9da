"""`conferral status`: what runs, waits and failed, and whether somebody is at work."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from rich.console import Console
from rich.markup import escape

from conferral import schedules
from conferral.issuance import deliver, opening, standstill, withdraw
from conferral.management.credentials import tries
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Delivery, Run

HELP = "Says what runs, what waits, what failed, and when beat last ticked."
STALE = 180
"""Seconds without a tick after which beat is taken to be down: it ticks each minute."""


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("--json", action="store_true", help="print an object for machines")


def handle(options: dict[str, Any], console: Console) -> None:
    """Shows it."""
    found = status()
    if options["json"]:
        console.file.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        return
    if found["paused"]:
        console.print(f"[bold red]paused[/] since {found['paused']['since']}  {escape(found['paused']['reason'])}")
    beat = found["beat"]
    tick = "has never ticked" if beat["last_tick"] is None else f"last ticked {_ago(beat['seconds_ago'])}"
    console.print(f"beat {tick}" + ("" if beat["alive"] else "  [yellow]! runs wait for `conferral serve` or cron[/]"))
    console.print(f"\n{len(found['running'])} running")
    for run in found["running"]:
        of = f" of about {run['expected']}" if run["expected"] else ""
        console.print(f"  {escape(run['configuration'])}  since {run['started']}, {run['evaluated']}{of} looked at")
    if found["held"]:
        console.print(f"[yellow]{found['held']} runs are held: `conferral held` shows them[/]")
    if moving := found["withdrawals"]["waiting"]:
        console.print(f"files: {moving} of what was revoked or replaced wait to be moved")
        for reason, count in found["withdrawals"]["reasons"].items():
            console.print(f"  [yellow]! {count} × {escape(reason)}[/]")
    for name, kind in (("certificates", "artifacts"), ("mails", "messages")):
        counts = found[kind]
        late = f", the next try {counts['next_try']}" if counts["next_try"] else ""
        colour = "red" if counts["failed"] else "dim"
        console.print(f"{name}: {counts['waiting']} waiting{late}, [{colour}]{counts['failed']} failed[/]")
        for reason, count in counts["reasons"].items():
            console.print(f"  [yellow]! {count} × {escape(reason)}[/]")
    console.print(f"\n{len(found['configurations'])} configurations enabled")
    for each in found["configurations"]:
        console.print(f"  {escape(each['configuration'])}  [dim]{escape(each['schedule'])}[/]")
        following = each["next_run_at"] or each["closed"] or "none but by hand"
        console.print(f"    next run {following}, last: {escape(each['last_run'] or 'none')}")


def status() -> dict[str, Any]:
    """All of it in plain JSON; instants are in UTC."""
    paused = standstill.standing()
    tick = schedules.last_tick()
    seconds = round((timezone.now() - tick).total_seconds()) if tick else None
    return {
        "paused": {"since": _at(paused.since), "reason": paused.reason} if paused else None,
        "beat": {"last_tick": _at(tick), "seconds_ago": seconds, "alive": seconds is not None and abs(seconds) < STALE},
        "running": [
            {
                "configuration": str(run.configuration),
                "trigger": run.trigger,
                "started": _at(run.started),
                "evaluated": run.evaluated,
                "expected": run.expected,
                "attempts": run.attempts,
            }
            for run in Run.objects.filter(active=True).select_related("configuration__type").order_by("pk")
        ],
        "held": Run.objects.filter(status=Run.Status.HELD).count(),
        "credentials": dict(Credential.objects.values_list("state").annotate(Count("pk")).order_by()),
        "artifacts": _queue(CredentialArtifact.objects.all(), lambda files: files.filter(state="failed")),
        "messages": _queue(Delivery.objects.all(), deliver.given_up),
        "withdrawals": _withdrawals(),
        "configurations": [_configuration(one) for one in _enabled()],
    }


def _queue(rows: QuerySet[Any], lost: Callable[[QuerySet[Any]], QuerySet[Any]]) -> dict[str, Any]:
    """What waits, and what `lost` finds of those that still concern somebody."""
    waiting = rows.filter(state="pending", next_try__isnull=False)
    # What was replaced or revoked, or belonged to somebody who is retired, troubles nobody any more.
    present = {"credential__current": True, "credential__revoked": None, "credential__learner__retired": None}
    ours = rows.filter(**present)
    failed = lost(ours)
    troubled = ours.filter(Q(state="pending") | Q(pk__in=failed.values("pk")))
    reasons = troubled.exclude(last_error="").values_list("last_error")
    return {
        "waiting": waiting.count(),
        "failed": failed.count(),
        "next_try": _at(waiting.aggregate(first=Min("next_try"))["first"]),
        "reasons": dict(reasons.annotate(count=Count("pk")).order_by("-count", "last_error")[:10]),
    }


def _withdrawals() -> dict[str, Any]:
    waiting = withdraw.waiting_files()
    reasons = waiting.exclude(last_error="").values_list("last_error").annotate(count=Count("pk"))
    return {"waiting": waiting.count(), "reasons": dict(reasons.order_by("-count", "last_error")[:10])}


def _enabled() -> list[CredentialConfiguration]:
    return list(
        CredentialConfiguration.objects.filter(enabled=True, archived=None).select_related("type").order_by("pk")
    )


def _configuration(configuration: CredentialConfiguration) -> dict[str, Any]:
    last = configuration.runs.order_by("-pk").first()
    said = ""
    if last:
        again = tries(last) if last.next_try else ""
        error = f": {last.error}" if last.error else ""
        said = f"{last.status}, {last.issued} issued, {_at(last.started)}{again}{error}"
    return {
        "configuration": str(configuration),
        "schedule": schedules.in_words(configuration.schedule, configuration.time_zone),
        "next_run_at": _at(configuration.next_run_at),
        "closed": opening.state_of(configuration, timezone.now()).why if configuration.closed else None,
        "last_run": said,
        "attempts": last.attempts if last else 0,
        "next_try": _at(last.next_try) if last else None,
    }


def _at(instant: datetime | None) -> str | None:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}" if instant else None


def _ago(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} m {rest} s ago" if minutes else f"{rest} s ago"
