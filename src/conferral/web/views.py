"""The pages that need no sign-in: three doors, a credential, its files, and the check."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from conferral import access, journal, storage
from conferral.colours import is_colour
from conferral.contract import TransientError
from conferral.contract.placeholders import babel_locale, written
from conferral.contract.text import without_controls
from conferral.facts import lines
from conferral.issuance.disclosure import Disclosure, disclose, initials, printed, publication_of
from conferral.issuance.snapshot import page_url
from conferral.issuance.verdict import (
    NOWHERE,
    SHOWN,
    FileVerdict,
    Finding,
    Verdict,
    compare,
    is_digest,
    look_up,
    number_of,
)
from conferral.models import Credential, CredentialArtifact, CredentialAsset
from conferral.models.verification import found_in, is_whole, normalised, shown
from conferral.pictures import PictureError
from conferral.settings import current
from conferral.web import brand, share
from conferral.web.guarded import page
from conferral.web.limited import limited
from conferral.web.pictures import SMALL, WIDTH, WIDTHS, can_show, card_of, picture_of, shape_of
from conferral.web.words import day, local_date

logger = logging.getLogger(__name__)

INLINE = ("application/pdf", "image/png", "image/jpeg")
"""What a browser may open by itself; everything else is saved."""
NOTHING, MISSING, GONE, PRIVATE, UNAVAILABLE = 204, 404, 410, 403, 503
DIGEST = "sha256"
"""Of the query that says which file somebody has."""
CAME_WITH = "instead-of"
"""Of the query that says with which number somebody came, which leads here now."""


@page
def home(request: HttpRequest) -> HttpResponse:
    """Three doors: I teach, I earned, I check."""
    return render(request, "conferral/home.html")


@page
@limited("check")
def check(request: HttpRequest) -> HttpResponse:
    """Asks for an id, and leads to its page."""
    asked = request.GET.get("id", "").strip()
    if not asked:
        return render(request, "conferral/check.html")
    number = found_in(asked) or asked
    finding = look_up(number)
    if finding.verdict not in NOWHERE:
        return redirect("conferral:credential", shown(number))
    return _without_credential(request, finding, asked)


@page
@limited("check-file")
def check_file(request: HttpRequest, sha256: str) -> JsonResponse:
    """Whose file has that digest: the number of a credential, or null. The file itself is never sent."""
    number = number_of(sha256) if is_digest(sha256) else None
    response = JsonResponse({"verification_id": shown(number) if number else None})
    response.headers["Cache-Control"] = "no-store"
    return response


@page
@limited("credential")
def credential(request: HttpRequest, text: str) -> HttpResponse:
    """What a credential certifies, and whether it holds; with the digest of a file, also what that file is to it."""
    finding = look_up(text)
    if finding.credential is None or finding.verdict in NOWHERE:
        return _without_credential(request, finding, text)
    digest = request.GET.get(DIGEST, "")
    if finding.replaced and finding.verdict is not Verdict.REPLACING:
        asked = {CAME_WITH: shown(normalised(text) or "")} | ({DIGEST: digest} if is_digest(digest) else {})
        return redirect(f"{address(finding.credential)}?{urlencode(asked)}")
    content = content_of(request, finding.credential, finding.verdict)
    before = request.GET.get(CAME_WITH, "")
    if before and look_up(before) == Finding(finding.verdict, finding.credential, replaced=True):
        content["came_with"] = shown(normalised(before) or "")
    if is_digest(digest):
        content["file_verdict"] = compare(digest, finding.credential)
        content["doubt"] = content["file_verdict"] in (FileVerdict.ELSEWHERE, FileVerdict.OTHER)
        content["file_number"] = shown(number_of(digest) or "")
    return render(request, "conferral/credential.html", content)


@page
@limited("file")
def file(request: HttpRequest, text: str, filename: str) -> HttpResponseBase:
    """The stable address of a file: streamed, or a short-lived link of the storage. A replaced one leads to the new."""
    finding = look_up(text)
    if finding.credential is None or finding.verdict in NOWHERE:
        return _without_credential(request, finding, text)
    if finding.replaced and finding.verdict is not Verdict.REPLACING:
        return redirect("conferral:file", shown(finding.credential.verification_id), filename)
    told = _disclosed(request, finding)
    artifact = _named(told.files, filename)
    if artifact is None:
        return _trouble(request, finding, status=_why_no_file(finding, told, filename))
    try:
        name, saved = _download_name(finding.credential, filename), artifact.media_type not in INLINE
        if link := storage.link(artifact.storage_name, name, artifact.media_type, as_attachment=saved):
            return HttpResponseRedirect(link)
        stream = storage.open_file(artifact.storage_name)
    except TransientError as error:
        journal.failure(logger, "a file cannot be had", error, credential=finding.credential.pk)
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
@limited("picture")
def picture(request: HttpRequest, text: str, filename: str) -> HttpResponseBase:
    """A picture of a file, for the page. Of what was replaced that of its successor; none while that is made.

    A page that is open meanwhile asks again, for one of another width.
    """
    finding = look_up(text)
    if finding.verdict is Verdict.REPLACING:
        return HttpResponse(status=NOTHING)
    wanted = request.GET.get("width", "")
    width = int(wanted) if wanted in map(str, WIDTHS) else WIDTH
    artifact = None
    if finding.credential and finding.verdict not in NOWHERE:
        artifact = _named(_disclosed(request, finding).pictured, filename)
    if artifact is None or not can_show(artifact):
        return HttpResponse(status=MISSING)
    return _picture(request, f"{artifact.sha256}-{width}", partial(picture_of, artifact, width))


@page
@limited("picture")
def logo(request: HttpRequest) -> HttpResponseBase:
    """The logo of the site's own issuer."""
    return _logo(request, brand.logo_of_site())


