"""A configuration made ready to run: merged with its type, validated, with its plugins and its context at hand."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from django.conf import settings as django_settings
from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field

from conferral import assets, plugins
from conferral.contract import (
    LMS,
    AssetReference,
    Audience,
    ConferralError,
    Fact,
    Generator,
    Kind,
    LearningContext,
    Need,
    Options,
    OptionsError,
    Phrase,
    Processor,
    Publication,
)
from conferral.contract.options import SLUG_PATTERN, assets_in, parse
from conferral.contract.placeholders import placeholders_in
from conferral.models import CredentialAsset, CredentialConfiguration, CredentialType, Edition, EditionAsset, Issuer

EDITION_SCHEMA = 1
ISSUER_FIELDS = ("slug", "name", "url", "logo", "colours", "linkedin_id", "sender", "reply_to")


SlotName = Annotated[str, Field(pattern=SLUG_PATTERN, max_length=50)]
"""File names begin with it."""


class SlotDeclaration(BaseModel):
    """What a type says of one slot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generator: str = Field(description="Name of the installed generator.")
    required: bool = Field(True, description="Whether the credential is available only when this one is stored.")
    options: dict[str, Any] = Field(default_factory=dict, description="The generator's own options.")


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing that a generator makes for each credential."""

    name: str
    generator_name: str
    generator: Generator[Any]
    required: bool
    options: Options


@dataclass(frozen=True, slots=True)
class Rule:
    """A processor with its options; `step_options` has those of each step of a pathway."""

    name: str
    processor: Processor[Any]
    options: Options
    step_options: Mapping[str, Options]

    def options_for(self, key: str) -> Options:
        """Those of a step, where it has some of its own."""
        return self.step_options.get(key, self.options)

    def needs_in(self, context: LearningContext) -> frozenset[Need]:
        """What the source has to tell about the context, or about any of a pathway's steps."""
        keys = context.steps if context.steps and self.processor.per_step else (context.key,)
        return frozenset[Need]().union(*(self.processor.needs_of(self.options_for(key)) for key in keys))

    def example(self, steps: Iterable[str] = ()) -> tuple[Fact, ...]:
        """Facts of somebody who is eligible, in each of a pathway's steps."""
        if not steps or not self.processor.per_step:
            return tuple(self._example(self.options))
        return tuple(replace(fact, step=step) for step in steps for fact in self._example(self.options_for(step)))

    def _example(self, options: Options) -> Sequence[Fact]:
        with plugins.blamed(plugins.PROCESSORS, self.name):
            return self.processor.example(options)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run needs to know before it looks at learners. `steps` are the contexts of a pathway's courses."""

    configuration: CredentialConfiguration
    context: LearningContext
    steps: Mapping[str, LearningContext]
    rule: Rule
    audience: Audience
    slots: tuple[Slot, ...]
    fields: Mapping[str, Any]
    assets: Mapping[str, CredentialAsset]

    @property
    def by_step(self) -> bool:
        """Whether the rule is asked for each of a pathway's steps."""
        return bool(self.steps) and self.rule.processor.per_step

    @property
    def parts(self) -> Mapping[str, LearningContext]:
        """The contexts that the rule is asked about: a pathway's steps, else the context itself."""
        return self.steps if self.by_step else {self.context.key: self.context}

    @property
    def objections(self) -> tuple[str, ...]:
        """What the rule's options ask for that the courses do not have."""
        with plugins.blamed(plugins.PROCESSORS, self.rule.name):
            return tuple(
                objection
                for key, context in self.parts.items()
                for objection in self.rule.processor.objections(context, self.rule.options_for(key))
            )

    @property
    def locale(self) -> str:
        """The type's, else the context's, else the site's."""
        return self.configuration.type.locale or self.context.language or django_settings.LANGUAGE_CODE


def merge(base: Any, override: Any) -> Any:
    """Mappings merge, everything else replaces, null removes."""
    if not isinstance(override, Mapping):
        return override
    base = base if isinstance(base, Mapping) else {}
    merged = {key: value for key, value in base.items() if key not in override}
    merged |= {key: merge(base.get(key), value) for key, value in override.items() if value is not None}
    return merged


def resolve(configuration: CredentialConfiguration, lms: LMS) -> Plan:
    """The plan of a configuration; a ConferralError names what is missing or wrong in it."""
    credential_type = configuration.type
    context = describe(configuration.context_key, lms)
    rule = resolve_rule(credential_type, configuration)
    allowed = rule.processor.kinds & {Kind(kind) for kind in credential_type.kinds or Kind}
    if context.kind not in allowed:
        kinds = ", ".join(sorted(allowed))
        raise ConferralError(
            "%(name)r is for %(kinds)s; %(key)s is a %(kind)s",
            where="type",
            name=credential_type.name,
            kinds=kinds,
            key=context.key,
            kind=context.kind,
        )
    if untold := rule.needs_in(context) - lms.tells:
        raise ConferralError(
            "the rule %(rule)r asks for %(names)s, which %(label)r does not tell",
            where="type",
            rule=rule.name,
            names=", ".join(sorted(untold)),
            label=lms.label,
        )
    if configuration.step_options and not rule.processor.per_step:
        raise ConferralError(
            "the rule %(rule)r looks at the learner, not at steps; leave them out", where="step_options", rule=rule.name
        )
    for step in configuration.step_options:
        if step not in context.steps:
            raise ConferralError(
                "%(step)r is no step of %(key)s; its steps: %(names)s",
                where="step_options",
                step=step,
                key=context.key,
                names=", ".join(context.steps) or Phrase("none"),
            )
    slots = resolve_slots(credential_type, configuration.generators)
    return Plan(
        configuration=configuration,
        context=context,
        steps={step: describe(step, lms) for step in context.steps},
        rule=rule,
        audience=resolve_audience(credential_type, configuration),
        slots=slots,
        fields=merge(credential_type.fields, configuration.fields),
        assets=resolve_assets(slots),
    )


