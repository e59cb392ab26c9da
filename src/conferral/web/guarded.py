"""What every public page has in common: how it may be asked for, and what browsers are told of it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

View = Callable[..., HttpResponseBase]
HEADERS = {
    # Scripts and what they ask for are of this site; there is none within a page.
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "private, no-cache",
}


def page(view: View) -> View:
    """A page that reads only, that no search engine lists, and that runs nothing of others."""
    return require_safe(_with_headers(view))


def form_page(view: View) -> View:
    """A page with a form that changes something: the same, and it may be posted to, by its own form alone."""
    return require_http_methods(["GET", "HEAD", "POST"])(csrf_protect(_with_headers(view)))


def _with_headers(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        response = view(request, *arguments, **named)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return guarded