@page
@limited("picture")
def issuer_logo(request: HttpRequest, text: str) -> HttpResponseBase:
    """The logo of whoever issued a credential."""
    finding = look_up(text)
    known = finding.credential and finding.verdict not in NOWHERE
    return _logo(request, brand.logo_of(finding.credential) if finding.credential and known else None)


@page
def look(request: HttpRequest, colour: str) -> HttpResponse:
    """The style sheet of an issuer's colour; the same for ever."""
    if not is_colour(f"#{colour}"):
        return HttpResponse(status=MISSING)
    return HttpResponse(
        brand.look(f"#{colour}"), content_type="text/css", headers={"Cache-Control": "public, max-age=86400"}
    )


@page
@limited("picture")
def card(request: HttpRequest, text: str) -> HttpResponseBase:
    """The picture that other sites show beside a link to the page; it tells what strangers are told."""
    finding = look_up(text)
    if finding.credential is None or finding.replaced or finding.verdict not in SHOWN or finding.credential.hidden:
        return HttpResponse(status=MISSING)
    told = disclose(finding.credential, finding.verdict, insider=False)
    if told.removed:
        return HttpResponse(status=MISSING)
    artifact = next((each for each in told.pictured if can_show(each)), None)
    colours = finding.credential.edition.content["issuer"].get("colours", {})
    try:
        png = card_of(told.snapshot, artifact, str(colours.get("primary", "")), finding.credential.locale)
    except (PictureError, TransientError) as error:
        with journal.hiding(finding.credential.recipient_name):
            journal.failure(logger, "the card cannot be made", error, credential=finding.credential.pk)
        return HttpResponse(status=UNAVAILABLE)
    return HttpResponse(png, content_type="image/png")


def address(credential: Credential) -> str:
    """Its page, for links between pages."""
    return reverse("conferral:credential", args=[shown(credential.verification_id)])


def content_of(request: HttpRequest, credential: Credential, verdict: Verdict) -> dict[str, Any]:
    """All that the page of a credential shows to whoever asks."""
    insider = access.sees_details(request.user, credential)
    holder = access.is_holder(request.user, credential)
    told = disclose(credential, verdict, insider=insider)
    steps = credential.edition.content.get("steps", {})
    shareable = not credential.hidden and not told.removed and verdict in SHOWN
    content = card_content(credential, told) | {
        "page_url": page_url(credential.verification_id),
        "insider": insider,
        "holder": holder and verdict in SHOWN,
        "credential": credential,
        "open_evidence": publication_of(credential).evidence,
        "printed": [
            (_titled(name), written(value, babel_locale(credential.locale)))
            for name, value in printed(told, credential.edition.content).items()
        ],
        "requirements": lines(told.requirements, steps),
        "evidence": lines(told.evidence, steps),
        "share": share.targets(credential, told, page_url(credential.verification_id)) if shareable else None,
        "card_url": current().public_url + reverse("conferral:card", args=[told.snapshot.verification_id]),
    }
    if content["holder"]:
        content["initials"] = initials(credential.recipient_name) != credential.recipient_name
        content["request_for_name"] = credential.name_requests.order_by("-pk").first()
    return content


