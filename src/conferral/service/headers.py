"""What browsers are told of every answer of the service: the pages, the admin, the API, static files, errors."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

HEADERS = {
    # Django's admin sets styles in its pages, and so do forms of ours; scripts come from files alone.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
"""Pages that say less have a stricter policy of their own, which stays."""


class HeadersMiddleware:
    """Adds them where an answer has none of its own."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer of whatever lies within."""
        response = self._answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
