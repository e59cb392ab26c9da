"""Configuring: the one way to save a type, a configuration, an issuer or a declared context.

Each is validated whole before it is written; what is the same already is left alone.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parseaddr
from typing import Any, TypeVar
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models, transaction
from django.utils import timezone

from conferral import assets, plugins, schedules
from conferral.colours import is_colour
from conferral.contract import (
    ConferralError,
    GenerationRequest,
    Kind,
    OptionsError,
    Phrase,
    TransientError,
    check_key,
)
from conferral.contract.context import is_pathway_key
from conferral.contract.placeholders import check_locale
from conferral.issuance import guards, history, opening, plan, preview
from conferral.issuance.limit import TookTooLong
from conferral.issuance.source import describing, keep_name
from conferral.models import (
    Context,
    CredentialAsset,
    CredentialConfiguration,
    CredentialType,
    Issuer,
)

M = TypeVar("M", bound=models.Model)
TOLD = ("enabled", "schedule", "time_zone", "opening", "guards")
"""What history tells the values of; of the rest it says that it changed: options of a rule may name learners."""


@dataclass(frozen=True, slots=True)
class Change:
    """What saving made: `differences` has the old and the new value of each field that changed.

    `remarks` are what a person should know of what is saved, though nothing is wrong with it.
    """

    kind: str
    name: str
    action: str
    differences: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def save_asset(  # noqa: PLR0913 - what an upload says, and who uploads
    slug: str, filename: str, content: bytes, description: str = "", *, active: bool = True, by: Any = None
) -> Change:
    """Uploads a new version when the content is new; credentials issued before keep theirs.

    With `active` off it waits, to be looked at and activated: see `versions`. `by` is who uploads it.
    """
    before = CredentialAsset.objects.filter(slug=slug, current=True).first()
    asset, is_new = assets.upload(slug, filename, content, description, active=active)
    if is_new:
        history.record("uploaded", asset, by=by, version=asset.version, active=bool(asset.current))
        versions = (before.version if before else None, asset.version)
        return Change("asset", slug, "change" if before else "create", {"version": versions} if before else {})
    if asset.description == description:
        return Change("asset", slug, "keep")
    CredentialAsset.objects.filter(pk=asset.pk).update(description=description)
    return Change("asset", slug, "change", {"description": (asset.description, description)})


def save_issuer(slug: str, *, by: Any = None, **values: Any) -> Change:
    """An issuer; its logo has to be a picture among the assets. `by` is who saves it."""
    _check_logo(values.get("logo", ""))
    _check_sender(values.get("sender", ""))
    _check_colours(values.get("colours", {}))
    other = Issuer.objects.filter(organisation=values.get("organisation", "")).exclude(slug=slug).first()
    if other:
        whose = f"of the organisation {other.organisation!r}" if other.organisation else "without an organisation"
        raise OptionsError(
            "%(slug)r is the issuer %(whose)s already; give one of them another",
            where="organisation",
            slug=other.slug,
            whose=whose,
        )
    return _save_and_remember(Issuer, {"slug": slug}, values, "issuer", slug, by=by)


def save_context(key: str, *, by: Any = None, **values: Any) -> Change:
    """A context of the roster gateway; the steps of a pathway have to be declared before it. `by` is who saves it."""
    check_key(key)
    check_locale("language", values.get("language", ""))
    steps = values.get("steps", [])
    if len(set(steps)) < len(steps):
        raise OptionsError("a course is there twice in %(key)s; name each once", where="steps", key=key)
    if bool(steps) != is_pathway_key(key):
        raise OptionsError(
            "a pathway (path-v1:…) has steps, a course has none; %(key)s has %(count)s",
            where="steps",
            key=key,
            count=len(steps),
        )
    values["kind"] = Kind.PATHWAY.value if steps else values.get("kind") or Kind.COURSE.value
    for step in steps:
        if not Context.objects.filter(key=step).exclude(kind=Kind.PATHWAY).exists():
            raise OptionsError(
                "%(step)r is not a declared course; declare it before the pathway", where="steps", step=step
            )
    return _save_and_remember(Context, {"key": key}, values, "context", key, by=by)


def save_type(name: str, *, by: Any = None, **values: Any) -> Change:
    """A credential type: its plugins, options and assets have to be there, and a sample has to come out right.

    `by` is who saves it.
    """
    check_locale("locale", values.get("locale", ""))
    candidate = CredentialType(name=name, **values)
    rule = plan.resolve_rule(candidate)
    plan.resolve_audience(candidate)
    plan.resolve_publication(candidate)
    for kind in candidate.kinds:
        if kind not in rule.processor.kinds:
            raise OptionsError(
                "%(kind)r is not for the processor %(processor)r",
                where="kinds",
                kind=kind,
                processor=candidate.processor,
            )
    _try_out(plan.resolve_slots(candidate), candidate, preview.request_without_context(candidate, rule))
    return _save_and_remember(CredentialType, {"name": name}, values, "type", name, by=by)


def save_configuration(context_key: str, type_name: str, *, by: Any = None, **values: Any) -> Change:
    """A type in a context: merged with the type's options, it has to be able to run. `by` is who saves it."""
    check_key(context_key)
    _check_time_zone(values.get("time_zone", "UTC"))
    schedules.check(values.get("schedule", {}), values.get("time_zone", "UTC"))
    credential_type = find_type(type_name)
    candidate = CredentialConfiguration(context_key=context_key, type=credential_type, **values)
    guards.of(candidate)
    opening.of(candidate)
    context = _try_out_plan(candidate).context
    lookup = {"context_key": context_key, "type": credential_type}
    _check_still_to_come(values.get("schedule", {}), CredentialConfiguration.objects.filter(**lookup).first())
    with transaction.atomic():
        change = _save(CredentialConfiguration, lookup, values, "configuration", f"{context_key} · {type_name}")
        saved = CredentialConfiguration.objects.select_for_update().get(**lookup)  # as whoever takes its turn left it
        changed = change.action == "create" or bool(change.differences.keys() & {"schedule", "time_zone"})
        dates = opening.dates_of(opening.of(saved), context)
        opening.take(saved, dates, timezone.now(), changed=changed)
        keep_name(saved, context)
        _remember(change, saved, by)
    closed = (opening.state_of(saved, timezone.now()).why,) if saved.closed else ()
    return replace(change, remarks=(*dates.remarks, *closed))


