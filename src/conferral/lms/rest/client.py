"""Calls to the LMS: one token, few connections, patience, and an error that says what to do."""

import re
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from json import JSONDecodeError, loads
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from conferral.contract import ConferralError, TransientError
from conferral.lms.rest.settings import RestSettings

T = TypeVar("T")
R = TypeVar("R")

TOKEN = "/oauth2/access_token/"  # noqa: S105 - a path  # nosec B105
ME = "/api/user/v1/me"
LEEWAY = 60
"""Seconds before its end from which a token is not used any more."""
THROTTLED = re.compile(r"available in (\d+) second")
AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
CONNECT_SECONDS = 10
LATER = "the run is tried again by itself"
WAYS_OUT = {
    "feature_not_enabled": "switch on the waffle flag grades.writable_gradebook",
}
"""Of a refusal, by its error code; of any other:"""
STAFF = "make the user of the OAuth2 application staff of the LMS, and leave the application unrestricted"


class LMSError(ConferralError):
    """The LMS refuses, or is not what it should be: somebody has to mend it."""


class LMSUnavailable(TransientError):
    """The LMS does not answer, or not wholly: it may later."""


class NotThere(LMSError):
    """404: the LMS does not know what was asked for."""


class Client:
    """A client of one LMS; threads may share it. The token is fetched when it is first needed."""

    def __init__(self, settings: RestSettings) -> None:
        self._settings = settings
        limits = httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency)
        timeout = httpx.Timeout(settings.timeout, connect=min(CONNECT_SECONDS, settings.timeout))
        self._http = httpx.Client(base_url=settings.url, limits=limits, timeout=timeout, follow_redirects=True)
        weakref.finalize(self, self._http.close)  # a client lives as long as its gateway
        self._token = ""  # nosec B105
        self._token_ends = 0.0
        self._lock = threading.Lock()
        self.clock: datetime | None = None

    def get(self, path: str, **parameters: str | int) -> Any:
        """The JSON at that path, numbers as exact decimals. NotThere for a 404, else an LMSError or LMSUnavailable."""
        return self._patiently(lambda: self._get(path, parameters))

    def pages(self, path: str, **parameters: str | int) -> Iterator[list[Any]]:
        """The results, page by page, by the links that the LMS gives; a page that fails ends it with an error."""
        answer = self.get(path, **parameters)
        most = 0
        while True:
            try:
                results = answer["results"]
                about = answer.get("pagination", answer)
                following, count = about["next"], about.get("count", 0)
            except (KeyError, TypeError, AttributeError):
                raise LMSError(f"{path}: answered with something that is no list of results; is this an LMS?") from None
            if count < most:
                # Numbered pages move up when somebody leaves: whoever slipped onto the page before was not seen.
                raise LMSUnavailable(f"{path}: {most - count} of {most} left while the pages were read; {LATER}")
            most = count
            yield results
            if not following:
                return
            answer = self.get(self._ours(following))

    def at_once(self, call: Callable[[T], R], each: Iterable[T]) -> list[R]:
        """The call for each, a few at a time; the first error is raised when those under way have ended."""
        with ThreadPoolExecutor(self._settings.concurrency, "conferral-rest") as pool:
            return list(pool.map(call, each))

    def authenticate(self) -> None:
        """Fetches a token anew: whether address, client and secret are right."""
        self._patiently(self._renew)

    def owner_of(self, token: str) -> str:
        """The username of whoever the LMS gave that token to; empty when the token is worth nothing."""
        response = self._patiently(lambda: self._asked_as(token))
        return "" if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) else _owner(response)

    def _asked_as(self, token: str) -> httpx.Response:
        response = self._send("GET", ME, token)
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _checked(response, ME)
        return response

    def _get(self, path: str, parameters: dict[str, str | int]) -> Any:
        token = self._usable_token()
        response = self._send("GET", path, token, params=parameters or None)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            # It may have been revoked, or the LMS has new keys: once more with a new one.
            self._forget(token)
            response = self._send("GET", path, self._usable_token(), params=parameters or None)
        return _json(_checked(response, path), path)

    def _send(self, method: str, path: str, token: str, **content: Any) -> httpx.Response:
        headers = {"Accept": "application/json"} | ({"Authorization": f"JWT {token}"} if token else {})
        try:
            response = self._http.request(method, path, headers=headers, **content)
        except httpx.HTTPError as error:
            raise self._explained(error, path) from error
        if date := response.headers.get("Date"):
            self.clock = parsedate_to_datetime(date)
        return response

    def _usable_token(self) -> str:
        with self._lock:
            if not self._token or time.monotonic() > self._token_ends:
                self._renew()
            return self._token

    def _renew(self) -> None:
        asked = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
            "token_type": "jwt",  # nosec B105
        }
        response = self._send("POST", TOKEN, "", data=asked)
        if response.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
            raise LMSError(
                f"the LMS does not accept client_id {self._settings.client_id!r} with its secret ({_said(response)}); "
                "in its admin, Django OAuth Toolkit › Applications, look for a confidential client with the grant "
                "type “client credentials”, and correct CONFERRAL_PLUGINS"
            )
        answer = _json(_checked(response, TOKEN), TOKEN)
        try:
            self._token = str(answer["access_token"])
            self._token_ends = time.monotonic() + max(float(answer["expires_in"]) - LEEWAY, 1)
        except (KeyError, TypeError, ValueError):
            raise LMSError(f"{TOKEN}: answered without a token; is {self._settings.url} an LMS?") from None

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._token = ""  # nosec B105

    def _ours(self, link: str) -> str:
        """A link as the LMS gave it; never to another host, which would get our token."""
        if urlsplit(link).hostname not in (None, urlsplit(self._settings.url).hostname):
            raise LMSError(
                f"the LMS links to {urlsplit(link).hostname}, and it was asked at {self._settings.url}; write the "
                "address that it knows itself by (LMS_ROOT_URL) as `url`"
            )
        parts = urlsplit(link)
        return f"{parts.path}?{parts.query}"

    def _patiently(self, call: Callable[[], T]) -> T:
        retrying = Retrying(
            retry=retry_if_exception_type(LMSUnavailable),
            stop=stop_after_attempt(self._settings.tries),
            wait=self._pause,
            reraise=True,
        )
        return retrying(call)

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.delay if isinstance(error, LMSUnavailable) else None
        if asked is None:
            return float(self._settings.backoff * 2 ** min(state.attempt_number - 1, 6))
        if asked > self._settings.longest_wait:
            assert error is not None  # it said so
            raise error
        return asked

    def _explained(self, error: httpx.HTTPError, path: str) -> LMSUnavailable | LMSError:
        where = f"{self._settings.url}{path}" if path.startswith("/") else path
        if (cause := _cause(error, ssl.SSLError)) is not None:
            return LMSError(f"{where}: the connection is not secure: {cause}; mend the certificate of the LMS")
        if isinstance(error, httpx.TimeoutException):
            return LMSUnavailable(f"{where}: no answer within {self._settings.timeout:g} s; {LATER}")
        if isinstance(error, httpx.ConnectError):
            return LMSUnavailable(f"{where}: cannot be reached: {error}; correct `url`, or start the LMS")
        if isinstance(error, httpx.TooManyRedirects):
            return LMSError(f"{where}: leads in a circle; write the address that the LMS knows itself by as `url`")
        return LMSUnavailable(f"{where}: the answer broke off: {error}; {LATER}")