def card_content(credential: Credential, told: Disclosure) -> dict[str, Any]:
    """What is shown of a credential wherever it is shown."""
    return {
        "verdict": told.verdict,
        "told": told,
        "snapshot": told.snapshot,
        "url": address(credential),
        "locale": credential.locale,
        "hidden": credential.hidden,
        "files": [{"name": each.filename, "remote": each.url, "kind": _kind(each)} for each in told.files],
        "picture": _shown_picture(told),
        "issued": day(told.issued, credential),
        "issued_year": local_date(credential.issued, credential).year,
        "expires": day(told.expires, credential),
        "revoked": day(told.revoked, credential),
        "corrected": day(told.corrected, credential),
    }


def _titled(name: str) -> str:
    """The name of a field, as one reads it: `hours_of_study` is `Hours of study`."""
    return capfirst(name.replace("_", " "))


def _logo(request: HttpRequest, asset: CredentialAsset | None) -> HttpResponseBase:
    if asset is None:
        return HttpResponse(status=MISSING)
    response = _picture(request, asset.sha256, partial(brand.picture_of_logo, asset))
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


def _picture(request: HttpRequest, version: str, read: Callable[[], tuple[bytes, str]]) -> HttpResponseBase:
    """The picture; nothing of it is read or drawn for a browser that has this version."""
    etag = f'"{version}"'
    if known := get_conditional_response(request, etag=etag):
        return known
    try:
        content, media_type = read()
    except PictureError as error:
        journal.failure(logger, f"{request.path}: there is no such picture", error)
        return HttpResponse(status=MISSING)
    except TransientError as error:
        journal.failure(logger, f"{request.path}: the picture cannot be had", error)
        return HttpResponse(status=UNAVAILABLE)
    return HttpResponse(content, content_type=media_type, headers={"ETag": etag})


def _kind(artifact: CredentialArtifact) -> str:
    """What people call such a file: PDF."""
    return PurePath(artifact.filename).suffix.removeprefix(".").upper()


def _shown_picture(told: Disclosure) -> dict[str, Any] | None:
    """The first file that can be drawn: addresses of its picture, large and small, its size, and where it leads."""
    artifact = next((each for each in told.pictured if can_show(each)), None)
    if artifact is None:
        return None
    number = told.snapshot.verification_id
    large = reverse("conferral:picture", args=[number, artifact.filename])
    width, height = shape_of(artifact)
    return {
        "large": large,
        "small": f"{large}?width={SMALL}",
        "widths": (SMALL, WIDTH),
        "width": width,
        "height": height,
        "leads": reverse("conferral:file", args=[number, artifact.filename]) if artifact in told.files else large,
    }


def _disclosed(request: HttpRequest, finding: Finding) -> Disclosure:
    assert finding.credential is not None  # those without one have a page of their own
    insider = access.sees_details(request.user, finding.credential)
    return disclose(finding.credential, finding.verdict, insider=insider)


def _named(files: tuple[CredentialArtifact, ...], filename: str) -> CredentialArtifact | None:
    return next((each for each in files if each.storage_name and each.filename == filename), None)


def _why_no_file(finding: Finding, told: Disclosure, filename: str) -> int:
    assert finding.credential is not None  # as above
    if finding.verdict not in SHOWN or told.removed:
        return GONE
    everything = disclose(finding.credential, finding.verdict, insider=True)
    return PRIVATE if told.withheld or _named(everything.files, filename) else MISSING


def _download_name(credential: Credential, filename: str) -> str:
    """A name that a person finds again among downloads."""
    name = f"{credential.edition.content['type']} - {credential.recipient_name}"
    # A line break would end the header, and a change of direction show another ending than the file has.
    return without_controls(f"{name}{PurePath(filename).suffix}").replace("/", "-").replace("\\", "-")


def _without_credential(request: HttpRequest, finding: Finding, text: str) -> HttpResponse:
    content = {"asked": text, "verdict": finding.verdict, "whole": is_whole(text)}
    return render(request, "conferral/check.html", content, status=MISSING)


def _trouble(request: HttpRequest, finding: Finding, *, status: int) -> HttpResponse:
    assert finding.credential is not None  # those without one have a page of their own
    content = content_of(request, finding.credential, finding.verdict)
    said = {
        MISSING: _("This credential has no such file."),
        GONE: _("This file is not served any more."),
        PRIVATE: _("This file is not shown to everybody. If the credential is yours, sign in to have it."),
        UNAVAILABLE: _(
            "The file cannot be had at the moment. That changes nothing about the credential; try again later."
        ),
    }
    return render(request, "conferral/credential.html", content | {"trouble": said[status]}, status=status)
