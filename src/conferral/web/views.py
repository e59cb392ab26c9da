"""The pages: three doors, a credential, its files, and a learner's own."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from conferral import access, storage
from conferral.contract import TransientError
from conferral.contract.placeholders import babel_locale
from conferral.issuance.snapshot import page_url, snapshot_of
from conferral.issuance.verdict import SHOWN, Finding, Verdict, look_up, verdict_on
from conferral.models import Credential, CredentialArtifact
from conferral.models.verification import normalised, shown
from conferral.pictures import PictureError
from conferral.web.pictures import can_show, picture_of

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
INLINE = ("application/pdf", "image/png", "image/jpeg")
"""What a browser may open by itself; everything else is saved."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "private, no-cache",
}
STATUS = {Verdict.MISTYPED: 404, Verdict.UNKNOWN: 404}
GONE, MISSING, UNAVAILABLE = 410, 404, 503


def page(view: View) -> View:
    """A page that reads only, that no search engine lists, and that runs nothing of others."""

    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        response = view(request, *arguments, **named)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return guarded


@page
def home(request: HttpRequest) -> HttpResponse:
    """Three doors: I teach, I earned, I check."""
    return render(request, "conferral/home.html")


@page
def check(request: HttpRequest) -> HttpResponse:
    """Asks for an id, and leads to its page."""
    asked = request.GET.get("id", "").strip()
    finding = look_up(asked) if asked else None
    if finding and finding.verdict not in STATUS:
        return redirect("conferral:credential", shown(normalised(asked) or ""))
    return render(
        request,
        "conferral/check.html",
        {"asked": asked, "verdict": finding.verdict if finding else None},
        status=STATUS[finding.verdict] if finding else 200,
    )


@page
def credential(request: HttpRequest, text: str) -> HttpResponse:
    """What a credential certifies, and whether it holds."""
    finding = look_up(text)
    if finding.credential is None or finding.verdict in STATUS:
        return _without_credential(request, finding, text)
    if finding.replaced and finding.verdict is not Verdict.REPLACING:
        return redirect(address(finding.credential))
    return render(request, "conferral/credential.html", _content(request, finding.credential, finding.verdict))


@page
def file(request: HttpRequest, text: str, filename: str) -> HttpResponseBase:
    """The stable address of a file: streamed, or a short-lived link of the storage. A replaced one leads to the new."""
    finding = look_up(text)
    if finding.credential is None or finding.verdict in STATUS:
        return _without_credential(request, finding, text)
    if finding.replaced and finding.verdict is not Verdict.REPLACING:
        return redirect("conferral:file", shown(finding.credential.verification_id), filename)
    artifact = _artifact(finding, filename)
    if artifact is None:
        status = MISSING if finding.verdict in SHOWN else GONE
        return _trouble(request, finding, status=status)
    try:
        name, saved = _download_name(finding, filename), artifact.media_type not in INLINE
        if link := storage.link(artifact.storage_name, name, artifact.media_type, as_attachment=saved):
            return HttpResponseRedirect(link)
        stream = storage.open_file(artifact.storage_name)
    except TransientError:
        logger.exception("a file of credential %s cannot be had", text)
        return _trouble(request, finding, status=UNAVAILABLE)
    response = FileResponse(
        stream,
        as_attachment=saved,
        filename=name,
        content_type=artifact.media_type,
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


@page
def picture(request: HttpRequest, text: str, filename: str) -> HttpResponseBase:
    """A picture of a file, for the page."""
    finding = look_up(text)
    artifact = None if finding.replaced else _artifact(finding, filename)
    if artifact is None or not can_show(artifact):
        return HttpResponse(status=MISSING)
    try:
        content, media_type = picture_of(artifact)
    except PictureError:
        logger.exception("a file of credential %s cannot be drawn", text)
        return HttpResponse(status=MISSING)
    except TransientError:
        logger.exception("a file of credential %s cannot be had", text)
        return HttpResponse(status=UNAVAILABLE)
    return HttpResponse(content, content_type=media_type)


@page
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """The credentials of whoever is signed in."""
    found = Credential.objects.filter(learner__user=request.user.pk, current=True, state=Credential.State.AVAILABLE)
    held = (
        found.select_related("learner", "edition", "supersedes")
        .prefetch_related("artifacts")
        .order_by("-issued", "-pk")
    )
    return render(request, "conferral/mine.html", {"cards": [_card(one, verdict_on(one)) for one in held]})


def address(credential: Credential) -> str:
    """Its page, for links between pages."""
    return reverse("conferral:credential", args=[shown(credential.verification_id)])


def _content(request: HttpRequest, credential: Credential, verdict: Verdict) -> dict[str, Any]:
    details = access.sees_details(request.user, credential)
    return _card(credential, verdict) | {
        "page_url": page_url(credential.verification_id),
        "reason": credential.revoked_reason if details else "",
        "details": details,
    }


def _card(credential: Credential, verdict: Verdict) -> dict[str, Any]:
    snapshot = snapshot_of(credential, credential.edition.content)
    files = [artifact for artifact in credential.artifacts.all() if artifact.state == CredentialArtifact.State.STORED]
    visible = files if verdict in SHOWN else []
    return {
        "verdict": verdict,
        "snapshot": snapshot,
        "url": address(credential),
        "files": [{"name": each.filename, "remote": each.url} for each in visible],
        "picture": next((each.filename for each in visible if can_show(each)), ""),
        "issued": day(credential.issued, credential),
        "expires": day(credential.expires, credential),
        "revoked": day(credential.revoked, credential),
        "corrected": day(credential.recorded, credential) if verdict is Verdict.CORRECTED else "",
    }


def day(instant: datetime | None, credential: Credential) -> str:
    """A date as the reader writes it, and where the credential is in the same language, as the credential does.

    It is the day in the time zone in which the credential was issued, as on the certificate.
    """
    if instant is None:
        return ""
    edition, language = credential.edition.content, get_language() or "en"
    locale = credential.locale if credential.locale.split("-")[0] == language.split("-")[0] else language
    return format_date(instant.astimezone(ZoneInfo(edition["time_zone"])).date(), "long", locale=babel_locale(locale))


def _artifact(finding: Finding, filename: str) -> CredentialArtifact | None:
    if finding.credential is None or finding.verdict not in SHOWN:
        return None
    stored = finding.credential.artifacts.filter(state=CredentialArtifact.State.STORED).exclude(storage_name="")
    return next((artifact for artifact in stored if artifact.filename == filename), None)


def _download_name(finding: Finding, filename: str) -> str:
    """A name that a person finds again among downloads."""
    assert finding.credential is not None  # only those that have a file come here
    kind = finding.credential.edition.content["type"]
    return f"{kind} - {finding.credential.recipient_name}{PurePath(filename).suffix}".replace("/", "-").replace(
        "\\", "-"
    )


def _without_credential(request: HttpRequest, finding: Finding, text: str) -> HttpResponse:
    content = {"asked": text, "verdict": finding.verdict}
    return render(request, "conferral/check.html", content, status=STATUS[finding.verdict])


def _trouble(request: HttpRequest, finding: Finding, *, status: int) -> HttpResponse:
    assert finding.credential is not None  # those without one have a page of their own
    content = _content(request, finding.credential, finding.verdict)
    said = {
        MISSING: _("This credential has no such file."),
        GONE: _("This file is not served any more."),
        UNAVAILABLE: _(
            "The file cannot be had at the moment. That changes nothing about the credential; try again later."
        ),
    }
    return render(request, "conferral/credential.html", content | {"trouble": said[status]}, status=status)
