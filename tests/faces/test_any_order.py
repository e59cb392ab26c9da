"""Whatever was done in whatever order: all faces tell the same, it is true, and nobody is forgotten.

Each bug that sequences of deeds had was in what one deed left for the next. So the deeds are in any order here, and
what is promised is looked at after each: by what people decided and saw, and not by what the records say of it.

`SEQUENCES=1000 pytest tests/faces/test_any_order.py` tries so many others than the few that the suite always does.
"""

import hashlib
import os
from collections import defaultdict
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from conferral.admin import waiting
from conferral.issuance import deliver, inventory, people, reissue, verdict
from conferral.issuance.disclosure import initials
from conferral.issuance.sweep import sweep
from conferral.models import CredentialArtifact, Delivery, Learner, NameRequest, Reissue, Run
from tests.faces.deeds import FAMILIES, WHO, Deeds, address_of, everything

SEQUENCES, DEEDS = int(os.environ.get("SEQUENCES", "0")), 30
ALWAYS = 10
"""Sequences, the same ones each time."""
SITES = ("admin", "conferral-staff")
SHOWN = {"genuine", "corrected", "expired"}


class Promises(Deeds):
    """What was promised to whom, after each deed and in the end."""

    def __init__(self):
        super().__init__()
        self.numbers = defaultdict(list)
        """What stood on each learner's credentials, the first one first; what is held has no number yet for anybody."""
        self.seen = set()
        """Numbers of what was once there to be looked at."""
        self.had = set()
        self.dates = {}

    def teardown(self):
        try:
            if self.begun:
                self.in_the_end()
        finally:
            super().teardown()

    @invariant()
    def after_each(self):
        if self.begun:
            for username in WHO:
                self.notice(username)
                self.look_at_place(username)
                self.look_at_requests(username)
                for number in self.numbers[username]:
                    self.look_at_number(username, number)
            self.look_for_the_retired()

    def notice(self, username):
        for one in self.rows(username).exclude(state="held"):
            if one.verification_id not in self.numbers[username]:
                self.numbers[username].append(one.verification_id)
            if one.state == "available":
                self.seen.add(one.verification_id)

    def look_at_place(self, username):
        """One has it; it keeps its dates; who is to get none gets none; a revocation stands."""
        rows = list(self.rows(username))
        current = [one for one in rows if one.current]
        assert len(current) == bool(rows)
        assert {one.pk for one in rows if not one.current} == {one.supersedes_id for one in rows} - {None}
        if rows and username not in self.had:
            assert username not in self.barred | self.retired, f"{username} gets one all the same"
        (self.had.add if rows else self.had.discard)(username)
        if rows and rows[0].state != "held":
            first = rows[0]
            self.dates.setdefault(first.pk, (first.issued, first.earned))
            assert {(one.issued, one.earned) for one in rows} == {self.dates[first.pk]}
        assert bool(current and current[0].revoked) == (username in self.revoked)

    def look_at_requests(self, username):
        """One waits at most, about what holds."""
        requests = list(NameRequest.objects.filter(credential__learner=self.people[username], waiting=True))
        assert len(requests) <= 1
        assert all(one.credential.current and not one.credential.revoked for one in requests)

    def expected(self, username, number):
        """The verdict, by what people did and saw."""
        current, seen = self.holding(username), self.seen.intersection(self.numbers[username])
        if current is None or current.state == "held":
            return "unknown"
        if username in self.revoked:
            return "revoked" if seen else "unknown"
        is_over = current.expires is not None and current.expires < timezone.now()
        if username in self.retired:
            return ("expired" if is_over else "removed") if seen else "unknown"
        if current.state != "available":
            return "unknown" if number == current.verification_id else "replacing"
        return "expired" if is_over else "corrected" if seen - {current.verification_id} else "genuine"

    def look_at_number(self, username, number):
        """What a stranger is told of it, and the file that a stranger gets."""
        current, expected = self.holding(username), self.expected(username, number)
        answer = Client().get(reverse("conferral-api:verify", args=[number]))
        told = answer.json()
        assert told["verdict"] == expected
        assert answer.status_code == (404 if expected == "unknown" else 200)
        is_open = expected in SHOWN and username not in self.retired
        if told.get("recipient"):
            assert is_open or (expected == "revoked" and username not in self.retired)
            assert not current.hidden
            assert told["recipient"] in (current.recipient_name, initials(current.recipient_name))
        for file in told.get("files", ()):
            assert is_open
            got = b"".join(Client().get(urlsplit(file["url"]).path).streaming_content)
            assert hashlib.sha256(got).hexdigest() == file["sha256"]
            assert got.decode() == current.recipient_name

    def look_for_the_retired(self):
        rows = everything() if self.retired else {}
        for username in self.retired:
            for words in (address_of(username), *(f"{username.title()} {each}" for each in FAMILIES)):
                assert {model for model, found in rows.items() if any(words in row for row in found)} == set()

    def look_at_mails(self, first):
        """Nobody is written to about what is over; each leads to what holds, and corrects what they knew of."""
        for place, letter in enumerate(mail.outbox[first:], first):
            (address,) = letter.to
            username = address.partition("@")[0]
            assert username not in self.retired | self.revoked
            if letter.subject.startswith("Your name"):
                continue
            current = self.holding(username)
            assert verdict.look_up(current.verification_id).verdict in SHOWN
            assert leads_to(letter, current)
            if letter.subject.startswith("Corrected") and not self.pruned:
                silently = Delivery.objects.filter(credential__in=self.rows(username), last_error=deliver.SILENT)
                assert silently.exists() or about(username, mail.outbox[:place])

    # In the end

    def in_the_end(self):
        self.comes_to_rest()
        self.after_each()
        found = sweep()
        assert (found.artifacts, found.messages, found.withdrawals) == (0, 0, 0)
        assert not Run.objects.filter(status__in=(Run.Status.ASKED, Run.Status.RUNNING)).exists()
        assert not Reissue.objects.filter(status__in=reissue.GOING_ON).exists()
        assert not CredentialArtifact.objects.exclude(claim="").exists()
        assert list(inventory.take(content=True, older_than=0).troubles) == []
        for username in WHO:
            self.look_at_end_of(username)
            self.look_at_own_page(username)
        for site in SITES:
            self.look_at_staff_pages(site)

    def look_at_end_of(self, username):
        """It is there, and they were written to: once, and about the last of which they were to hear."""
        current = self.holding(username)
        if current is None or current.state == "held" or username in self.revoked | self.retired:
            return
        assert current.state == "available"
        letters = about(username, mail.outbox)
        first = [letter for letter in letters if not letter.subject.startswith("Corrected")]
        assert len(first) <= 1 + self.extra_mails[username]
        is_over = current.expires is not None and current.expires < timezone.now()
        if is_over or self.pruned or username in self.unreachable:
            return
        owed = []
        for one in self.rows(username):
            owed = [] if any(leads_to(letter, one) for letter in letters) else [*owed, one] if one.notify else owed
        assert owed == [], list(Delivery.objects.values())

    def look_at_own_page(self, username):
        account = get_user_model().objects.get(username=f"account-{username}")
        client = Client()
        client.force_login(account)
        page = client.get(reverse("conferral:mine"))
        current = self.holding(username)
        if current and current.state == "available" and username not in self.retired:
            assert current.verification_id in page.content.decode().replace("-", "")
        if username not in self.retired:
            people.export(Learner.objects.get(pk=self.people[username]))
        for number in self.numbers[username]:
            page = client.get(reverse("conferral:credential", args=[number]), follow=True)
            assert page.status_code == (404 if self.expected(username, number) == "unknown" else 200)

    def look_at_staff_pages(self, site):
        """Each opens; and as many wait as are listed."""
        client = Client()
        client.force_login(self.dean)
        for model in apps.get_app_config("conferral").get_models():
            name = f"{site}:conferral_{model._meta.model_name}"
            try:
                pages = [reverse(f"{name}_changelist")]
            except NoReverseMatch:
                continue
            pages += [reverse(f"{name}_change", args=[pk]) for pk in model._base_manager.values_list("pk", flat=True)]
            assert [page for page in pages if client.get(page, follow=True).status_code != 200] == []
        front = client.get(reverse(f"{site}:index"))
        for figure in waiting.of(front.wsgi_request):
            assert str(client.get(figure.address).context["cl"].result_count) == figure.count


def about(username, letters):
    """Those to the learner about a credential."""
    theirs = [letter for letter in letters if letter.to == [address_of(username)]]
    return [letter for letter in theirs if not letter.subject.startswith("Your name")]


def leads_to(letter, credential):
    return credential.verification_id.lower() in letter.body.lower().replace("-", "")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("silent_broker")
def test_whatever_was_done_in_whatever_order(settings):
    settings.CONFERRAL_RATE_LIMIT = ""
    run_state_machine_as_test(Promises, settings=CHOSEN)


CHOSEN = settings(
    max_examples=SEQUENCES or ALWAYS,
    stateful_step_count=DEEDS,
    derandomize=not SEQUENCES,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
