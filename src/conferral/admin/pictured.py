"""Designs as pictures, for a form that is not saved yet."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from conferral import pictures, plugins
from conferral.admin import words
from conferral.assets import SVG_TYPE, AssetReader, media_type_of
from conferral.contract import LMS, Artifact, ConferralError, GenerationRequest
from conferral.facts import lines
from conferral.issuance import correct, make, plan, preview
from conferral.issuance.evaluate import Evaluation
from conferral.issuance.explain import evaluation_of
from conferral.issuance.snapshot import request_for
from conferral.models import Credential, CredentialAsset, CredentialConfiguration, CredentialType, Learner
from conferral.settings import current
from conferral.spoken import spoken

WIDTH = 900
"""Pixels, for a column that is half as wide."""


@dataclass(frozen=True, slots=True)
class Pictured:
    """A slot: the picture's address (its content), size and text; what is to be minded."""

    name: str
    picture: str = ""
    alt: str = ""
    width: int = 0
    height: int = 0
    note: str = ""
    problems: tuple[str, ...] = field(default_factory=tuple)


def of_configuration(form: Any, sample: str, name: str) -> tuple[list[Pictured], str]:
    """Every slot of the configuration in the form; of its type alone, as long as the course is not known.

    Where `sample` is the username of somebody who takes part, it is theirs, with the figures that they have reached,
    and it is said how far they are; else it is somebody's of that `name`.
    """
    context_known = form.instance.pk or form.cleaned_data.get("context_key")
    if not context_known or form.errors:
        overrides = form.cleaned_data.get("generators") or {}
        return of_type(form.kept("type"), name, overrides), ""
    with plugins.gateway().briefly().reading() as lms:
        resolved = plan.resolve(form.candidate(), lms)
        request, said = preview.request_in(resolved), ""
        try:
            found = _taking_part(resolved, lms, sample)
        except ConferralError as error:
            found, said = None, spoken(error)
        if found:
            evaluation, name = found
            facts = evaluation.decision.facts if evaluation.decision else ()
            request, name = preview.for_learner(request, name, facts), ""
            steps = {key: step.name for key, step in resolved.steps.items()}
            why = [spoken(evaluation.why)] if evaluation.why else []
            said = " · ".join([words.outcome(evaluation.outcome), *map(str, lines(facts, steps)), *why])
    return list(_pictured(resolved.slots, resolved.assets, request, name)), said


def _taking_part(resolved: plan.Plan, lms: LMS, sample: str) -> tuple[Evaluation, str] | None:
    """What a run would make of the learner of that username, and their name: whoever configures the course knows it."""
    if not sample or " " in sample:
        return None
    if lms.http is not None and not Learner.objects.filter(gateway=current().lms, key=sample).exists():
        return None  # a source elsewhere is not asked about what is half typed
    evaluation = evaluation_of(resolved, lms, {sample})
    if evaluation is None or evaluation.learner != sample:
        return None
    person = next(iter(lms.people([sample])), None)
    return evaluation, (person.name if person else "") or sample


def of_type(
    credential_type: CredentialType,
    name: str = "",
    overrides: Mapping[str, Any] | None = None,
    versions: Mapping[str, CredentialAsset] | None = None,
) -> list[Pictured]:
    """Every slot of a type, in an invented course; with those versions of assets in place of the current ones."""
    slots = plan.resolve_slots(credential_type, overrides)
    rule = plan.resolve_rule(credential_type)
    request = preview.request_without_context(credential_type, rule)
    return list(_pictured(slots, plan.resolve_assets(slots) | dict(versions or {}), request, name))


def of_stored(
    configuration: CredentialConfiguration, versions: Mapping[str, CredentialAsset] | None = None
) -> list[Pictured]:
    """Every slot of a configuration as it is stored, without its source; with those versions of assets, as above."""
    slots = plan.resolve_slots(configuration.type, configuration.generators)
    request = preview.request_without_source(configuration)
    return list(_pictured(slots, plan.resolve_assets(slots) | dict(versions or {}), request, ""))


def of_credential(credential: Credential, name: str) -> list[Pictured]:
    """Every slot of an issued credential as its edition makes it, under that name."""
    shown = correct.successor(credential, credential.edition, name, notify=False)
    shown.verification_id = credential.verification_id
    found: list[Pictured] = []
    for slot in credential.edition.content["generators"]:
        try:
            with plugins.blamed(plugins.GENERATORS, credential.edition.content["generators"][slot]["generator"]):
                station = make.prepare(credential.edition_id, slot)
                request = replace(request_for(shown, station.edition, slot), draft=True)
                made = list(station.generator.generate(station.prepared, request))
        except ConferralError as error:
            found.append(Pictured(slot, problems=(spoken(error),)))
        else:
            found += [_of(slot, artifact, request) for artifact in made]
    return found


def of_asset(asset: CredentialAsset) -> Pictured:
    """A version of a picture, or the first page of a template."""
    try:
        content = AssetReader({asset.slug: asset}).read(asset.slug)
        media_type = pictures.PDF if asset.kind == CredentialAsset.Kind.PDF else media_type_of(content)
        if media_type == SVG_TYPE:  # checked when it was uploaded; no picture runs or fetches anything
            address = f"data:{SVG_TYPE};base64,{base64.b64encode(content).decode()}"
            return Pictured(asset.filename, address, asset.description or asset.slug)
        if media_type == pictures.PDF:
            image = pictures.draw(content, width=WIDTH)
        else:
            image = pictures.read(content, media_type)
            image.thumbnail((WIDTH, WIDTH))
    except ConferralError as error:
        return Pictured(asset.filename, problems=(spoken(error),))
    return Pictured(asset.filename, _address(image), asset.description or asset.slug, *image.size)


def _pictured(
    slots: tuple[plan.Slot, ...], versions: Mapping[str, CredentialAsset], request: GenerationRequest, name: str
) -> Iterator[Pictured]:
    if name:
        request = preview.for_name(request, name)
    for slot in slots:
        try:
            made = preview.Drafts.of(slot, versions).make(request)
        except ConferralError as error:
            yield Pictured(slot.name, problems=(spoken(error),))
            continue
        for artifact in made:
            yield _of(slot.name, artifact, request)


def _of(slot: str, artifact: Artifact, request: GenerationRequest) -> Pictured:
    if artifact.content is None or artifact.media_type not in (pictures.PDF, *pictures.IMAGES):
        note = _("%s: it cannot be shown as a picture") % (artifact.filename or artifact.url)
        return Pictured(slot, note=note, problems=tuple(artifact.problems))
    if artifact.media_type == pictures.PDF:
        image = pictures.draw(artifact.content, width=WIDTH)
    else:
        image = pictures.read(artifact.content, artifact.media_type)
    alt = _("The credential of %s, as it is now") % request.snapshot.name
    return Pictured(slot, _address(image), alt, *image.size, note="", problems=tuple(artifact.problems))


def _address(image: Any) -> str:
    return f"data:image/webp;base64,{base64.b64encode(pictures.encoded(image, 'WEBP')).decode()}"
