"""A stored credential as generators and pages see it."""

from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

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
        date=_printed(credential, edition),
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


def printed_day(credential: Credential) -> date:
    """The day that stands on it: of the date that it prints, in the time zone in which it was issued."""
    edition = credential.edition.content
    return _printed(credential, edition).astimezone(ZoneInfo(edition["time_zone"])).date()


def _printed(credential: Credential, edition: dict[str, Any]) -> datetime:
    issued, earned, end = credential.issued, credential.earned, credential.context_end
    return printed_date(edition["printed_date"], issued=issued, earned=earned, end=end)


def printed_date(which: str, *, issued: datetime, earned: datetime, end: datetime | None) -> datetime:
    """The date that a type prints as its own."""
    match which:
        case CredentialType.PrintedDate.EARNED:
            return earned
        case CredentialType.PrintedDate.END:
            return end or issued
        case _:
            return issued
