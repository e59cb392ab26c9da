"""Who asks, and whether with TLS: as proxies tell that are trusted. What anybody else claims counts for nothing."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
ADDRESS, SCHEME = "REMOTE_ADDR", "wsgi.url_scheme"
BEHIND = "http"


class ProxyMiddleware:
    """Puts the client's address and the scheme of its request where Django and everybody else look for them.

    A site whose public address is https is reached by https, unless a trusted proxy says that this request was not:
    that one is led to https by Django. So no proxy that keeps silent ever makes a circle of redirects.
    """

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._answer = answer
        self._trusted: Sequence[Network] = settings.TRUSTED_PROXIES
        self._secure: bool = settings.SECURE_SSL_REDIRECT

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """As the innermost of the trusted proxies has it, and those that it trusts in turn."""
        trusted = self._trusts(request.META.get(ADDRESS, ""))
        if self._secure:
            said = _last(request.headers.get("X-Forwarded-Proto", "")) if trusted else ""
            request.META[SCHEME] = BEHIND if said == BEHIND else "https"
        if trusted:
            request.META[ADDRESS] = self._client(request)
        return self._answer(request)

    def _client(self, request: HttpRequest) -> str:
        """The last address that no trusted proxy has: what stands before it, its sender has written."""
        found = str(request.META.get(ADDRESS, ""))
        for said in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
            address = _address(said)
            if address is None:
                break
            found = str(address)
            if not self._trusts(found):
                break
        return found

    def _trusts(self, peer: str) -> bool:
        address = _address(peer)
        if address is None:
            return bool(self._trusted)  # a Unix socket, which no network reaches
        return any(address in network for network in self._trusted)


def _address(text: str) -> Address | None:
    """The address, without the port that some proxies write; an IPv4 address in IPv6's clothes is itself."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _last(text: str) -> str:
    return text.rpartition(",")[2].strip().lower()
