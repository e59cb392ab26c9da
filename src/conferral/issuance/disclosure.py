"""What a credential's page tells to whom: one answer for pages, pictures, files and programs.

Insiders (the holder, staff, whoever teaches there) are told everything. What strangers are told, the type says when it
issues, and the holder may say less.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from uniseg.graphemecluster import grapheme_clusters

from conferral.contract import Fact, Publication, Snapshot
from conferral.contract.options import parse
from conferral.issuance.plan import placeholders_of
from conferral.issuance.snapshot import snapshot_of
from conferral.issuance.verdict import Verdict, corrected_on, files_shown
from conferral.models import Credential, CredentialArtifact


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What may be told. Of what is `withheld`, or of somebody who was `removed`, the verdict and the issuer alone are.

    `pictured` are the files of which a picture may be shown, `files` those that may be downloaded; `requirements` is
    what the rule asked for, `evidence` what the learner reached.
    """

    verdict: Verdict
    withheld: bool
    snapshot: Snapshot
    description: str = ""
    criteria: str = ""
    requirements: tuple[Fact, ...] = ()
    evidence: tuple[Fact, ...] = ()
    removed: bool = False
    pictured: tuple[CredentialArtifact, ...] = ()
    files: tuple[CredentialArtifact, ...] = ()
    issued: datetime | None = None
    expires: datetime | None = None
    revoked: datetime | None = None
    corrected: datetime | None = None
    reason: str = ""


def disclose(credential: Credential, verdict: Verdict, *, insider: bool) -> Disclosure:
    """What may be told about it, to an insider or to a stranger."""
    edition = credential.edition.content
    snapshot = snapshot_of(credential, edition)
    if credential.learner.retired:
        return Disclosure(verdict, withheld=False, removed=True, snapshot=_emptied(snapshot))
    if credential.hidden and not insider:
        return Disclosure(verdict, withheld=True, snapshot=_emptied(snapshot))
    rules = publication_of(credential)
    facts = snapshot.evidence
    stored = tuple(files_shown(credential, verdict))
    # The certificate has the name in full: who shows initials alone does not show it.
    name = name_as_shown(credential)
    open_to_see = insider or name == credential.recipient_name
    return Disclosure(
        verdict,
        withheld=False,
        snapshot=replace(snapshot, name=name, evidence=()),
        description=rules.description,
        criteria=rules.criteria,
        requirements=facts,
        evidence=facts if insider or rules.evidence else (),
        pictured=stored if open_to_see else (),
        files=stored if insider or (open_to_see and rules.files) else (),
        issued=credential.issued,
        expires=credential.expires,
        revoked=credential.revoked,
        corrected=corrected_on(credential, verdict),
        reason=credential.revoked_reason if insider or rules.revocation_reason else "",
    )


def printed(told: Disclosure, edition: Mapping[str, Any]) -> dict[str, Any]:
    """Of the fields that may be told those that some text of a design prints: what a picture says, texts say too.

    By name: databases keep the keys of JSON in orders of their own.
    """
    used = placeholders_of(edition["generators"])
    return {name: value for name, value in sorted(told.snapshot.fields.items()) if f"field.{name}" in used}


def publication_of(credential: Credential) -> Publication:
    """What its type published when it was issued; what was issued before types said so has the defaults."""
    return parse(Publication, credential.edition.content.get("publish", {}), "publish")


def name_as_shown(credential: Credential) -> str:
    """The recipient's name in the form that the holder chose for the page."""
    name = credential.recipient_name
    return initials(name) if credential.name_form == Credential.NameForm.INITIALS else name


def initials(name: str) -> str:
    """The last of several names, with the initials of those before it: `Ana María Ñandú` is `A. M. Ñandú`."""
    *given, last = name.split() or [""]
    return " ".join([*(f"{next(iter(grapheme_clusters(each)))}." for each in given), last])


def _emptied(snapshot: Snapshot) -> Snapshot:
    """Who issued it, and nothing else."""
    return replace(
        snapshot, name="", type="", context_key="", context="", organisation="", fields={}, evidence=(), expires=None
    )
