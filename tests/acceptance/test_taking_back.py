"""The commands that put things right, typed as an operator types them."""

import json
import re
import time

import pytest

from tests.acceptance.conftest import COURSE
from tests.services import smtp


@pytest.fixture
def issued(site):
    """Ana's and Bo's certificates, ready and mailed to files."""
    site.set_up([("ana", "Ana Nandu", "1"), ("bo", "Bo", "1")])
    site.ok("run")
    return {one["username"]: one["verification_id"] for one in site.json("credentials")}


def refused(site, *arguments):
    done = site(*arguments)
    assert done.returncode == 1
    return done.stderr


def mails(site):
    return len(list((site.home / "mail").glob("*.eml")))


def test_a_wrong_name_and_what_follows(site, issued):
    said = site.ok("reissue", issued["ana"].lower().replace("-", ""), "--name", "Ana Ñandú")
    assert re.search(r"reissued: http://localhost:8000/c/\S+  Ana Ñandú\n", said)
    assert "! the learner's account says 'Ana Nandu'; correct it there too" in said
    assert mails(site) == 3
    old, _, new = site.json("credentials")
    assert (old["replaced_by"], new["replaces"]) == (new["verification_id"], old["verification_id"])
    assert [one["purpose"] for one in new["delivery"]] == ["corrected"]
    assert "was replaced by" in refused(site, "reissue", issued["ana"])
    assert "was replaced by" in refused(site, "revoke", issued["ana"], "--reason", "x")
    assert "it was replaced by another" in refused(site, "resend", issued["ana"])
    assert site.json("run")[0]["issued"] == 0


def test_revoking(site, issued):
    assert "revoked: http://localhost:8000/c/" in site.ok("revoke", issued["bo"], "--reason", "not his own work")
    assert "already: not his own work" in refused(site, "revoke", issued["bo"], "--reason", "again")
    assert "it was revoked" in refused(site, "resend", issued["bo"])
    assert "reason: is empty" in refused(site, "revoke", issued["ana"], "--reason", " ")
    assert refused(site, "revoke", "K7QF", "--reason", "x").startswith("Error: verification id: 'K7QF' is mistyped")
    assert "is not known here" in refused(site, "revoke", "0" * 16, "--reason", "x")
    assert "revoked" in site.ok("show", issued["bo"])
    assert site.json("run")[0]["already"] == 2


def test_resend_and_retry(site, issued):
    assert site.ok("resend", issued["ana"]) == "sent: message 2\n"
    assert mails(site) == 3
    (path,) = [one["artifacts"][0]["path_or_url"] for one in site.json("credentials") if one["username"] == "bo"]
    (site.home / "files" / path).unlink()
    assert site.ok("retry").startswith("tried again: 0 artifacts, 0 messages")
    assert site.ok("retry", issued["bo"]).startswith("tried again: 1 artifacts, 0 messages")
    (artifact,) = site.json("show", issued["bo"])["artifacts"]
    assert artifact["state"] == "stored"
    assert artifact["path_or_url"] != path
    assert mails(site) == 3


def test_a_pause_holds_everything(site, issued):
    assert "paused since" in site.ok("pause", "--reason", "the wrong people")
    assert "(the wrong people); `conferral resume` goes on" in refused(site, "run")
    assert site.json("status")["paused"]["reason"] == "the wrong people"
    site.ok("resend", issued["ana"])
    assert mails(site) == 2
    assert site.json("status")["messages"]["waiting"] == 1
    assert site.ok("resume") == "Conferral goes on\n"
    assert "1 messages dealt with" in site.ok("due")
    assert mails(site) == 3
    assert site.ok("resume") == "Conferral was not paused\n"


def test_export_and_retire(site, issued):
    assert json.loads(site.ok("learner", "export", "ana"))["credentials"][0]["name"] == "Ana Nandu"
    assert "the pages of 1 credentials say" in site.ok("learner", "retire", "ana")
    assert "is retired" in refused(site, "learner", "export", "ana")
    assert "is not known to 'roster'" in refused(site, "learner", "retire", "nobody")
    assert "1 retired: left out" in site.ok("roster", "import", COURSE, "roster.csv")
    assert site.json("run")[0]["issued"] == 0
    assert "Ana" not in site.ok("credentials", "--json")


def test_without_mail(site):
    site.set_up([("ana", "Ana", "1")])
    assert "1 not written to: no mail was asked for" in site.ok("run", "--no-mail")
    (delivery,) = site.json("credentials")[0]["delivery"]
    assert (delivery["state"], delivery["error"]) == ("skipped", "no mail was asked for")
    assert not (site.home / "mail").exists()


def test_a_mail_server_that_is_away_and_comes_back(site):
    port = smtp.free_port()
    site.environment |= {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "CONFERRAL_RETRY_SECONDS": "0"}
    site.set_up([("ana", "Ana", "1")])
    assert "1 mails will be tried again: the mail server cannot be reached: Connection refused" in site.ok("run")
    (waiting,) = site.json("credentials")
    assert (waiting["state"], waiting["delivery"][0]["state"]) == ("available", "pending")
    with smtp.running() as server:
        site.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{server.port}"
        time.sleep(0.1)
        site.ok("due")
        assert server.recipients == ["ana@example.com"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "EMAIL_URL",
            "pigeon://user:secret@coop",
            "EMAIL_URL: is not an address like smtp+tls://user:password@host:587",
        ),
        ("EMAIL_URL", "smtp://user:secret@host:port", "EMAIL_URL: is not an address"),
        ("EMAIL_TIMEOUT", "soon", "EMAIL_TIMEOUT: 'soon' is not accepted"),
        ("CONFERRAL_MAILS_PER_MINUTE", "-1", "CONFERRAL_MAILS_PER_MINUTE: '-1' is not accepted"),
        ("CONFERRAL_LINK_SECONDS", "1 h", "CONFERRAL_LINK_SECONDS: '1 h' is not accepted"),
    ],
)
def test_a_wrong_setting_is_told_and_no_password_with_it(site, name, value, says):
    site.environment[name] = value
    done = site("status")
    assert done.returncode == 1
    assert says in done.stderr
    assert "secret" not in done.stderr
