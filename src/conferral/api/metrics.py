"""Figures for Prometheus."""

import hmac
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conferral import limits
from conferral.settings import current

GROUP = "metrics"


@require_safe
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """The pipeline's figures, for whoever has the token of the settings; without one there is no such page."""
    token = current().metrics_token
    if not token:
        return HttpResponse(status=HTTPStatus.NOT_FOUND)
    rate = current().sign_in_rate_limit
    if seconds := limits.still(request, GROUP, rate):
        return _too_many(seconds)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), token.encode()):
        if seconds := limits.wait(request, GROUP, rate):
            return _too_many(seconds)
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    try:
        from conferral.issuance import metrics  # noqa: PLC0415 - an LMS need not have the library
    except ImportError:
        return HttpResponse("pip install prometheus-client\n", "text/plain", HTTPStatus.NOT_IMPLEMENTED)
    return HttpResponse(metrics.lately(), content_type=metrics.CONTENT_TYPE)


def _too_many(seconds: int) -> HttpResponse:
    """Who has tried so many wrong tokens finds the right one no more, nor do others from that address for a while."""
    return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": str(seconds)})
