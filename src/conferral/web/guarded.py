"""What every public page has in common: how it may be asked for, and what browsers are told of it."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

View = Callable[..., HttpResponseBase]
HEADERS = {
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


def policy() -> str:
    """Scripts are of this site, or from where it has its static files; there is none within a page."""
    static = urlsplit(settings.STATIC_URL)
    own = f"'self' {static.scheme or 'https'}://{static.netloc}" if static.netloc else "'self'"
    return (
        f"default-src 'none'; img-src {own}; style-src {own}; script-src {own}; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _with_headers(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        response = view(request, *arguments, **named)
        for name, value in {**HEADERS, "Content-Security-Policy": policy()}.items():
            response.headers.setdefault(name, value)
        return response

    return guarded
