"""What other programs may ask of the service."""

import json
import logging
import re
from http import HTTPStatus

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from conferral import access, journal, limits
from conferral.contract import ConferralError
from conferral.contract.text import check_storable
from conferral.issuance import people
from conferral.settings import current

logger = logging.getLogger(__name__)

LONGEST = 4096
"""Bytes of the longest request: a username and its quotes."""
LATER = "it cannot be done at the moment; try again later: the log has why"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


@csrf_exempt  # no browser calls this: whoever does has a token, no cookie
@require_POST
def retire(request: HttpRequest) -> HttpResponse:
    """`POST {"username": …}` or `{"edx_lms_user_id": …}` removes all that is kept of them: 204.

    It is what the platform's retirement driver calls of a credentials service, with a token of its service user.
    """
    if seconds := limits.wait(request, "retire", current().sign_in_rate_limit):  # each try is a call to the LMS
        why = f"too many requests from your network address; try again in {seconds} s"
        return _said(HTTPStatus.TOO_MANY_REQUESTS, why, **{"Retry-After": str(seconds)})
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme not in ("JWT", "Bearer") or not _TOKEN.fullmatch(token):
        return _said(HTTPStatus.UNAUTHORIZED, "Authorization: a token of the LMS is expected: JWT …")
    username = ""
    try:
        if not access.removes_accounts(token):
            why = "this token is not of a user who may remove accounts: name that user in retirement_users"
            return _said(HTTPStatus.FORBIDDEN, why)
        username, account = _asked_for(request)
        people.retire_account(current().lms, account, username=username, email="")
    except ConferralError as error:
        with journal.hiding(username):
            journal.breakdown(logger, "a learner could not be retired", error)
        return _said(HTTPStatus.SERVICE_UNAVAILABLE, LATER)
    except BadRequest as error:
        return _said(HTTPStatus.BAD_REQUEST, str(error))
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _asked_for(request: HttpRequest) -> tuple[str, str]:
    """The username, else the id of the account; the other is empty."""
    if len(request.body) > LONGEST:
        raise BadRequest("the request is too long")
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadRequest('the request is no JSON; send {"username": …}') from None
    asked = found if isinstance(found, dict) else {}
    username, account = asked.get("username", ""), asked.get("edx_lms_user_id", "")
    if not isinstance(username, str) or not isinstance(account, int | str) or not (username or account):
        raise BadRequest("username, or edx_lms_user_id: is missing, or no text")
    try:
        return check_storable(username), check_storable(str(account))
    except ValueError as error:
        raise BadRequest(f"username, or edx_lms_user_id: {error}") from None


def _said(status: HTTPStatus, why: str, **headers: str) -> JsonResponse:
    return JsonResponse({"detail": why}, status=status, headers=headers)
