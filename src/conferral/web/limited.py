"""Pages that one address may not ask for without end."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from conferral import limits
from conferral.settings import AppSettings, current

View = Callable[..., HttpResponseBase]
TOO_MANY = 429
READING = frozenset({"GET", "HEAD"})
WRITING = frozenset({"POST"})


def public_rate(settings: AppSettings) -> str:
    """The rate of what everybody may read."""
    return settings.rate_limit


def sign_in_rate(settings: AppSettings) -> str:
    """The rate of tries to sign in."""
    return settings.sign_in_rate_limit


def limited(
    group: str, rate: Callable[[AppSettings], str] = public_rate, methods: Collection[str] = READING
) -> Callable[[View], View]:
    """A view that answers 429 and a page of ours when an address has asked for those of its group too often."""

    def around(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            seconds = limits.wait(request, group, rate(current())) if request.method in methods else 0
            if not seconds:
                return view(request, *arguments, **named)
            response = render(request, "conferral/too_many.html", {"seconds": seconds}, status=TOO_MANY)
            response.headers["Retry-After"] = str(seconds)
            response.headers["Cache-Control"] = "no-store"
            return response

        return counted

    return around
