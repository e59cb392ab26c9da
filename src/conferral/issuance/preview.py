"""Previews: a slot made for a sample or for somebody's name, as production makes it, and nothing kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

from django.utils import timezone

from conferral import plugins
from conferral.assets import AssetReader
from conferral.contract import (
    LMS,
    Artifact,
    ConferralError,
    Fact,
    GenerationRequest,
    IssuerSnapshot,
    Kind,
    OptionsError,
    check_key,
    sample_request,
)
from conferral.contract.context import is_pathway_key
from conferral.contract.placeholders import check, check_locale, fill, values
from conferral.contract.text import is_visible
from conferral.issuance import make
from conferral.issuance.issue import expiry
from conferral.issuance.letter import TRANSLATED, compose
from conferral.issuance.limit import limited
from conferral.issuance.plan import (
    Plan,
    Rule,
    Slot,
    issuer_content,
    merge,
    resolve,
    resolve_assets,
    resolve_rule,
    resolve_slots,
)
from conferral.issuance.snapshot import file_url, page_url, printed_date
from conferral.mail import Letter
from conferral.models import CredentialAsset, CredentialConfiguration, CredentialType, Delivery, NameRequest
from conferral.settings import current

SAMPLE_ID = "K7QF2M9X4TBDHW33"
"""As long as any, and never issued."""
SAMPLE_ADDRESS, SAMPLE_NAME = "learner@example.org", "Maria da Silva"
SAMPLE_REASON = "The name has to be the one on your identity card."
INVENTED: Mapping[Kind, Mapping[str, str]] = {
    Kind.COURSE: {},  # the sample's own
    Kind.LESSON: {"context_key": "course-v1:Demo+GIT+2026", "context": "Version Control in an Hour"},
    Kind.PATHWAY: {"context_key": "path-v1:Demo+DEV+2026+A", "context": "Software Developer"},
}
"""What is completed in a sample, for designs say which kind it is."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """A slot's generator, prepared to make drafts; for one thread at a time."""

    slot: Slot
    prepared: Any

    @classmethod
    def of(cls, slot: Slot, versions: Mapping[str, CredentialAsset]) -> Self:
        """Prepares the slot's generator, once for any number of drafts."""
        preparing = limited(current().plugin_seconds, f"preparing {slot.name}")
        with plugins.blamed(plugins.GENERATORS, slot.generator_name), preparing:
            return cls(slot, slot.generator.prepare(slot.options, AssetReader(versions)))

    def make(self, request: GenerationRequest) -> list[Artifact]:
        """What the generator makes; a ConferralError when it cannot, or when production would refuse it."""
        name = self.slot.name
        request = replace(request, slot=name, idempotency_key=f"{SAMPLE_ID}:{name}", draft=True)
        with plugins.blamed(plugins.GENERATORS, self.slot.generator_name):
            made = make.draft(self.slot.generator, self.prepared, request)
            make.check(made, name, self.slot.generator.version)
        return made


def preview(  # noqa: PLR0913 - what a person may ask for
    credential_type: CredentialType,
    lms: LMS,
    *,
    context_key: str = "",
    slot: str = "",
    name: str | None = None,
    locale: str = "",
    boxes: bool = False,
) -> list[Artifact]:
    """One slot (the first, when none is named) as a learner of that context would get it today.

    The context's configuration of the type counts as it is stored, switched on or not; without one the type is taken
    as it stands. Without a context, context and dates are invented. A ConferralError says what is wrong.
    """
    if context_key:
        plan = resolve(_configuration(credential_type, context_key), lms)
        slots, request = plan.slots, request_in(plan)
    else:
        slots = resolve_slots(credential_type)
        request = request_without_context(credential_type, resolve_rule(credential_type))
    chosen = _chosen(slots, slot, credential_type)
    request = replace(request, boxes=boxes)
    if name is not None:
        request = for_name(request, name)
    if locale:
        check_locale("locale", locale)
        request = replace(request, locale=locale)
    return Drafts.of(chosen, resolve_assets((chosen,))).make(request)


def letter(  # noqa: PLR0913 - as above
    credential_type: CredentialType,
    lms: LMS,
    *,
    purpose: str = Delivery.Purpose.ISSUED,
    context_key: str = "",
    name: str | None = None,
    language: str = "",
) -> Letter:
    """The mail of that purpose as a learner who reads that language would get it today; nothing is sent."""
    if context_key:
        plan = resolve(_configuration(credential_type, context_key), lms)
        about, organisation = request_in(plan), plan.context.organisation
    else:
        about, organisation = request_without_context(credential_type, resolve_rule(credential_type)), ""
    if name is not None:
        about = for_name(about, name)
    try_words(credential_type.wording, about)
    edition = {"wording": credential_type.wording, "issuer": issuer_content(organisation)}
    asked = NameRequest(name=SAMPLE_NAME, reason=SAMPLE_REASON)
    return compose(
        about, edition, purpose=purpose, language=language or about.locale, recipient=SAMPLE_ADDRESS, request=asked
    )


