"""The standalone service, attacked through its own web server, directly and behind a proxy: what a browser is told."""

import json
import os
import subprocess
import sys
import time
from http.client import HTTPConnection
from http.cookies import SimpleCookie

import django
import pytest

from tests.acceptance.conftest import COMMAND, COURSE, DECLARATIONS, PLUGINS
from tests.services.smtp import free_port

pytestmark = pytest.mark.skipif(django.VERSION < (5, 2), reason="the standalone service needs Django 5.2")
PUBLIC = "https://credentials.example.org"
HOST = "credentials.example.org"


class Service:
    """A home with one certificate, and the web part of `conferral serve` with settings of one's own."""

    def __init__(self, path, environment):
        self.path, self.environment, self.running = path, environment, []

    def run(self, *arguments, **more):
        done = self.attempt(*arguments, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *arguments, **more):
        environment = self.environment | more
        command = [COMMAND, *arguments]
        return subprocess.run(command, cwd=self.path, env=environment, capture_output=True, text=True, check=False)

    def start(self, **more):
        port = free_port()
        command = [sys.executable, "-m", "conferral.service.process", "web", "127.0.0.1", str(port)]
        process = subprocess.Popen(
            command, cwd=self.path, env=self.environment | more, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.running.append(process)
        for _ in range(300):
            try:
                ask(port, "/health/live", Host="localhost")
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
            else:
                return port
        raise AssertionError("the web part did not start")

    def stop(self):
        for process in self.running:
            process.terminate()
            process.communicate(timeout=20)


def ask(port, path, method="GET", body=None, **headers):
    """Exactly that path, which no client has tidied: status, headers, body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in ({"Host": HOST} | headers).items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory, template):
    path = tmp_path_factory.mktemp("service")
    own = ("CONFERRAL", "DJANGO", "DATABASE", "EMAIL", "CELERY", "TRUSTED", "CACHE", "SECRET", "ALLOWED")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    environment |= {"CONFERRAL_HOME": str(path / "var"), "PYTHONPATH": PLUGINS, "PYTHONUTF8": "1"}
    environment |= {"CONFERRAL_PLUGINS": '{"pdf": {"fallback_fonts": ["built-in"]}}'}
    made = Service(path, environment)
    (path / "plain.pdf").write_bytes(template)
    (path / "credentials.yaml").write_text(DECLARATIONS)
    (path / "roster.csv").write_text("username,email,name,completion\nana,ana@example.com,Ana,1\n")
    made.run("migrate", "--verbosity", "0")
    made.run("apply", "credentials.yaml")
    made.run("roster", "import", COURSE, "roster.csv")
    made.run("run")
    (found,) = json.loads(made.run("credentials", "--json"))
    made.number = found["verification_id"]
    made.port = made.start(CONFERRAL_PUBLIC_URL=PUBLIC, TRUSTED_PROXIES="127.0.0.1")
    yield made
    made.stop()


PAGES = {
    "/": 200,
    "/check/": 200,
    "/check/?id=x": 404,
    "/c/{}": 200,
    "/c/{}/certificate.pdf": 200,
    "/c/{}/picture/certificate.pdf": 200,
    "/c/{}/none.pdf": 404,
    "/api/conferral/v1/credentials/{}/": 200,
    "/api/conferral/v1/credentials/x/": 404,
    "/health/live": 200,
    "/health/ready": 200,
    "/mine/": 302,
    "/sign-in/": 200,
    "/sign-in/stranger": 200,
    "/admin/": 302,
    "/admin/login/": 200,
    "/user/retire/": 405,
    "/static/conferral/conferral.css": 200,
    "/static/admin/css/base.css": 200,
    "/static/none.css": 404,
    "/nowhere": 404,
}
FORMS = ("/sign-in/", "/sign-in/stranger", "/admin/login/")


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_tells_the_browser_what_it_may(service, path):
    status, headers, _ = ask(service.port, path.format(service.number))
    assert status == PAGES[path]
    policy = headers["Content-Security-Policy"]
    assert "default-src" in policy
    # Scripts come from files of the site alone.
    assert "script-src" not in policy.replace("script-src 'self';", "")
    assert "frame-ancestors 'none'" in policy or "sandbox" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Server" not in headers
    assert "Access-Control-Allow-Origin" not in headers
    # Whoever verifies is not followed; a form has a cookie against forgery, no session.
    cookies = SimpleCookie(headers.get("Set-Cookie", ""))
    assert set(cookies) == ({"csrftoken"} if path in FORMS else set())
    assert all(cookie["secure"] and cookie["samesite"] == "Lax" for cookie in cookies.values())


def test_a_request_that_is_none_is_told_it_too(service):
    for status, headers, body in (
        ask(service.port, "/", Host="evil.example"),
        ask(service.port, "/c/x", method="POST", body=b"x"),
        ask(service.port, "/sign-in/", method="POST", body=b"username=a"),
    ):
        assert status in (400, 403, 405)
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src" in headers["Content-Security-Policy"]
        assert b"evil.example" not in body
        assert b"Traceback" not in body


def test_nothing_climbs_out_of_its_folder(service):
    secret = (service.path / "var" / "secret-key").read_bytes()
    climbing = ("../secret-key", "..%2fsecret-key", "%2e%2e/%2e%2e/secret-key", "..%5csecret-key", "....//secret-key")
    own = f"/c/{service.number}/"
    for start in (own, f"{own}picture/", "/static/", "/static/conferral/", "/mails/", "/"):
        for rest in (*climbing, "%2fetc%2fpasswd", "/etc/passwd", "../../../../../../etc/passwd", "secret-key%00.css"):
            status, _, body = ask(service.port, start + rest)
            assert status in (301, 302, 400, 404)
            assert secret not in body
            assert b"root:" not in body


def test_an_address_with_two_slashes_leads_to_no_other_site(service):
    for path in ("//evil.example/%2e%2e", "//evil.example", "/\\evil.example/", "///evil.example/check"):
        _, headers, _ = ask(service.port, path)
        location = headers.get("Location", "/")
        assert location.startswith(("/", f"{PUBLIC}/"))
        assert not location.startswith("//")


def test_a_request_larger_than_any_upload_is_refused_unread(service):
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.putrequest("POST", "/admin/login/", skip_host=True)
    connection.putheader("Host", HOST)
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


# Behind a proxy


def test_who_comes_without_tls_is_led_to_it_once(service):
    proxied = {"X_Forwarded_For": "198.51.100.7"}
    status, headers, _ = ask(service.port, "/check/?id=x", X_Forwarded_Proto="http", **proxied)
    assert (status, headers["Location"]) == (301, f"{PUBLIC}/check/?id=x")
    assert ask(service.port, "/check/", X_Forwarded_Proto="https", **proxied)[0] == 200
    assert ask(service.port, "/check/", **proxied)[0] == 200  # one that does not say makes no circle
    status, headers, _ = ask(service.port, "/", Host="localhost", X_Forwarded_Proto="http", **proxied)
    assert headers["Location"] == f"{PUBLIC}/"


def test_forms_work_behind_it(service):
    _, headers, page = ask(service.port, "/sign-in/", X_Forwarded_Proto="https")
    cookie = SimpleCookie(headers["Set-Cookie"])["csrftoken"].value
    token = page.split(b'name="csrfmiddlewaretoken" value="')[1].split(b'"')[0].decode()
    body = f"username=eve&password=eve&csrfmiddlewaretoken={token}".encode()
    sent = {"Cookie": f"csrftoken={cookie}", "Content_Type": "application/x-www-form-urlencoded"}
    for origin, expected in ((PUBLIC, 200), ("http://credentials.example.org", 403), ("https://evil.example", 403)):
        assert ask(service.port, "/sign-in/", "POST", body, Origin=origin, **sent)[0] == expected


def counted(port, addresses, **more):
    return [ask(port, "/check/", X_Forwarded_For=address, **more)[0] for address in addresses]


def test_each_client_of_a_trusted_proxy_counts_by_itself(service):
    proxies = "127.0.0.0/8, 10.0.0.0/8"
    port = service.start(CONFERRAL_PUBLIC_URL=PUBLIC, TRUSTED_PROXIES=proxies, CONFERRAL_RATE_LIMIT="2/d")
    assert counted(port, ["198.51.100.7"] * 3) == [200, 200, 429]
    # What stands before the last address that is not a proxy's, the client has written.
    assert counted(port, [f"203.0.113.{n}, 198.51.100.8" for n in range(3)]) == [200, 200, 429]
    assert counted(port, [f"203.0.113.{n}, 198.51.100.9, 10.1.2.3" for n in range(3)]) == [200, 200, 429]
    assert counted(port, [f"nonsense-{n}, 198.51.100.10:{4000 + n}" for n in range(3)]) == [200, 200, 429]
    assert counted(port, [f"[2001:db8::{n}]:4000" for n in range(3)]) == [200, 200, 429]
    assert counted(port, [f"::ffff:198.51.100.{n}" for n in (7, 8)]) == [429, 429]


def test_whom_nobody_trusts_is_not_believed(service):
    port = service.start(CONFERRAL_PUBLIC_URL=PUBLIC, CONFERRAL_RATE_LIMIT="2/d")
    assert counted(port, [f"198.51.100.{n}" for n in range(3)], X_Real_IP="203.0.113.9") == [200, 200, 429]
    status, headers, _ = ask(port, "/", X_Forwarded_Proto="http", Forwarded="for=1.2.3.4;proto=http")
    assert (status, bool(headers["Strict-Transport-Security"])) == (200, True)


def test_mails_are_not_shown_through_a_proxy_on_the_same_machine(service):
    """They are for whoever tries Conferral out, at that machine."""
    port = service.start(CONFERRAL_SHOWS_MAILS="yes")
    assert b"ana@example.com" in ask(port, "/", Host="localhost")[2]
    names = ("X_Forwarded_For", "X_Forwarded_Proto", "X_Forwarded_Host", "Forwarded", "Via", "X_Real_IP")
    for name in names:
        assert b"ana@example.com" not in ask(port, "/", Host="localhost", **{name: "203.0.113.9"})[2]
    (mail,) = [path.name for path in (service.path / "var" / "mail").iterdir()]
    assert ask(port, f"/mails/{mail}", Host="localhost")[0] == 200
    assert ask(port, f"/mails/{mail}", Host="localhost", X_Forwarded_For="203.0.113.9")[0] == 404
    assert ask(port, f"/mails/{mail}", Host="evil.example")[0] == 400  # a name that was made to lead here


# As it is deployed


def test_django_finds_nothing_wrong_with_a_deployment(service):
    deployed = {"CONFERRAL_PUBLIC_URL": PUBLIC, "TRUSTED_PROXIES": "127.0.0.1"}
    said = service.run("check", "--deploy", "--fail-level", "DEBUG", **deployed)
    assert said == "System check identified no issues (2 silenced).\n"


def test_a_deployment_that_names_no_web_server_is_warned(service):
    """All its visitors would share one address, and one of them could use up what all may ask."""
    done = service.attempt("check", "--deploy", "--fail-level", "WARNING", CONFERRAL_PUBLIC_URL=PUBLIC)
    assert done.returncode != 0
    assert "conferral.W001) TRUSTED_PROXIES names no web server" in done.stderr
    assert "W001" not in service.run("check", "--deploy", CONFERRAL_PUBLIC_URL="http://localhost:8000")


PUBLIC_STORAGE = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {"bucket_name": "diplomas", "region_name": "eu-central-1", "custom_domain": "diplomas.example.org"},
}


@pytest.mark.parametrize(
    "program",
    [
        ["-c", "from conferral.service.wsgi import application"],
        ["-m", "celery", "--app", "conferral.service", "worker", "--pool", "solo"],
        ["-c", "from conferral.service.console import main; main()", "status"],
    ],
)
def test_with_a_storage_that_is_public_nothing_starts(service, program):
    done = subprocess.run(
        [sys.executable, *program],
        cwd=service.path,
        env=service.environment | {"CONFERRAL_STORAGE": json.dumps(PUBLIC_STORAGE)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode not in (0, None)
    assert "is not private: custom_domain (diplomas.example.org) takes the signature off links" in done.stderr


@pytest.mark.parametrize("value", ["proxy.example.org", "10.0.0.1/8", "*"])
def test_a_proxy_that_is_no_address_is_refused(service, value):
    done = service.attempt("check", TRUSTED_PROXIES=value)
    assert done.returncode != 0
    assert "conferral: TRUSTED_PROXIES" in done.stderr


def test_an_address_of_a_cache_that_is_none_is_refused_without_its_password(service):
    done = service.attempt("check", CACHE_URL="nonsense://:secret@cache.example")
    assert "conferral: CACHE_URL: is not an address like" in done.stderr
    assert "secret" not in done.stderr


def test_the_secret_key_is_its_owner_s_alone(service):
    assert (service.path / "var" / "secret-key").stat().st_mode & 0o077 == 0