def _checked(response: httpx.Response, path: str) -> httpx.Response:
    status = response.status_code
    if status in AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise LMSUnavailable(f"{path}: the LMS answered {status}: {_said(response)}; {LATER}", delay=_asked(response))
    if status == HTTPStatus.UNAUTHORIZED:
        raise LMSError(f"{path}: the LMS does not accept its own token ({_said(response)}); are its JWT keys in order?")
    if status == HTTPStatus.FORBIDDEN:
        raise LMSError(f"{path}: forbidden ({_said(response)}); {WAYS_OUT.get(_code(response), STAFF)}")
    if status == HTTPStatus.NOT_FOUND:
        raise NotThere(f"{path}: not found ({_said(response)})")
    if not response.is_success:
        raise LMSError(f"{path}: the LMS answered {status}: {_said(response)}")
    return response


def _json(response: httpx.Response, path: str) -> Any:
    try:
        return loads(response.text, parse_float=Decimal)
    except (JSONDecodeError, UnicodeDecodeError):
        kind = response.headers.get("Content-Type", "").partition(";")[0] or "something else"
        raise LMSError(
            f"{path}: JSON was expected, and {kind} came; a sign-in or maintenance page? Check `url` and the proxy"
        ) from None


def _owner(response: httpx.Response) -> str:
    answer = _json(_checked(response, ME), ME)
    return str(answer.get("username", "")) if isinstance(answer, dict) else ""


def _said(response: httpx.Response) -> str:
    """What the LMS says in its own words, in one line."""
    try:
        body = response.json()
    except (JSONDecodeError, UnicodeDecodeError):
        return str(HTTPStatus(response.status_code).phrase) if response.status_code in set(HTTPStatus) else "no words"
    if isinstance(body, dict):
        for name in ("developer_message", "detail", "error_description", "error"):
            if body.get(name):
                return " ".join(str(body[name]).split())[:200]
    return "no words"


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json().get("error_code", ""))
    except (JSONDecodeError, UnicodeDecodeError, AttributeError):
        return ""


def _asked(response: httpx.Response) -> float | None:
    """Seconds after which the LMS wants to be asked again: it has no Retry-After, and says it in words."""
    header = response.headers.get("Retry-After", "")
    if header.isdigit():
        return float(header)
    found = THROTTLED.search(_said(response))
    return float(found[1]) + 1 if found else None


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error
