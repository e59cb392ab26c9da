"""Somebody asks and asks; somebody pretends to be many; and the cache that counts is down."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from conferral.settings import current
from tests.faces.conftest import address

FEW = 3
PICTURES = ("{}/picture/certificate.pdf", "{}/share/card.png", "{}/issuer/logo/", "/logo/")
FILE = f"/check/file/{'0' * 64}"
PAGES = ("/check/", FILE, "{}", "{}/certificate.pdf", *PICTURES, "/api/conferral/v1/credentials{}/")
TOKEN = "a token of the tests"


@pytest.fixture
def few(settings):
    # In a day: no window ends within a test, but for one second in 86,400.
    settings.CONFERRAL_RATE_LIMIT = settings.CONFERRAL_SIGN_IN_RATE_LIMIT = f"{FEW}/d"
    return settings


def at(page, credential):
    path = address(credential)
    return page.format(path.removeprefix("/c") if page.startswith("/api") else path)


def answered(page):
    """With what: the site of the tests has no logo, and to look for one counts as much."""
    return 404 if "logo" in page else 200


def asked(client, path, times, **headers):
    responses = [client.get(path, **headers) for _ in range(times)]
    for response in responses:
        b"".join(response)  # a file is read to its end, and closed
    return [response.status_code for response in responses], responses[-1]


@pytest.mark.parametrize("page", PAGES)
def test_who_asks_too_often_is_told_when_to_come_back(issued, stranger, few, page):
    statuses, last = asked(stranger, at(page, issued), FEW + 2)
    assert statuses == [answered(page)] * FEW + [429, 429]
    assert 0 < int(last["Retry-After"]) <= 86400
    assert last["Cache-Control"] == "no-store"
    assert last["X-Content-Type-Options"] == "nosniff"
    if page.startswith("/api"):
        assert "too many requests" in last.json()["detail"]
    else:
        assert "Too much was asked for from your network address" in last.content.decode()
        assert "frame-ancestors 'none'" in last["Content-Security-Policy"]


def test_wrong_numbers_count_as_right_ones_do(issued, stranger, few):
    for wrong in ("0000000000000000", "x", "1111111111111111"):
        assert stranger.get(f"/c/{wrong}").status_code == 404
    assert stranger.get(address(issued)).status_code == 429


def test_each_kind_of_page_and_each_address_counts_by_itself(issued, stranger, few):
    asked(stranger, "/check/", FEW + 1)
    assert stranger.get(address(issued)).status_code == 200
    assert Client(REMOTE_ADDR="198.51.100.7").get("/check/").status_code == 200
    # A household or a rented server has 2^64 addresses of IPv6: they are one.
    neighbours = [Client(REMOTE_ADDR=f"2001:db8::{number}") for number in range(FEW + 1)]
    assert [client.get("/check/").status_code for client in neighbours] == [200] * FEW + [429]
    assert Client(REMOTE_ADDR="2001:db8:0:1::1").get("/check/").status_code == 200


@pytest.mark.parametrize("header", ["X_FORWARDED_FOR", "X_REAL_IP", "FORWARDED", "CLIENT_IP", "CF_CONNECTING_IP"])
def test_nobody_becomes_another_by_a_header(stranger, few, db, header):
    statuses = [stranger.get("/check/", **{f"HTTP_{header}": f"203.0.113.{n}"}).status_code for n in range(FEW + 1)]
    assert statuses == [200] * FEW + [429]


def test_a_site_may_say_where_the_address_stands(few, db):
    few.RATELIMIT_IP_META_KEY = "HTTP_X_REAL_IP"
    client = Client()
    assert [client.get("/check/", HTTP_X_REAL_IP=f"203.0.113.{n}").status_code for n in range(FEW + 1)] == [200] * 4


@pytest.mark.parametrize("nothing", ["", "0"])
def test_an_empty_limit_is_none(stranger, settings, db, nothing):
    settings.CONFERRAL_RATE_LIMIT = nothing
    assert set(asked(stranger, "/check/", 200)[0]) == {200}


@pytest.mark.parametrize("rate", ["many", "0/m", "120", "120/x", "-1/m", "1.5/m", "a.b", "1/0s"])
def test_a_limit_that_is_none_is_refused(settings, rate):
    settings.CONFERRAL_RATE_LIMIT = rate
    with pytest.raises(ImproperlyConfigured, match="RATE_LIMIT: .* is not accepted"):
        current()


def test_pictures_of_all_kinds_count_together(issued, stranger, few):
    statuses = [asked(stranger, at(page, issued), 1)[0][0] for page in PICTURES]
    assert statuses == [200, 200, 404, 429]


# What programs ask for


def posted(client, times, **headers):
    responses = [client.post("/user/retire/", {}, content_type="application/json", **headers) for _ in range(times)]
    return [response.status_code for response in responses], responses[-1]


@pytest.mark.urls("conferral.api.urls")
@pytest.mark.parametrize("headers", [{}, {"HTTP_AUTHORIZATION": "JWT x"}])
def test_who_wants_people_removed_too_often_is_told_when_to_come_back(few, stranger, db, headers):
    statuses, last = posted(stranger, FEW + 2, **headers)
    assert statuses == [403 if headers else 401] * FEW + [429, 429]
    assert 0 < int(last["Retry-After"]) <= 86400
    assert "too many requests" in last.json()["detail"]


@pytest.mark.urls("conferral.api.urls")
def test_the_token_of_the_figures_is_not_guessed(few, stranger, db):
    """Who has it may ask as often as he likes; who has tried too many has to wait, though he finds it then."""
    few.CONFERRAL_METRICS_TOKEN = TOKEN
    right, wrong = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}, {"HTTP_AUTHORIZATION": "Bearer a guess"}
    assert asked(stranger, "/metrics", FEW + 2, **right)[0] == [200] * (FEW + 2)
    statuses, last = asked(stranger, "/metrics", FEW + 2, **wrong)
    assert statuses == [401] * FEW + [429, 429]
    assert 0 < int(last["Retry-After"]) <= 86400
    assert asked(stranger, "/metrics", 1, **right)[0] == [429]
    assert asked(Client(REMOTE_ADDR="198.51.100.7"), "/metrics", 1, **right)[0] == [200]


# The cache is down


@pytest.fixture
def no_cache(few, tmp_path):
    """A cache that fails at whatever it is asked: its folder is a file."""
    (tmp_path / "file").write_text("")
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    few.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "file" / "cache")}}


@pytest.mark.parametrize("page", PAGES)
def test_without_a_cache_everybody_is_answered(issued, stranger, no_cache, page):
    assert asked(stranger, at(page, issued), FEW + 2)[0] == [answered(page)] * (FEW + 2)


@pytest.mark.urls("conferral.api.urls")
def test_without_a_cache_the_figures_are_read_and_wrong_tokens_are_refused(stranger, no_cache, few, db):
    few.CONFERRAL_METRICS_TOKEN = TOKEN
    assert asked(stranger, "/metrics", FEW + 2, HTTP_AUTHORIZATION=f"Bearer {TOKEN}")[0] == [200] * (FEW + 2)
    assert asked(stranger, "/metrics", FEW + 2)[0] == [401] * (FEW + 2)


def test_a_cache_that_counts_nothing_lets_everybody_in(stranger, few, db):
    few.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert asked(stranger, "/check/", FEW + 2)[0] == [200] * (FEW + 2)


@pytest.mark.parametrize("peer", ["", "nonsense"])
def test_all_who_have_no_address_count_as_one(few, db, peer):
    """Behind a Unix socket nobody has one; without a limit, passwords could be tried there for ever."""
    assert asked(Client(REMOTE_ADDR=peer), "/check/", FEW + 2)[0] == [200] * FEW + [429, 429]
    assert Client(REMOTE_ADDR="nonsense too").get("/check/").status_code == 429
    assert Client(REMOTE_ADDR="198.51.100.7").get("/check/").status_code == 200


# Signing in, on the standalone service


@pytest.mark.urls("conferral.service.urls")
def test_passwords_are_not_guessed(few, django_user_model):
    django_user_model.objects.create_user("ana", password="right")
    client = Client()
    tries = [("/sign-in/", "a"), ("/admin/login/", "b"), ("/sign-in/", "c")]
    for path, password in tries:
        assert client.post(path, {"username": "ana", "password": password}).status_code == 200
    for path in ("/sign-in/", "/admin/login/", "/sign-in/some-token"):
        refused = client.post(path, {"username": "ana", "password": "right"})
        assert (refused.status_code, bool(refused["Retry-After"])) == (429, True)
    assert "_auth_user_id" not in client.session
    # Looking at the form is not trying.
    assert asked(client, "/sign-in/", FEW + 2)[0] == [200] * (FEW + 2)
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert elsewhere.post("/sign-in/", {"username": "ana", "password": "right"}).status_code == 302
