"""Removing: the one way to delete what is configured. What others need, or what was issued with it, stays.

History keeps who removed what.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from django.db import models, transaction
from django.db.models import ProtectedError

from conferral import assets, schedules
from conferral.contract import ConferralError, Kind, Phrase
from conferral.contract.options import assets_in
from conferral.issuance import history, plan
from conferral.issuance.configure import find_type
from conferral.issuance.run import close_lost_runs
from conferral.models import (
    Context,
    Credential,
    CredentialAsset,
    CredentialConfiguration,
    CredentialType,
    Edition,
    EditionAsset,
    Issuer,
    Reissue,
    RosterEntry,
    Run,
)

DELETED = "deleted"
ISSUER, TYPE = Phrase("the issuer %(name)s"), Phrase("the type %(name)s")
CONFIGURATION = Phrase("the configuration %(name)s")


class InUse(ConferralError):
    """Something that others need cannot be deleted."""


@dataclass(frozen=True, slots=True)
class Users:
    """What uses an asset now; of the configurations those that change their type's designs."""

    issuers: tuple[Issuer, ...] = ()
    types: tuple[CredentialType, ...] = ()
    configurations: tuple[CredentialConfiguration, ...] = ()

    def within(self, keys: Collection[str] | None) -> Self:
        """Those of which somebody is told who sees those contexts alone; None for all.

        Types are everybody's to look at. Issuers are of no context: they are for whoever sees all.
        """
        if keys is None:
            return self
        configurations = tuple(one for one in self.configurations if one.context_key in keys)
        return replace(self, issuers=(), configurations=configurations)

    def named(self) -> list[str]:
        """In words."""
        return [
            *(ISSUER % {"name": repr(one.slug)} for one in self.issuers),
            *(TYPE % {"name": repr(one.name)} for one in self.types),
            *(CONFIGURATION % {"name": one} for one in self.configurations),
        ]


def delete_type(name: str, by: Any = None) -> None:
    """A type that nothing uses; one that has configurations or has issued stays."""
    credential_type = find_type(name)
    used = credential_type.configurations.count()
    if used:
        raise InUse("type %(name)r: is used by %(used)s configurations; delete those first", name=name, used=used)
    try:
        with transaction.atomic():
            _delete_unused_editions(type=credential_type)
            _delete(credential_type, by)
    except ProtectedError:
        raise InUse(
            "type %(name)r: credentials were issued with it; it has to stay as their record", name=name
        ) from None


def delete_configuration(context_key: str, type_name: str, by: Any = None) -> None:
    """A configuration that has issued nothing, with the history of its runs."""
    found = CredentialConfiguration.objects.filter(context_key=context_key, type=find_type(type_name)).first()
    name = f"configuration {context_key} · {type_name}"
    if found is None:
        raise ConferralError("%(name)s: there is none", name=name)
    close_lost_runs()
    with transaction.atomic():
        issued = Credential.objects.filter(configuration=found).exclude(state=Credential.State.HELD).count()
        if issued:
            raise InUse(
                "%(name)s: has issued %(issued)s credentials; switch it off instead (enabled: false)",
                name=name,
                issued=issued,
            )
        if held := found.runs.filter(status=Run.Status.HELD).count():
            raise InUse("%(name)s: %(held)s runs of it are held; refuse them first", name=name, held=held)
        if found.runs.filter(active=True).exists():
            raise InUse("%(name)s: is running; wait until the run has ended", name=name)
        found.reissues.all().delete()
        found.runs.all().delete()
        schedules.remove(found)
        _delete(found, by)


def delete_asset(slug: str, by: Any = None) -> None:
    """An asset with all its versions, when no type, configuration, issuer or issued credential uses it."""
    versions = CredentialAsset.objects.filter(slug=slug)
    if not versions.exists():
        raise ConferralError("asset %(slug)r: there is none", slug=slug)
    if users := users_of(slug).named():
        raise InUse("asset %(slug)r: is used by %(names)s; change those first", slug=slug, names=", ".join(users))
    with transaction.atomic():
        _delete_unused_editions(assets__asset__slug=slug)
        if EditionAsset.objects.filter(asset__in=versions).exists():
            raise InUse(
                "asset %(slug)r: credentials were issued with it; it has to stay for making them again", slug=slug
            )
        history.record_of(
            [(CredentialAsset, pk) for pk in versions.values_list("pk", flat=True)], DELETED, by=by, name=slug
        )
        assets.remove(slug)


def delete_context(key: str, by: Any = None) -> None:
    """A declared context that no configuration and no pathway uses, with its roster."""
    context = Context.objects.filter(key=key).first()
    if context is None:
        raise ConferralError("context %(key)r: there is none", key=key)
    if CredentialConfiguration.objects.filter(context_key=key).exists():
        raise InUse("context %(key)r: has configurations; delete those first", key=key)
    pathways = [other.key for other in Context.objects.filter(kind=Kind.PATHWAY) if key in other.steps]
    if pathways:
        raise InUse("context %(key)r: is a step of %(names)s", key=key, names=", ".join(pathways))
    with transaction.atomic():
        RosterEntry.objects.filter(context=context).delete()
        _delete(context, by)


def delete_issuer(slug: str, by: Any = None) -> None:
    """An issuer; what was issued keeps its name."""
    issuer = Issuer.objects.filter(slug=slug).first()
    if issuer is None:
        raise ConferralError("issuer %(slug)r: there is none", slug=slug)
    with transaction.atomic():
        _delete(issuer, by)


def users_of(slug: str) -> Users:
    """What uses that asset; three queries."""
    overriding = CredentialConfiguration.objects.exclude(generators={}).select_related("type")
    return Users(
        issuers=tuple(Issuer.objects.filter(logo=slug).order_by("slug")),
        types=tuple(one for one in CredentialType.objects.order_by("name") if slug in _assets_of(one)),
        configurations=tuple(
            one
            for one in overriding.order_by("context_key", "type__name")
            if slug in _assets_of(one.type, one.generators)
        ),
    )


def _assets_of(credential_type: CredentialType, overrides: Mapping[str, Any] | None = None) -> Collection[str]:
    """The slugs that the slots name; every text in them, when a plugin that could tell is missing."""
    try:
        slots = plan.resolve_slots(credential_type, overrides)
        return {reference for slot in slots for reference in assets_in(slot.options)}
    except ConferralError:
        return plan.texts(plan.merge(credential_type.generators, overrides or {}))


def _delete(one: models.Model, by: Any) -> None:
    history.record(DELETED, one, by=by, name=str(one))
    one.delete()


def _delete_unused_editions(**made_with: Any) -> None:
    """A run that failed leaves its edition; it is the record of nothing."""
    wanted = Reissue.objects.exclude(edition=None).values("edition")
    unused = Edition.objects.filter(credentials=None, artifacts=None, **made_with).exclude(pk__in=wanted)
    keys = list(unused.values_list("pk", flat=True))
    EditionAsset.objects.filter(edition__in=keys).delete()
    Edition.objects.filter(pk__in=keys).delete()
