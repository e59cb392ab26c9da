"""Figures for Prometheus."""

import hmac
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conferral.settings import current


@require_safe
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """The pipeline's figures, for whoever has the token of the settings; without one there is no such page."""
    token = current().metrics_token
    if not token:
        return HttpResponse(status=HTTPStatus.NOT_FOUND)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), token.encode()):
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    try:
        from conferral.issuance import metrics  # noqa: PLC0415 - an LMS need not have the library
    except ImportError:
        return HttpResponse("pip install prometheus-client\n", "text/plain", HTTPStatus.NOT_IMPLEMENTED)
    return HttpResponse(metrics.text(), content_type=metrics.CONTENT_TYPE)
