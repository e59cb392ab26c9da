"""In which language the pages of the service are: the one that the reader chose, else the browser's."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware

PARAMETER = "language"


class LanguageMiddleware(LocaleMiddleware):
    """Django's; besides, `?language=ar` chooses, and is remembered in Django's own cookie."""

    def process_request(self, request: HttpRequest) -> None:
        """As if the cookie were there already."""
        if chosen := _chosen(request):
            request.COOKIES[settings.LANGUAGE_COOKIE_NAME] = chosen
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Remembers the choice, for as long as the browser is open."""
        if chosen := _chosen(request):
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME, chosen, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax"
            )
        return super().process_response(request, response)


def languages(request: HttpRequest) -> dict[str, Any]:
    """For templates: code and name of each language, and the address of this page in it."""

    def address(code: str) -> str:
        query = request.GET.copy()
        query[PARAMETER] = code
        return f"?{query.urlencode()}"

    return {"languages": [(code, name, address(code)) for code, name in settings.LANGUAGES]}


def _chosen(request: HttpRequest) -> str:
    asked = request.GET.get(PARAMETER, "")
    return asked if asked in dict(settings.LANGUAGES) else ""
