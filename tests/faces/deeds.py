"""What people, machines and the world do to the credentials of a course, in any order; and what is known of it.

Hypothesis chooses the order. What holds after each deed is in `test_any_order.py`.
"""

import smtplib
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.cache import cache
from django.core.files.storage import FileSystemStorage
from django.core.mail.backends.locmem import EmailBackend
from django.core.management.color import no_style
from django.db import connection
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from conferral import plugins, storage
from conferral.contract import ConferralError, PermanentError
from conferral.issuance import (
    award,
    configure,
    correct,
    deliver,
    dry_run,
    inventory,
    people,
    reissue,
    release,
    standstill,
    wishes,
)
from conferral.issuance.daily import daily
from conferral.issuance.generate import generate
from conferral.issuance.run import ask, cancel, run, run_asked
from conferral.issuance.sweep import sweep
from conferral.issuance.withdraw import withdraw
from conferral.models import Credential, CredentialArtifact, Delivery, Learner, NameRequest, Reissue, RosterEntry, Run
from tests.conftest import COURSE, Course

WHO = ("ana", "ben", "cho")
FAMILIES = ("Zorvex", "Quillon", "Marrowby")
"""Words that are nowhere else: what is found of them is somebody's name."""
KEPT = {"auth_permission", "django_content_type", "django_migrations"}
FAULTS = ("design", "storage", "mail server", "answers of the mail server")

yes_or_no = st.booleans()
somebody = st.sampled_from(WHO)
holder = st.runner().flatmap(lambda deeds: st.sampled_from(deeds.holders() or WHO))
"""Mostly one of whom there is something: what is done to nobody tells nothing."""
family = st.sampled_from(FAMILIES)
design = st.sampled_from([correct.SAME_DESIGN, correct.CURRENT_DESIGN])


def everything():
    """All rows of all records."""
    models = apps.get_app_config("conferral").get_models()
    return {model.__name__: sorted(map(repr, model._base_manager.values_list())) for model in models}


def address_of(username):
    return f"{username}@example.com"


def begin_anew():
    """An empty database, storage, cache and mailbox."""
    tables = [table for table in connection.introspection.table_names() if table not in KEPT]
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))
    for folder in inventory.FOLDERS:
        for file in list(storage.listing(folder)):  # nobody names it any more
            storage.remove(file.name)
    cache.clear()
    mail.outbox.clear()


