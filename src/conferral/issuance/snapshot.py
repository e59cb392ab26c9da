"""A stored credential as generators and pages see it."""

from datetime import datetime
from functools import partial
from typing import Any

from conferral.contract import Fact, GenerationRequest, IssuerSnapshot, Snapshot
from conferral.models import Credential, CredentialType
from conferral.models.verification import shown
from conferral.settings import current


def page_url(verification_id: str) -> str:
    """The public page of a credential: printed on it, for ever."""
    return f"{current().public_url}/c/{shown(verification_id)}"


def file_url(verification_id: str, filename: str) -> str:
    """The stable address of one of its files."""
    return f"{page_url(verification_id)}/{filename}"


def snapshot_of(credential: Credential, edition: dict[str, Any]) -> Snapshot:
    """The credential with what its edition froze."""
    issuer = edition["issuer"]
    return Snapshot(
        verification_id=shown(credential.verification_id),
        name=credential.recipient_name,
        type=edition["type"],
        context_key=credential.context_key,
        context=credential.context_name,
        organisation=credential.context_organisation,
        issuer=IssuerSnapshot(issuer["name"], issuer["url"]),
        issued=credential.issued,
        earned=credential.earned,
        date=printed_date(
            edition["printed_date"], issued=credential.issued, earned=credential.earned, end=credential.context_end
        ),
        start=credential.context_start,
        end=credential.context_end,
        expires=credential.expires,
        fields=edition["fields"],
        evidence=tuple(Fact(**fact) for fact in credential.evidence.get("facts", ())),
    )


def request_for(credential: Credential, edition: dict[str, Any], slot: str) -> GenerationRequest:
    """What the slot's generator is asked for."""
    return GenerationRequest(
        snapshot=snapshot_of(credential, edition),
        slot=slot,
        page_url=page_url(credential.verification_id),
        locale=credential.locale,
        time_zone=edition["time_zone"],
        idempotency_key=f"{credential.verification_id}:{slot}",
        url_of=partial(file_url, credential.verification_id),
    )


def printed_date(which: str, *, issued: datetime, earned: datetime, end: datetime | None) -> datetime:
    """The date that a type prints as its own."""
    match which:
        case CredentialType.PrintedDate.EARNED:
            return earned
        case CredentialType.PrintedDate.END:
            return end or issued
        case _:
            return issued
