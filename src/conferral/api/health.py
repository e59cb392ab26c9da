"""Whether this process is alive, and whether it is of any use: for whatever restarts and routes."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conferral import storage
from conferral.contract import ConferralError

logger = logging.getLogger(__name__)

OK = "ok"


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """It answers. Nothing else is asked: a database that is down is no reason to restart this."""
    return JsonResponse({"status": OK})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Database and storage can be used; 503 says which cannot, and not why: the log does."""
    found = {name: OK if _works(tried) else "unavailable" for name, tried in TRIED.items()}
    works = set(found.values()) == {OK}
    return JsonResponse(found, status=HTTPStatus.OK if works else HTTPStatus.SERVICE_UNAVAILABLE)


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _works(tried: Callable[[], None]) -> bool:
    try:
        tried()
    except (Error, ConferralError):
        logger.warning("this process is not ready", exc_info=True)
        return False
    return True


TRIED: dict[str, Callable[[], None]] = {"database": _database, "storage": storage.check}
