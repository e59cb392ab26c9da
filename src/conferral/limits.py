"""How often one address may ask: counted in Django's cache by django-ratelimit."""

import logging
from functools import partial

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django_ratelimit.core import get_usage

logger = logging.getLogger(__name__)

UNKNOWN = "unknown"
NO_ADDRESS = (ImproperlyConfigured, ValueError, KeyError)
"""What the library raises of a request that came by a Unix socket, or with an address that is none."""


def wait(request: HttpRequest, group: str, rate: str, who: str = "") -> int:
    """Counts the request in its group: 0, or the seconds to wait when that address has asked too often.

    `who` is counted in place of the network address where it is given.

    The address is REMOTE_ADDR, or what the site's RATELIMIT_IP_META_KEY names; all who have none count as one. Where
    nothing can be counted, because the cache is down, whoever asks is answered: proving a credential matters more.
    """
    return _wait(request, group, rate, who, increment=True)


def still(request: HttpRequest, group: str, rate: str) -> int:
    """The same without counting this request: where only those that go wrong are counted."""
    return _wait(request, group, rate, "", increment=False)


def _wait(request: HttpRequest, group: str, rate: str, who: str, *, increment: bool) -> int:
    if not rate:
        return 0
    count = partial(get_usage, request, group=f"conferral.{group}", rate=rate, increment=increment)
    try:
        try:
            usage = count(key=partial(_named, who) if who else "ip")
        except NO_ADDRESS:
            usage = count(key=partial(_named, UNKNOWN))
    except Exception as error:  # each cache has errors of its own, and no common base
        logger.warning("requests cannot be counted: %r", error)
        return 0
    # Without a figure from the cache the library would refuse everybody; it says -1 then.
    if usage is None or not usage["should_limit"] or usage["time_left"] < 0:
        return 0
    return max(int(usage["time_left"]), 1)


def _named(who: str, group: str, request: HttpRequest) -> str:
    return who