class Deeds(RuleBasedStateMachine):
    """A course of three, and all that is done there; what is decided and what happens to people is kept in mind."""

    def __init__(self):
        super().__init__()
        self.revoked, self.retired, self.barred = set(), set(), set()
        self.unreachable = set()
        """Who was without an address, or without an active account, for a while."""
        self.extra_mails = Counter()
        """Mails beside the first: sent again as asked, or taken by a server that did not say so."""
        self.pruned = False
        self.faults, self.refused_addresses = set(), set()
        self.patched = pytest.MonkeyPatch()
        self.begun = False

    @initialize(have_earned=st.sets(somebody), so_far=st.integers(0, 3))
    def begin(self, have_earned, so_far):
        begin_anew()
        self.let_things_fail()
        configure.save_context(COURSE, name="Testing", organisation="Test")
        self.course = Course()
        self.configuration = self.course.configure()
        self.dean = get_user_model().objects.create(username="dean", is_staff=True, is_superuser=True)
        self.people = {}
        for username in WHO:
            name, share = f"{username.title()} {FAMILIES[0]}", str(int(username in have_earned))
            learner = self.course.learner(username, share, name=name, email=address_of(username))
            learner.user = get_user_model().objects.create(username=f"account-{username}")
            learner.save()
            self.people[username] = learner.pk
        self.begun = True
        for step in (self.course.run, generate, self.mails)[:so_far]:
            step()

    def let_things_fail(self):
        text = type(plugins.generator("text"))
        makes, saves, sends = text.generate, FileSystemStorage._save, EmailBackend.send_messages

        def make(generator, prepared, request):
            if "design" in self.faults:
                raise PermanentError("the design is broken")
            return makes(generator, prepared, request)

        def save(storage, name, content):
            if "storage" in self.faults:
                raise OSError(28, "No space left on device")
            return saves(storage, name, content)

        def connect(_backend):
            if "mail server" in self.faults:
                raise ConnectionRefusedError(111, "Connection refused")

        def send(backend, messages):
            (address,) = messages[0].to
            if address in self.refused_addresses:
                raise smtplib.SMTPRecipientsRefused({address: (550, b"no such user")})
            sent = sends(backend, messages)
            if "answers of the mail server" in self.faults:
                self.extra_mails[address.partition("@")[0]] += 1
                raise ConnectionResetError(104, "Connection reset by peer")
            return sent

        self.patched.setattr(text, "generate", make)
        self.patched.setattr(FileSystemStorage, "_save", save)
        self.patched.setattr(EmailBackend, "open", connect)
        self.patched.setattr(EmailBackend, "send_messages", send)

    def teardown(self):
        self.patched.undo()
        begin_anew()

    # What is there

    def rows(self, username):
        """Of that learner, the first one first."""
        return Credential.objects.filter(learner=self.people[username]).order_by("pk")

    def holding(self, username):
        """What has the learner's place, or None."""
        return self.rows(username).filter(current=True).select_related("learner", "edition").first()

    def holders(self):
        there = set(Credential.objects.filter(current=True).values_list("learner", flat=True))
        return [username for username, pk in self.people.items() if pk in there]

    @contextmanager
    def deed(self):
        """What is refused changes nothing."""
        before, refused = everything(), None
        try:
            yield
        except ConferralError as error:
            refused = error
        if refused:
            assert everything() == before, refused

    # Learners

    @rule(username=somebody, share=st.sampled_from(["1", "0"]))
    def comes_so_far(self, username, share):
        RosterEntry.objects.filter(learner=self.people[username]).update(completion=share)

    @rule(username=somebody, name=family)
    def is_called_otherwise(self, username, name):
        self._account(username, name=f"{username.title()} {name}")

    @rule(username=somebody, reachable=yes_or_no, active=yes_or_no)
    def account_changes(self, username, reachable, active):
        self._account(username, email=address_of(username) if reachable else "", active=active)

    def _account(self, username, **said):
        learner = Learner.objects.get(pk=self.people[username])
        if username in self.retired:
            return
        told = {"name": learner.name, "email": learner.email, "active": learner.active} | said
        Learner.objects.record("roster", {username: told})
        if not (told["email"] and told["active"]):
            self.unreachable.add(username)

    @rule(username=holder, name=family)
    def asks_for_a_name(self, username, name):
        if one := self.holding(username):
            name = f"{username.title()} {name}"
            with self.deed():
                wishes.ask_for_name(one, name, f"I am {name}")

    @rule(username=holder, hidden=yes_or_no, form=st.sampled_from(["full", "initials"]))
    def shows_the_page(self, username, hidden, form):
        one = self.holding(username)
        if one and one.state == "available" and not one.revoked:
            wishes.show(one, hidden=hidden, name_form=form)

    @rule(username=somebody)
    def is_retired(self, username):
        if username not in self.retired:
            with self.deed():
                people.retire(Learner.objects.get(pk=self.people[username]))
                self.retired.add(username)

    # Staff, about one

    @rule(username=holder, reason=st.sampled_from(["copied", "told by {name}"]))
    def revokes(self, username, reason):
        if one := self.holding(username):
            with self.deed():
                correct.revoke(one, reason.format(name=one.recipient_name or "nobody"), by=self.dean)
                self.revoked.add(username)

    @rule(username=holder, name=st.none() | family, design=design, notify=yes_or_no)
    def reissues(self, username, name, design, notify):
        if one := self.holding(username):
            name = name and f"{username.title()} {name}"
            with self.deed():
                correct.reissue(one, name=name, design=design, notify=notify, by=self.dean, reason="as asked")
                self.revoked.discard(username)

    @rule(username=holder, yes=yes_or_no)
    def answers(self, username, yes):
        for request in NameRequest.objects.filter(credential__learner=self.people[username], waiting=True):
            with self.deed():
                if yes:
                    wishes.approve(request, by=self.dean)
                else:
                    wishes.refuse(request, f"{request.name} is not in the register", by=self.dean)

    @rule(username=holder)
    def sends_again(self, username):
        if one := self.holding(username):
            with self.deed():
                deliver.resend(one, by=self.dean)
                self.extra_mails[username] += 1

    @rule(username=somebody, notify=yes_or_no)
    def awards(self, username, notify):
        given = award.Award(by=self.dean, reason="by the board", notify=notify)
        with self.deed():
            award.award(self.configuration, [username], given)

    @rule(username=somebody)
    def bars(self, username):
        with self.deed():
            release.bar(self.configuration, [username], by=self.dean, reason="copied")
            if username not in self.retired:
                self.barred.add(username)

    @rule(username=somebody)
    def takes_that_back(self, username):
        with self.deed():
            release.take_back(self.configuration, [username], by=self.dean)
            self.barred.discard(username)

    @rule(username=holder, yes=yes_or_no)
    def decides_on_one(self, username, yes):
        held = self.rows(username).filter(state="held").values_list("pk", flat=True)
        with self.deed():
            if yes:
                release.release_each(held, by=self.dean)
            elif release.refuse_each(held, by=self.dean, reason="copied"):
                self.barred.add(username)

    # Staff, about all

    @rule(review=yes_or_no)
    def wants_to_look_first(self, review):
        with self.deed():
            configure.save_configuration(COURSE, self.course.type_name, enabled=True, guards={"review": review})

    @rule(yes=yes_or_no)
    def decides_on_runs(self, yes):
        for held in release.held_runs():
            with self.deed():
                if yes:
                    release.release(held, by=self.dean)
                else:
                    release.refuse(held, by=self.dean, reason="copied")

    @rule(hours=st.integers(1, 3))
    def changes_the_type(self, hours):
        with self.deed():
            self.course.configure(fields={"hours": hours})

    @rule(username=st.none() | holder, names=yes_or_no, design=design, notify=yes_or_no)
    def reissues_many(self, username, names, design, notify):
        chosen = username and list(self.rows(username).values_list("pk", flat=True))
        wish = reissue.Wish(self.configuration, design, names, notify, chosen)
        with self.deed():
            reissue.start(wish, by=self.dean, reason="a new design")

    @rule()
    def calls_reissues_off(self):
        for row in Reissue.objects.filter(status__in=reissue.GOING_ON):
            reissue.cancel(row, by=self.dean)

    @rule(notify=yes_or_no)
    def asks_for_a_run(self, notify):
        with self.deed():
            ask(self.configuration, by=self.dean, notify=notify)

    @rule()
    def calls_runs_off(self):
        for row in Run.objects.filter(status=Run.Status.ASKED):
            cancel(row, by=self.dean, reason="too early")

    @rule()
    def asks_for_a_dry_run(self):
        with self.deed():
            dry_run.start(self.configuration, by=self.dean)

    @rule()
    def tries_again(self):
        correct.retry(by=self.dean, reason="it is there again")

    @rule()
    def pauses(self):
        standstill.pause("something is wrong", by=self.dean)

    @rule()
    def goes_on(self):
        standstill.resume(by=self.dean)

    # The world

    @rule(what=st.sampled_from(FAULTS), now=yes_or_no)
    def fails(self, what, now):
        (self.faults.add if now else self.faults.discard)(what)

    @rule(username=somebody, now=yes_or_no)
    def address_is_refused(self, username, now):
        (self.refused_addresses.add if now else self.refused_addresses.discard)(address_of(username))

    @rule()
    def time_passes(self):
        """Whatever waits for its next try is due."""
        for model in (CredentialArtifact, Delivery):
            model.objects.filter(next_try__isnull=False).update(next_try=timezone.now() - timedelta(seconds=1))

    @rule(username=holder)
    def expires(self, username):
        self.rows(username).update(expires=timezone.now() - timedelta(days=3))

    @rule(years=st.sampled_from([0, 0, 3]))
    def a_day_ends(self, years):
        self.pruned |= bool(years)
        daily(timezone.now() + timedelta(days=365 * years))

    # Machines

    @rule(notify=yes_or_no)
    def runs(self, notify):
        with suppress(ConferralError):
            run(self.configuration, trigger="command", notify=notify)

    @rule()
    def makes(self):
        generate()

    @rule()
    def mails(self):
        before = len(mail.outbox)
        deliver.deliver()
        self.look_at_mails(before)

    def look_at_mails(self, first):
        """Those from that one on have just been sent."""
        raise NotImplementedError

    @rule()
    def withdraws(self):
        withdraw()

    @rule()
    def reissues_a_batch(self):
        for pk in reissue.waiting():
            reissue.carry_out_batch(pk)

    @rule()
    def sweeps(self):
        found = sweep()
        for pk in found.asked:
            run_asked(pk)
        for pk in found.dry_runs:
            dry_run.carry_out(pk)
        for pk in found.reissues:
            reissue.carry_out(pk)
        self.makes()
        self.mails()
        self.withdraws()

    def comes_to_rest(self):
        """Everything works again, and what was given up is tried again, until nothing is due."""
        self.faults.clear()
        self.refused_addresses.clear()
        self.goes_on()
        for _ in range(4):
            self.time_passes()
            self.sweeps()
            self.tries_again()
        self.time_passes()
        self.sweeps()
