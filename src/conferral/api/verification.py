"""Proves a credential to programs: what its page says to a stranger, as JSON."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import conditional_page, require_safe

from conferral import limits
from conferral.contract import Fact
from conferral.issuance.disclosure import disclose, printed
from conferral.issuance.snapshot import file_url, page_url
from conferral.issuance.verdict import NOWHERE, Finding, Verdict, look_up
from conferral.models.verification import normalised, shown
from conferral.settings import current

HEADERS = {
    "Cache-Control": "public, no-cache",  # to be kept, and asked about each time: a revocation counts at once
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""Nothing in the answer depends on who asks: no session is read, and no cookie set."""


@require_safe
@conditional_page
def verify(request: HttpRequest, text: str) -> JsonResponse:
    """The verdict on an id, with what the credential page shows of it; 404 and `unknown` where there is no such page.

    What was mistyped, never was, or is not ready is told apart by nothing. Each answer has an ETag: 304 while it holds.
    """
    if seconds := limits.wait(request, "verify", current().rate_limit):
        detail = {"detail": f"too many requests from your network address; try again in {seconds} s"}
        later = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
        return JsonResponse(detail, status=HTTPStatus.TOO_MANY_REQUESTS, headers=HEADERS | later)
    finding = look_up(text)
    if finding.credential is None or finding.verdict in NOWHERE:
        return JsonResponse({"verdict": Verdict.UNKNOWN}, status=HTTPStatus.NOT_FOUND, headers=HEADERS)
    return JsonResponse(_said(finding, normalised(text) or ""), headers=HEADERS)


def _said(finding: Finding, asked: str) -> dict[str, Any]:
    """Always the same keys. Of one that is being replaced only that is told, and of a hidden one who issued it.

    Of one whose holder was removed there is the issuer, and the year: anything exact would lead back to them.
    """
    credential, verdict = finding.credential, finding.verdict
    assert credential is not None  # only those that have a page come here
    told = disclose(credential, verdict, insider=False)
    open_to_see = not told.withheld and not told.removed and verdict is not Verdict.REPLACING
    year = str(credential.issued.astimezone(ZoneInfo(credential.edition.content["time_zone"])).year)
    snapshot = told.snapshot
    holds = asked if verdict is Verdict.REPLACING else credential.verification_id
    issuer = {"name": snapshot.issuer.name, "url": snapshot.issuer.url}
    return {
        "verdict": verdict,
        "verification_id": shown(asked),
        "successor": shown(holds) if holds != asked else None,
        "page": page_url(holds),
        "hidden": told.withheld,
        "type": snapshot.type if open_to_see else None,
        "recipient": (snapshot.name or None) if open_to_see else None,
        "context": snapshot.context if open_to_see else None,
        "description": (told.description or None) if open_to_see else None,
        "criteria": (told.criteria or None) if open_to_see else None,
        "fields": printed(told, credential.edition.content) if open_to_see else {},
        # As on the page: a type that says in its own words how it is earned has said it.
        "requirements": _facts(told.requirements) if open_to_see and (told.evidence or not told.criteria) else [],
        "evidence": _facts(told.evidence, reached=True) if open_to_see else [],
        "issuer": issuer if verdict is not Verdict.REPLACING else None,
        "issued": year if told.removed else _instant(told.issued if open_to_see else None),
        "corrected": _instant(told.corrected if not told.removed else None),
        "expires": _instant(told.expires if open_to_see else None),
        "revoked": _instant(told.revoked if open_to_see else None),
        "reason": (told.reason or None) if open_to_see else None,
        "files": [
            {
                "name": file.filename,
                "media_type": file.media_type,
                "sha256": file.sha256 or None,
                "url": (file.url or file_url(holds, file.filename)) if file in told.files else None,
            }
            for file in told.pictured
        ],
    }


def _facts(facts: tuple[Fact, ...], *, reached: bool = False) -> list[dict[str, Any]]:
    """What the rule asked for, of which course of a pathway; and what was reached. Shares are decimal strings."""
    return [
        {"key": fact.key, "step": fact.step or None, "required": fact.required}
        | ({"actual": fact.actual, "met": fact.met} if reached else {})
        for fact in facts
    ]


def _instant(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