def check_users(types: Collection[str], contexts: Collection[str], slugs: Collection[str]) -> None:
    """Every enabled configuration that uses one of those types, contexts or assets can run with it as it is now.

    And every issuer can show it. Else a ConferralError names the one that cannot.
    """
    for logo in Issuer.objects.filter(logo__in=slugs).values_list("logo", flat=True):
        _check_logo(logo)
    for configuration in CredentialConfiguration.objects.filter(enabled=True, archived=None).select_related("type"):
        named = plan.texts(plan.merge(configuration.type.generators, configuration.generators))
        concerned = configuration.type.name in types or bool(named & set(slugs))
        if not concerned and not (contexts and _parts_of(configuration) & set(contexts)):
            continue
        try:
            _try_out_plan(configuration)
        except TransientError:
            raise  # it says nothing against the configuration
        except ConferralError as error:
            raise ConferralError(
                "configuration %(configuration)s: %(error)s", configuration=configuration, error=error
            ) from None


def _check_logo(slug: str) -> None:
    try:
        if slug:
            assets.find(slug, CredentialAsset.Kind.IMAGE)
    except assets.AssetError as error:
        raise OptionsError("%(error)s", where="logo", error=error) from None


def rename_type(old: str, new: str, *, by: Any = None) -> None:
    """Gives a type another name; what was issued keeps the one that it was issued with."""
    credential_type = find_type(old)
    if not new.strip():
        raise OptionsError("is empty; write the name as it is to be printed", where="name")
    if CredentialType.objects.filter(name=new).exists():
        raise OptionsError("%(name)r is there already; choose another", where="name", name=new)
    credential_type.name = new
    with transaction.atomic():
        _clean(CredentialType, {"name": new, "processor": credential_type.processor})
        credential_type.save(update_fields=["name"])
        history.record("renamed", credential_type, by=by, name=[old, new])
        for configuration in credential_type.configurations.select_for_update().order_by("pk"):
            schedules.keep(configuration, timezone.now(), changed=False)


def save_teachers(context: Context, users: Collection[Any], by: Any = None) -> None:
    """Those users, and no others, look after the context's credentials."""
    before = set(context.teachers.all())
    added, removed = (sorted(map(str, some)) for some in (set(users) - before, before - set(users)))
    if added or removed:
        context.teachers.set(users)
        history.record("taught by others", context, by=by, added=added, removed=removed)


def find_type(name: str) -> CredentialType:
    """The type of that name; a ConferralError lists those there are."""
    found = CredentialType.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(repr(one) for one in CredentialType.objects.order_by("name").values_list("name", flat=True))
        raise ConferralError(
            "%(name)r is not known; known: %(known)s", where="type", name=name, known=known or Phrase("none")
        )
    return found


def forget_person(username: str, email: str, replacement: str) -> None:
    """Puts the replacement where lists in rules' options name the person; a list stays as long as it was."""
    for row, options in rules_naming(username, email, replacement):
        type(row)._default_manager.filter(pk=row.pk).update(**options)  # noqa: SLF001 - Django documents this name


def rules_naming(
    username: str, email: str, replacement: str = ""
) -> Iterator[tuple[CredentialType | CredentialConfiguration, dict[str, Any]]]:
    """The types and configurations whose options name the person in a list, with those options as replaced.

    A username is compared as it is, an address without regard to case: as rules compare them.
    """

    def is_theirs(text: str) -> bool:
        return text == username or (bool(email) and text.casefold() == email.casefold())

    rows: list[CredentialType | CredentialConfiguration] = [
        *CredentialType.objects.order_by("pk"),
        *CredentialConfiguration.objects.select_related("type").order_by("pk"),
    ]
    for row in rows:
        options = {name: getattr(row, name, {}) for name in ("processor_options", "step_options")}
        replaced = {name: _replaced(value, is_theirs, replacement) for name, value in options.items()}
        if differing := {name: value for name, value in replaced.items() if value != options[name]}:
            yield row, differing