def describe(key: str, lms: LMS) -> LearningContext:
    """The context of that key; a ConferralError when the gateway does not know it."""
    context = lms.describe(key)
    if context is None:
        raise ConferralError(
            "%(key)r is not known to %(label)r; check the key, or declare it there first",
            where="context",
            key=key,
            label=lms.label,
        )
    return context


def resolve_rule(credential_type: CredentialType, configuration: CredentialConfiguration | None = None) -> Rule:
    """The type's processor with its options validated, merged with the configuration's where given."""
    processor = plugins.processor(credential_type.processor)
    given = credential_type.processor_options
    steps: Mapping[str, Any] = {}
    if configuration:
        given = merge(given, configuration.processor_options)
        steps = configuration.step_options
    return Rule(
        name=credential_type.processor,
        processor=processor,
        options=parse(processor.Options, given, "processor_options"),
        step_options={
            step: parse(processor.Options, merge(given, options), f"step_options.{step}")
            for step, options in steps.items()
        },
    )


def resolve_audience(credential_type: CredentialType, configuration: CredentialConfiguration | None = None) -> Audience:
    """Who gets one of those that qualify: the type's say, merged with the configuration's where given."""
    override = configuration.audience if configuration else {}
    return parse(Audience, merge(credential_type.audience, override), "audience")


def resolve_publication(credential_type: CredentialType) -> Publication:
    """What the type's pages tell strangers."""
    return parse(Publication, credential_type.publish, "publish")


def resolve_slots(credential_type: CredentialType, overrides: Mapping[str, Any] | None = None) -> tuple[Slot, ...]:
    """The type's generators with their options validated, merged with a configuration's overrides."""
    declared = parse(dict[SlotName, SlotDeclaration], merge(credential_type.generators, overrides or {}), "generators")
    slots = []
    for name, slot in declared.items():
        generator = plugins.generator(slot.generator)
        options = parse(generator.Options, slot.options, f"generators.{name}.options")
        slots.append(Slot(name, slot.generator, generator, slot.required, options))
    return tuple(slots)


def resolve_assets(slots: tuple[Slot, ...]) -> dict[str, CredentialAsset]:
    """The current version of every asset that the slots' options name."""
    named = [(slot, reference) for slot in slots for reference in assets_in(slot.options)]
    found = assets.current(reference for _, reference in named)
    return {reference: _fitting(slot, reference, found.get(reference)) for slot, reference in named}


def _fitting(slot: Slot, reference: AssetReference, asset: CredentialAsset | None) -> CredentialAsset:
    try:
        return assets.fitting(asset, reference, reference.kind)
    except assets.AssetError as error:
        raise OptionsError("%(error)s", where=f"generators.{slot.name}.options", error=error) from None


def edition_of(plan: Plan) -> Edition:
    """The edition that says all of this plan that a credential is made by; found again, or stored now."""
    content = edition_content(plan)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    sha256 = hashlib.sha256(canonical.encode()).hexdigest()
    found = Edition.objects.filter(sha256=sha256).first()
    if found:
        return found
    with transaction.atomic():
        edition, made = Edition.objects.get_or_create(
            sha256=sha256, defaults={"type": plan.configuration.type, "content": content}
        )
        if made:
            EditionAsset.objects.bulk_create(
                EditionAsset(edition=edition, asset=asset) for asset in plan.assets.values()
            )
    return edition


def edition_content(plan: Plan) -> dict[str, Any]:
    """Everything that decides how a credential is made, in plain JSON; why it was earned is its own evidence."""
    credential_type = plan.configuration.type
    return {
        "schema": EDITION_SCHEMA,
        "type": credential_type.name,
        "generators": {
            slot.name: {
                "generator": slot.generator_name,
                "required": slot.required,
                "options": slot.options.model_dump(mode="json"),
            }
            for slot in plan.slots
        },
        "fields": dict(plan.fields),
        "wording": credential_type.wording,
        "publish": resolve_publication(credential_type).model_dump(mode="json"),
        "issuer": issuer_content(plan.context.organisation),
        "locale": plan.locale,
        "printed_date": credential_type.printed_date,
        "validity": credential_type.validity,
        "time_zone": plan.configuration.time_zone,
        "assets": {slug: {"version": asset.version, "sha256": asset.sha256} for slug, asset in plan.assets.items()},
        **({"steps": {key: step.name for key, step in plan.steps.items()}} if plan.by_step else {}),
    }


def issuer_content(organisation: str) -> dict[str, Any]:
    """The issuer for an organisation: its own, else the site's, else nobody."""
    found = Issuer.objects.filter(organisation__in={organisation, ""}).order_by("-organisation").first()
    if found is None:
        return {"name": organisation, "url": ""}
    return {name: getattr(found, name) for name in ISSUER_FIELDS}


def placeholders_of(value: Any) -> set[str]:
    """The names of all placeholders in those options."""
    return {name for text in texts(value) for name in placeholders_in(text)}


def texts(value: Any) -> set[str]:
    """Every text in options, whatever they mean."""
    match value:
        case str():
            return {value}
        case dict():
            return set().union(*map(texts, value.values()))
        case list():
            return set().union(*map(texts, value))
        case _:
            return set()
