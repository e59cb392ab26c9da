"""The demo, made once and copied for whoever changes it, and its pages, served by the real processes."""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

from conferral.management.declaration import read
from tests.acceptance.conftest import Site
from tests.services.smtp import free_port

ROOT = Path(__file__).parent.parent.parent
CONTEXTS = {each.name: each.key for each in read(ROOT / "demo" / "credentials.yaml").contexts}
PEOPLE = {
    "instructor": "demo-instructor",
    "operator": "demo-operator",
    "learner": "demo-learner",
    "other learner": "other-learner",
}
"""Who looks at the pages, by the words of the documentation; the stranger has no account."""
ACCOUNTS = """
from django.contrib.auth import get_user_model
from conferral.models import Learner
user, _ = get_user_model().objects.get_or_create(username="other-learner")
Learner.objects.filter(gateway="roster", key="gulsah.yildizoglu").update(user=user)
"""
OTHERS = """
from datetime import timedelta
from django.utils import timezone
from conferral import storage
from conferral.issuance import correct, dry_run, people, wishes
from conferral.issuance.generate import generate
from conferral.models import Credential, CredentialConfiguration
def held_by(name): return Credential.objects.filter(recipient_name=name, current=True).order_by("pk")[0]
wishes.ask_for_name(held_by({asking!r}), "Queen of Prague")
dry_run.carry_out(dry_run.start(CredentialConfiguration.objects.order_by("pk")[0], by=None).pk)
wishes.show(held_by({hidden!r}), hidden=True)
one, now = held_by({expired!r}), timezone.now()
Credential.objects.filter(pk=one.pk).update(issued=now - timedelta(days=760), expires=now - timedelta(days=30))
for file in one.artifacts.all():  # it is made again, with its date
    storage.discard(file.storage_name)
correct.retry([Credential.objects.get(pk=one.pk)])
generate(one.configuration)
people.retire(held_by({removed!r}).learner)
"""
HIDDEN, EXPIRED, REMOVED = "Wulandari", "Siôn Llŷr Prydderch", "Žygimantas Čepėla"
"""Whose credential is made to be what the demo has none of."""
ASKING = "Amélie Nováková"
"""Who has asked for another name."""
HOLDING = """\
configurations:
  - {context: "course-v1:Demo+WEB110+2026", type: Certificate of Completion, enabled: true, guards: {review: true}}
  - {context: "course-v1:Demo+WEB110+2026", type: Certificate of Achievement, enabled: false}
"""
"""One whose run holds what it finds, and one that is switched off."""
LINKS = """
import json
from django.contrib.auth import get_user_model
from conferral import access
users = get_user_model().objects.filter(username__in={usernames!r})
print(json.dumps({{user.get_username(): access.sign_in_token(user) for user in users}}))
"""
PATIENCE = 60


@dataclass
class Pages:
    """A site of the demo that is being served."""

    site: Site
    url: str
    issued: list[dict]
    tokens: dict[str, str]
    contexts: dict[str, str]
    since: float = field(default_factory=time.time)

    def number(self, name, context, *, replaced=False):
        """The verification number on what that person holds, or held first, in that course, lesson or pathway."""
        return self._held_by(name, context, replaced=replaced)["verification_id"]

    def _held_by(self, name, context, *, replaced=False):
        found = [
            one
            for one in self.issued
            if (one["name"], one["context"]) == (name, self.contexts[context]) and bool(one["replaced_by"]) == replaced
        ]
        assert found, f"the demo has issued nothing to {name} in {context}"
        return found[0]

    def day(self, name, context):
        """On which what that person holds there was issued."""
        return datetime.fromisoformat(self._held_by(name, context)["issued"]).date()

    def lose(self, name, context):
        """Deletes the files of what that person holds there, of which the storage knows nothing then."""
        for artifact in self._held_by(name, context)["artifacts"]:
            (self.site.path / "var" / "files" / artifact["path_or_url"].partition("/var/files/")[2]).unlink()

    def link_mailed_to(self, address):
        """The link of the first mail to that address since the pages are served."""
        return re.search(r"https?://\S+", self.mailed_to(address))[0]

    def mailed_to(self, address, text=""):
        """The first mail to that address that says so since the pages are served; it may be on its way."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for path in sorted((self.site.path / "var" / "mail").glob("*.eml")):
                mail = message_from_bytes(path.read_bytes(), policy=policy.default)
                if path.stat().st_mtime > self.since and address in mail["To"]:
                    said = mail.get_body(("plain",)).get_content()
                    if text in said:
                        return said
            time.sleep(0.1)
        raise AssertionError(f"there is no mail to {address} that says “{text}”")


def make(path, **settings):
    """The demo in that directory, with those settings, made by whichever process comes first."""
    path.mkdir(exist_ok=True)
    with (path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        site = Site(path, _environment(path) | settings)
        if not (path / "made.json").exists():
            site.ok("demo", "--directory", str(ROOT / "demo"))
            site.ok("shell", "-v0", "-c", ACCOUNTS)
            made = site.ok("shell", "-v0", "-c", LINKS.format(usernames=list(PEOPLE.values())))
            content = {"issued": site.json("credentials"), "tokens": json.loads(made.strip().splitlines()[-1])}
            site.write("made.json", json.dumps(content))
    return site


def copy(site, path):
    """The same demo elsewhere: files, which nobody changes in place, are the same, the database is another."""
    shutil.copytree(site.path, path, copy_function=_link, ignore=shutil.ignore_patterns("lock", "broker"))
    return Site(path, _environment(path))


def with_others(site):
    """The site, with what the demo has none of: what is hidden, expired or held; who asks; who was removed."""
    site.write("holding.yaml", HOLDING)
    site.ok("apply", "holding.yaml")
    site.ok("run", "WEB110", "--type", "Certificate of Completion")
    site.ok("shell", "-v0", "-c", OTHERS.format(asking=ASKING, hidden=HIDDEN, expired=EXPIRED, removed=REMOVED))
    return site


@contextmanager
def serving(site):
    """`conferral serve` on a free port: web, worker and beat."""
    port = free_port()
    log = (site.path / "serve.log").open("w+")
    process = site.start("serve", "--port", str(port), out=log)
    url = f"http://localhost:{port}"
    try:
        end = time.monotonic() + PATIENCE
        while not _answers(port):
            over = process.poll() is not None or time.monotonic() > end
            assert not over, (site.path / "serve.log").read_text()
            time.sleep(0.05)
        urllib.request.urlopen(f"{url}/static/conferral/conferral.css", timeout=PATIENCE).read()
        made = json.loads((site.path / "made.json").read_text())
        yield Pages(site, url, made["issued"], made["tokens"], CONTEXTS)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        log.close()
    said = (site.path / "serve.log").read_text()
    assert not re.search("Traceback|Internal Server Error", said), said


def _environment(path):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CONFERRAL", "DJANGO", "DATABASE", "EMAIL", "CELERY"))
    }
    # The tests ask faster than anybody.
    limits = {"CONFERRAL_RATE_LIMIT": "0", "CONFERRAL_SIGN_IN_RATE_LIMIT": "0"}
    return kept | limits | {"CONFERRAL_HOME": str(path / "var"), "PYTHONUTF8": "1"}


def _link(source, target):
    if ".sqlite3" in Path(source).name:
        return shutil.copy2(source, target)
    return os.link(source, target)


def _answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
