"""Versions of assets: what uses one, and when another becomes the current one. What was issued keeps its own."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from conferral import assets, journal
from conferral.contract import ConferralError
from conferral.issuance import configure, history, removal
from conferral.models import Credential, CredentialAsset, EditionAsset

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
    """Who uses an asset now, in words; and, by version, how many credentials keep it. `types` are names of types."""

    types: list[str]
    users: list[str]
    kept: Mapping[int, Kept] = field(default_factory=dict)


def usage(slug: str) -> Usage:
    """What uses the asset of that slug: two queries, beside the types and configurations."""
    version_of = dict(EditionAsset.objects.filter(asset__slug=slug).values_list("edition_id", "asset__version"))
    made = Credential.objects.filter(edition__in=list(version_of), current=True).values_list("edition_id", "state")
    counted: dict[int, Counter[str]] = {}
    for edition, state, number in made.annotate(number=Count("pk")).order_by():
        counted.setdefault(version_of[edition], Counter())[state] += number
    kept = {
        version: Kept(states[State.AVAILABLE], states[State.PENDING] + states[State.HELD])
        for version, states in sorted(counted.items())
    }
    return Usage(removal.types_with(slug), removal.users_of(slug), kept)


def activate(slug: str, version: int, *, by: Any, on: datetime | None = None, now: datetime | None = None) -> bool:
    """Makes that version the current one, now or on a date; whether it is now. An earlier version may come back.

    Every enabled configuration that uses it has to be able to run with it: else a ConferralError, and nothing changes.
    """
    now = now or timezone.now()
    with transaction.atomic():
        asset = CredentialAsset.objects.select_for_update().filter(slug=slug, version=version).first()
        if asset is None:
            raise CannotActivate("asset %(slug)r: there is no version %(version)s", slug=slug, version=version)
        if on is not None and on <= now:
            raise CannotActivate(
                "%(on)s UTC has passed; write an instant that is still to come", where="on", on=f"{on:%Y-%m-%d %H:%M}"
            )
        _try(asset, keep=on is None)
        if on is not None:
            CredentialAsset.objects.filter(slug=slug).exclude(activates=None).update(activates=None)
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
        planned.update(activates=None)
        history.record("not to be activated", asset, by=by, version=version, on=str(asset.activates))


def activate_due(now: datetime | None = None) -> int:
    """Activates the versions whose date has come; how many. One that has come to fit no more is told and left."""
    now = now or timezone.now()
    done = 0
    for asset in CredentialAsset.objects.filter(activates__lte=now).order_by("activates", "pk"):
        try:
            with transaction.atomic():
                _try(asset, keep=True)
                history.record("activated", asset, version=asset.version)
                done += 1
        except ConferralError as error:
            journal.event(logger, "an asset was not activated", level=logging.ERROR, asset=asset.pk)
            CredentialAsset.objects.filter(pk=asset.pk).update(activates=None)
            history.record("not activated", asset, reason=str(error), version=asset.version)
    return done


def _try(asset: CredentialAsset, *, keep: bool) -> None:
    """Has every configuration that uses it try it; it stays the current one if it is to be kept."""
    with transaction.atomic():
        assets.activate(asset)
        configure.check_configurations(types=(), contexts=(), slugs={asset.slug})
        if not keep:
            transaction.set_rollback(True)
