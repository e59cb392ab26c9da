"""Signing in with the account of the LMS: the recipe of the documentation, word for word, and an LMS of a few lines.

The backend is under the AGPL, and nobody's who has not asked for it: `pip install edx-auth-backends` runs this test.
"""

import json
import os
import re
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

jwt = pytest.importorskip("jwt", reason="edx-auth-backends is not installed")
pytest.importorskip("auth_backends", reason="edx-auth-backends is not installed")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-beside-your-lms.md"
KEY = "not looked at: the token comes from the LMS itself, over TLS"
ACCOUNTS = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("admin", "admin@example.com", "secret")
"""
SCRIPT = """
import json, sys
from django.test import Client
from urllib.request import HTTPErrorProcessor, build_opener
from conferral.models import Learner

class Stays(HTTPErrorProcessor):
    def http_response(self, request, response):
        return response

browser = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
shown = browser.get("/sign-in/?next=%2Fmine%2F%3Fpage%3D2")
begun = browser.post(
    "/login/edx-oauth2/", {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value, "next": "/mine/?page=2"}
)
there = build_opener(Stays).open(begun["Location"])
back = there.headers["Location"]
ended = browser.get(back[back.index("/complete/"):])
mine = browser.get("/mine/")
again = Client(HTTP_HOST="localhost").get(back[back.index("/complete/"):])
print(json.dumps({
    "page": shown.content.decode(), "policy": shown["Content-Security-Policy"], "to": begun["Location"],
    "ended": ended["Location"], "mine": mine.status_code, "again": again["Location"],
    "user": {name: getattr(mine.wsgi_request.user, name) for name in ("username", "is_staff", "is_superuser")},
    "learners": list(Learner.objects.filter(user=mine.wsgi_request.user.pk).values_list("key", flat=True)),
}))
"""


class Lms(BaseHTTPRequestHandler):
    """Whoever comes is signed in there as `username`, and says yes."""

    username = "ana"

    def do_GET(self):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        assert urlsplit(self.path).path == "/oauth2/authorize"
        assert set(asked["scope"].split()) == {"user_id", "profile", "email"}
        self.server.heard.append(asked["client_id"])
        self.send_response(302)
        back, code = asked["redirect_uri"], urlencode({"code": "a code", "state": asked["state"]})
        self.send_header("Location", f"{back}{'&' if '?' in back else '?'}{code}")
        self.end_headers()

    def do_POST(self):
        said = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert (self.path, said["code"], said["token_type"]) == ("/oauth2/access_token", ["a code"], ["jwt"])
        claims = {"preferred_username": self.server.username, "email": "ana@example.com", "user_id": 7}
        claims |= {"administrator": True, "superuser": True}  # of the LMS; here they are nobody's word
        body = json.dumps({"access_token": jwt.encode(claims, KEY, algorithm="HS256"), "token_type": "JWT"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def lms(username):
    """It answers on a port of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Lms) as server:
        server.username, server.heard = username, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def recipe(root):
    """The two modules of the documentation, for that LMS."""
    section = PAGE.read_text(encoding="utf-8").partition("## Signing in with the LMS")[2].partition("\n## ")[0]
    settings, urls = (dedent(block) for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL))
    assert "https://lms.example.org" in settings
    return settings.replace("https://lms.example.org", root), urls


def signed_in(site, root):
    """What came of it on a site that is set up like that."""
    settings, urls = recipe(root)
    site.write("site_settings.py", settings)
    site.write("site_urls.py", urls)
    site.environment |= {
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "PYTHONPATH": os.pathsep.join([str(site.path), *sys.path]),
    }
    site.set_up([("ana", "Ana Ñandú", "1"), ("admin", "Ada Min", "1")])
    site.ok("shell", "-v0", "-c", ACCOUNTS)
    return json.loads(site.ok("shell", "-v0", "-c", SCRIPT).strip().splitlines()[-1])


def test_the_recipe_signs_a_learner_in_and_gives_them_what_is_theirs(site):
    with lms("ana") as (server, root):
        found = signed_in(site, root)
    assert 'action="/login/edx-oauth2/"' in found["page"]
    assert 'name="next" value="/mine/?page=2"' in found["page"]
    assert f"form-action 'self' {root};" in found["policy"]
    assert found["to"].startswith(f"{root}/oauth2/authorize?")
    assert server.heard == ["conferral-sso"]
    assert (found["ended"], found["mine"]) == ("/mine/?page=2", 200)
    assert found["learners"] == ["ana"]
    assert found["user"] == {"username": "ana", "is_staff": False, "is_superuser": False}
    assert found["again"].partition("?")[0] == "/sign-in/"  # the code in another browser


def test_who_is_called_admin_in_the_lms_is_not_the_admin_here(site):
    with lms("admin") as (_, root):
        found = signed_in(site, root)
    assert found["learners"] == ["admin"]
    assert found["user"]["username"] != "admin"
    assert not found["user"]["is_superuser"]
