"""Versions of assets: what uses one, and when another becomes the current one. What was issued keeps its own."""

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from conferral import assets, journal
from conferral.contract import ConferralError, TransientError
from conferral.issuance import configure, history, lease, removal
from conferral.issuance.lease import Lease
from conferral.issuance.limit import limited
from conferral.models import Credential, CredentialAsset, CredentialConfiguration, EditionAsset
from conferral.settings import current

logger = logging.getLogger(__name__)

State = Credential.State


class CannotActivate(ConferralError):
    """There is no such version, or its time has passed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How many credentials were made with a version, and how many are being made with it."""

    issued: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What uses an asset now; and, by version, how many credentials keep it."""

    users: removal.Users
    kept: Mapping[int, Kept] = field(default_factory=dict)


def usage(slug: str, within: Collection[str] | None = None) -> Usage:
    """What uses the asset of that slug; the credentials that are counted are those of these contexts, None for all."""
    version_of = dict(EditionAsset.objects.filter(asset__slug=slug).values_list("edition_id", "asset__version"))
    made = Credential.objects.filter(edition__in=list(version_of), current=True)
    if within is not None:
        configured = CredentialConfiguration.objects.filter(context_key__in=within)
        made = made.filter(configuration__in=list(configured.values_list("pk", flat=True)))
    counted: dict[int, Counter[str]] = {}
    for edition, state, number in made.values_list("edition_id", "state").annotate(number=Count("pk")).order_by():
        counted.setdefault(version_of[edition], Counter())[state] += number
    kept = {
        version: Kept(states[State.AVAILABLE], states[State.PENDING] + states[State.HELD])
        for version, states in sorted(counted.items())
    }
    return Usage(removal.users_of(slug), kept)


def activate(slug: str, version: int, *, by: Any, on: datetime | None = None, now: datetime | None = None) -> bool:
    """Makes that version the current one, now or on a date; whether it is now. An earlier version may come back.

    Every enabled configuration that uses it has to be able to run with it, and issuers have to be able to show it: else
    a ConferralError, and nothing changes. One that begins on a date still does when another is activated before; it
    does no more when another is to begin on a date.
    """
    if on is not None and on <= (now or timezone.now()):
        raise CannotActivate(
            "%(on)s UTC has passed; write an instant that is still to come", where="on", on=f"{on:%Y-%m-%d %H:%M}"
        )
    _try(_find(slug, version))
    with transaction.atomic():
        asset = _find(slug, version, among=CredentialAsset.objects.select_for_update())
        if on is None:
            assets.activate(asset)
        else:
            for other in planned_beside(asset).select_for_update():
                _take_back(other, by)
            CredentialAsset.objects.filter(pk=asset.pk).update(activates=on)
        verb = "activated" if on is None else "to be activated"
        history.record(verb, asset, by=by, version=version, on=on.isoformat() if on else None)
    return on is None


def call_off(slug: str, version: int, *, by: Any) -> None:
    """Takes back that a version was to be activated on a date; a CannotActivate when it was not, or is current."""
    with transaction.atomic():
        planned = CredentialAsset.objects.select_for_update().filter(slug=slug, version=version)
        asset = planned.exclude(activates=None).first()
        if asset is None:
            raise CannotActivate(f"asset {slug!r}: version {version} was not to be activated on a date")
        _take_back(asset, by)


def planned_beside(asset: CredentialAsset) -> QuerySet[CredentialAsset]:
    """The other versions of its slug that begin by themselves on a date: one at most, but for people at once."""
    return CredentialAsset.objects.filter(slug=asset.slug).exclude(activates=None).exclude(pk=asset.pk)


def due(now: datetime | None = None) -> list[int]:
    """The versions whose date has come and that nobody is trying, the longest overdue first."""
    found = CredentialAsset.objects.filter(activates__lte=now or timezone.now())
    return list(found.order_by("activates", "pk").values_list("pk", flat=True))


def carry_out(asset_id: int, now: datetime | None = None) -> bool:
    """Activates a version whose date has come; False when it did not.

    While it is tried its date lies ahead, like a lease: nobody else tries it, and it is due again when its worker is
    killed. When somebody cannot be asked the date is put back, and it is tried again; what has come to fit no more is
    told and left.
    """
    asset = CredentialAsset.objects.filter(pk=asset_id, activates__lte=now or timezone.now()).first()
    if asset is None:
        return False
    planned = asset.activates
    if not _move(asset, lease.until()):
        return False  # somebody else was faster
    try:
        with Lease(lambda: _move(asset, lease.until())), limited(current().page_seconds, "trying the new version"):
            _try(asset)
        return _end(asset, "activated")
    except Exception as error:  # other people's code, and other people's servers
        if isinstance(error, ConferralError) and not isinstance(error, TransientError):
            journal.event(logger, "an asset was not activated", level=logging.ERROR, asset=asset.pk)
            _end(asset, "not activated", reason=str(error))
        else:
            journal.breakdown(logger, "an asset could not be tried, and is tried again", error, asset=asset.pk)
            _move(asset, planned)
        return False


def _find(slug: str, version: int, among: QuerySet[CredentialAsset] | None = None) -> CredentialAsset:
    asset = (CredentialAsset.objects if among is None else among).filter(slug=slug, version=version).first()
    if asset is None:
        raise CannotActivate("asset %(slug)r: there is no version %(version)s", slug=slug, version=version)
    return asset


def _take_back(asset: CredentialAsset, by: Any) -> None:
    CredentialAsset.objects.filter(pk=asset.pk).update(activates=None)
    history.record("not to be activated", asset, by=by, version=asset.version, on=str(asset.activates))


def _try(asset: CredentialAsset) -> None:
    """Has everything that uses it try it. No transaction is open here while somebody else is asked."""
    with assets.as_if(asset):
        configure.check_users(types=(), contexts=(), slugs={asset.slug})


def _move(asset: CredentialAsset, date: datetime | None) -> int:
    """Gives it that date; 0 when its date is another one by now: somebody has taken it over, or called it off."""
    moved = CredentialAsset.objects.filter(pk=asset.pk, activates=asset.activates).update(activates=date)
    if moved:
        asset.activates = date
    return moved


@transaction.atomic
def _end(asset: CredentialAsset, verb: str, reason: str = "") -> bool:
    """Its date is over, with that in its history; False when that was no longer for us to say."""
    if not _move(asset, None):
        return False
    if not reason:
        assets.activate(asset)
    history.record(verb, asset, reason=reason, version=asset.version)
    return True