def try_words(wording: Mapping[str, Any], sample: GenerationRequest) -> None:
    """Fills in each text of the mail; an OptionsError names the one that has a wrong placeholder, or its language."""
    others = wording.get(TRANSLATED, {})
    texts = {name: text for name, text in wording.items() if name != TRANSLATED}
    for tag, words in others.items():
        check_locale(f"wording.{TRANSLATED}", tag)
        texts |= {f"{TRANSLATED}.{tag}.{name}": text for name, text in words.items()}
    value_of = values(sample)
    for name, text in texts.items():
        try:
            fill(check(text), value_of)
        except (ConferralError, ValueError) as error:
            raise OptionsError("%(error)s", where=f"wording.{name}", error=error) from None


def request_in(plan: Plan) -> GenerationRequest:
    """A sample of what the plan issues: its context, issuer, options and dates, as of today."""
    credential_type, context = plan.configuration.type, plan.context
    today = timezone.now()
    issuer = issuer_content(context.organisation)
    return _request(
        credential_type,
        fields=plan.fields,
        evidence=plan.rule.example(plan.steps),
        context_key=context.key,
        context=context.name,
        organisation=context.organisation,
        issuer=IssuerSnapshot(issuer["name"], issuer["url"]),
        issued=today,
        earned=today,
        date=printed_date(credential_type.printed_date, issued=today, earned=today, end=context.end),
        start=context.start,
        end=context.end,
        expires=expiry(today, credential_type.validity),
        locale=plan.locale,
        time_zone=plan.configuration.time_zone,
    )


def request_without_context(credential_type: CredentialType, rule: Rule) -> GenerationRequest:
    """A sample of the type in an invented course, or in what the type is for."""
    return _request(
        credential_type,
        fields=credential_type.fields,
        evidence=rule.example(),
        locale=credential_type.locale or "en",
        **_invented(credential_type),
    )


def request_without_source(configuration: CredentialConfiguration) -> GenerationRequest:
    """A sample of what the configuration issues, as far as that is known without the source; the dates are invented."""
    credential_type, key, name = configuration.type, configuration.context_key, configuration.context_name
    invented = INVENTED[Kind.PATHWAY] if is_pathway_key(key) else _invented(credential_type)
    known = {"context_key": key, "context": name} if name else invented
    return _request(
        credential_type,
        fields=merge(credential_type.fields, configuration.fields),
        evidence=resolve_rule(credential_type, configuration).example(),
        locale=credential_type.locale or "en",
        time_zone=configuration.time_zone,
        **known,
    )


def for_name(request: GenerationRequest, name: str) -> GenerationRequest:
    """The same for somebody of that name."""
    if not is_visible(name):
        raise ConferralError("%(name)r has nothing that would be seen; write a name", where="name", name=name)
    return replace(request, snapshot=replace(request.snapshot, name=name))


def for_learner(request: GenerationRequest, name: str, facts: Sequence[Fact]) -> GenerationRequest:
    """The same for a learner of that name who has reached that; a figure that is not known stays the sample's."""
    reached = {(fact.key, fact.step): fact for fact in facts if fact.actual is not None}
    evidence = tuple(reached.get((fact.key, fact.step), fact) for fact in request.snapshot.evidence)
    return for_name(replace(request, snapshot=replace(request.snapshot, evidence=evidence)), name)


def _request(credential_type: CredentialType, **values: Any) -> GenerationRequest:
    return sample_request(
        type=credential_type.name, page_url=page_url(SAMPLE_ID), url_of=partial(file_url, SAMPLE_ID), **values
    )


def _invented(credential_type: CredentialType) -> Mapping[str, str]:
    kind = next((kind for kind in INVENTED if kind in credential_type.kinds), Kind.COURSE)
    return INVENTED[kind]


def _configuration(credential_type: CredentialType, context_key: str) -> CredentialConfiguration:
    stored = CredentialConfiguration.objects.filter(context_key=context_key, type=credential_type, archived=None)
    found = stored.select_related("type").first()
    return found or CredentialConfiguration(context_key=check_key(context_key), type=credential_type)


def _chosen(slots: tuple[Slot, ...], name: str, credential_type: CredentialType) -> Slot:
    found = [slot for slot in slots if name in ("", slot.name)]
    if not found:
        there = ", ".join(slot.name for slot in slots) or "none"
        raise ConferralError(
            "%(name)r is not in the type %(type)r; it has: %(there)s",
            where="slot",
            name=name,
            type=credential_type.name,
            there=there,
        )
    return found[0]