def _replaced(value: Any, is_theirs: Callable[[str], bool], replacement: str) -> Any:
    match value:
        case dict():
            return {key: _replaced(item, is_theirs, replacement) for key, item in value.items()}
        case list():
            return [
                replacement if isinstance(item, str) and is_theirs(item) else _replaced(item, is_theirs, replacement)
                for item in value
            ]
        case _:
            return value


def _save(model: type[M], lookup: Mapping[str, Any], values: Mapping[str, Any], kind: str, name: str) -> Change:
    """Creates the row, or updates the fields that differ."""
    _clean(model, {**lookup, **values})
    found = model._default_manager.filter(**lookup).first()  # noqa: SLF001 - Django documents this name
    if found is None:
        model(**lookup, **values).save(force_insert=True)
        return Change(kind, name, "create")
    differences = {
        key: (getattr(found, key), value)
        for key, value in values.items()
        if _plain(getattr(found, key)) != _plain(value)
    }
    if not differences:
        return Change(kind, name, "keep")
    for key, (_, value) in differences.items():
        setattr(found, key, value)
    found.save(update_fields=list(differences))
    return Change(kind, name, "change", differences)


def _save_and_remember(  # noqa: PLR0913 - what `_save` takes, and who saves
    model: type[M], lookup: Mapping[str, Any], values: Mapping[str, Any], kind: str, name: str, *, by: Any
) -> Change:
    with transaction.atomic():
        change = _save(model, lookup, values, kind, name)
        if change.action != "keep":
            _remember(change, model._default_manager.get(**lookup), by)  # noqa: SLF001 - Django documents this name
    return change


def _remember(change: Change, saved: models.Model, by: Any) -> None:
    """Writes into its history what was changed, and from what."""
    if change.action == "keep":
        return
    changed = {name: list(values) if name in TOLD else [] for name, values in change.differences.items()}
    history.record("created" if change.action == "create" else "changed", saved, by=by, changed=changed)


def _clean(model: type[M], values: Mapping[str, Any]) -> None:
    try:
        model(**values).clean_fields()
    except ValidationError as error:
        wrong, messages = next(iter(error.message_dict.items()))
        raise OptionsError(
            "%(value)r is not accepted: %(why)s", where=wrong, value=values.get(wrong), why=messages[0]
        ) from None


def _plain(value: Any) -> Any:
    """A value as JSON stores it, so that what was written and what is read compare equal."""
    return json.loads(json.dumps(value)) if isinstance(value, dict | list) else value


def _check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise OptionsError("%(name)r is not known; write a name like Europe/Paris or UTC", where="time_zone", name=name)


def _check_still_to_come(schedule: Mapping[str, str], stored: CredentialConfiguration | None) -> None:
    """A new `at` lies ahead; one that was given before may have passed."""
    if "at" not in schedule or (stored and stored.schedule == dict(schedule)):
        return
    if datetime.fromisoformat(schedule["at"]) <= timezone.now():
        raise OptionsError(
            "%(instant)s has passed; write an instant that is still to come",
            where="schedule.at",
            instant=schedule["at"],
        )


def _check_sender(sender: str) -> None:
    if not sender:
        return
    try:
        validate_email(parseaddr(sender)[1])
    except ValidationError:
        raise OptionsError(
            "%(sender)r is not accepted; write an address, like Demo University <awards@demo.example>",
            where="sender",
            sender=sender,
        ) from None


def _check_colours(given: Mapping[str, str]) -> None:
    for name, colour in given.items():
        if not is_colour(colour):
            raise OptionsError(
                "%(colour)r is not accepted; write a colour like #1b2a4e", where=f"colours.{name}", colour=colour
            )


def _parts_of(configuration: CredentialConfiguration) -> set[str]:
    """Its context, and the steps of that: only the source knows them."""
    with describing():
        context = plugins.gateway().describe(configuration.context_key)
    return {configuration.context_key, *(context.steps if context else ())}


def _try_out_plan(candidate: CredentialConfiguration) -> plan.Plan:
    with describing():
        resolved = plan.resolve(candidate, plugins.gateway())
    for objection in resolved.objections:
        raise OptionsError(f"processor_options.{objection}")
    _try_out(resolved.slots, candidate.type, preview.request_in(resolved))
    return resolved


def _try_out(slots: tuple[plan.Slot, ...], credential_type: CredentialType, sample: GenerationRequest) -> None:
    """Makes a sample of every slot and of the mail's words.

    So a wrong placeholder, font or template is refused now and not at night.
    """
    versions = plan.resolve_assets(slots)
    for slot in slots:
        try:
            preview.Drafts.of(slot, versions).make(sample)
        except ConferralError as error:
            if isinstance(error, TransientError) and not isinstance(error, TookTooLong):
                raise  # the storage is away, which says nothing against the options
            raise OptionsError("%(error)s", where=f"generators.{slot.name}.options", error=error) from None
    preview.try_words(credential_type.wording, sample)
