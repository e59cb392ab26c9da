"""Pruning: records that tell nothing any more after a while are removed, a page at a time."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from conferral.issuance import history
from conferral.models import Act, Credential, Delivery, Run
from conferral.settings import current


def prune(now: datetime) -> dict[str, int]:
    """Removes what ended longer ago than the setting says; how many runs and mails that were.

    A run to which credentials point stays, and so does the latest of each configuration.
    """
    if not current().keep_days:
        return {"runs": 0, "mails": 0}
    before = now - timedelta(days=current().keep_days)
    return {"runs": _runs(before), "mails": _mails(before)}


def _runs(before: datetime) -> int:
    issued = Exists(Credential.objects.filter(run=OuterRef("pk")))
    old = Run.objects.filter(ended__lt=before, active=None).exclude(issued)
    latest = set(
        Run.objects.values("configuration").annotate(latest=Max("pk")).order_by().values_list("latest", flat=True)
    )
    removed = last = 0
    while page := _page(old.filter(pk__gt=last)):
        last = page[-1]
        gone = [pk for pk in page if pk not in latest]
        with transaction.atomic():
            Act.objects.filter(kind=history.kind(Run), object_id__in=gone).delete()
            removed += Run.objects.filter(pk__in=gone).delete()[1].get("conferral.Run", 0)
    return removed


def _mails(before: datetime) -> int:
    removed = 0
    old = Delivery.objects.filter(ended__lt=before)
    while page := _page(old):
        removed += Delivery.objects.filter(pk__in=page).delete()[0]
    return removed


def _page(rows: QuerySet[Any]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[: current().page_size])
