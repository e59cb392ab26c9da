"""Signing in by a link, on the standalone service."""

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from conferral import access, journal
from conferral.issuance import people
from conferral.models import Learner
from conferral.service import oauth, sign_in
from tests.services import smtp

pytestmark = pytest.mark.urls("conferral.service.urls")


@pytest.fixture
def browser():
    """One that holds to the rules of forms."""
    return Client(enforce_csrf_checks=True)


def press(browser, path):
    """The button of the page at that address."""
    page = browser.get(path)
    token = browser.cookies["csrftoken"].value
    assert "<button" in page.content.decode()
    return browser.post(path, {"csrfmiddlewaretoken": token})


def test_looking_at_a_link_signs_nobody_in(browser, person):
    user = person("ana").user
    path = f"/sign-in/{access.sign_in_token(user)}"
    assert "Sign in as ana" in browser.get(path).content.decode()
    assert browser.get("/mine/").status_code == 302
    assert Client(enforce_csrf_checks=True).post(path).status_code == 403


def test_the_button_does(browser, person):
    done = press(browser, f"/sign-in/{access.sign_in_token(person('ana').user)}")
    assert done["Location"] == "/mine/"
    assert browser.get("/mine/").status_code == 200


def test_staff_go_to_the_admin_and_a_stranger_to_the_check(browser, person):
    assert (
        press(browser, f"/sign-in/{access.sign_in_token(person('eve', 'view_credential').user)}")["Location"]
        == "/admin/"
    )
    assert press(browser, "/sign-in/stranger")["Location"] == "/check/"
    assert browser.get("/mine/").status_code == 302


def test_a_link_that_is_forged_or_old(browser, person, monkeypatch):
    refused = browser.get("/sign-in/nonsense")
    assert (refused.status_code, "does not sign in any more" in refused.content.decode()) == (403, True)
    path = f"/sign-in/{access.sign_in_token(person('ana').user)}"
    monkeypatch.setattr(access, "SIGN_IN_SECONDS", -1)
    assert browser.get(path).status_code == 403


def test_mails_are_not_shown_where_they_do_not_go_to_files(browser, db):
    assert browser.get("/").status_code == 200
    assert browser.get("/mails/x.eml").status_code == 404


# By mail


@pytest.fixture
def ana(transactional_db):
    """A learner of the roster, without an account."""
    return Learner.objects.create(gateway="roster", key="ana", name="Ana", email="Ana.Vidal@Example.com")


def ask(browser, address, **fields):
    """Asks for a link, and waits until what is sent is sent."""
    browser.get("/sign-in/")
    token = browser.cookies["csrftoken"].value
    answer = browser.post("/sign-in/link/", {"csrfmiddlewaretoken": token, "email": address, **fields})
    for thread in threading.enumerate():
        if thread.name == sign_in.THREAD:
            thread.join()
    return answer.content.decode().replace(address, "…")


def link_in(message):
    return re.search(r"http://localhost:8000(/sign-in/\S+)", message.body)[1]


def test_a_learner_without_an_account_signs_in_by_mail(browser, ana):
    assert "/sign-in/link/" in browser.get("/sign-in/").content.decode()
    assert "It works once, for 20 minutes" in ask(browser, "ana.vidal@example.com")
    (message,) = mail.outbox
    assert message.to == ["Ana.Vidal@Example.com"]  # where the LMS says that she is reached, not as somebody typed it
    assert link_in(message) in message.alternatives[0][0]
    ana.refresh_from_db()
    assert ana.user is None  # nothing is linked before the address is proven
    assert press(browser, link_in(message))["Location"] == "/mine/"
    ana.refresh_from_db()
    assert not ana.user.has_usable_password()
    assert browser.get("/mine/").status_code == 200


def test_a_mail_server_s_answer_is_logged_without_whom_it_was_for(browser, ana, settings, caplog):
    with smtp.running() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        server.answers = lambda to: f"550 5.1.1 <{to}>: no mailbox {to.partition('@')[0]}"
        ask(browser, ana.email)
    (said,) = [record.message for record in caplog.records if record.name == sign_in.__name__]
    assert said == f"{sign_in.NOT_SENT}: the mail server answered 550 5.1.1 <(hidden)>: no mailbox (hidden)"


def test_a_transport_that_tells_the_link_is_not_quoted(browser, ana, settings, caplog):
    settings.EMAIL_BACKEND = "conferral_test_plugins.IndiscreetTransport"
    ask(browser, ana.email)
    assert "the mail transport raised" in caplog.text
    assert sign_in.NOT_SENT in caplog.text
    assert "Ana.Vidal" not in caplog.text
    assert not re.search(r"/sign-in/(?!\(hidden)", caplog.text)
    assert not any(record.exc_info for record in caplog.records)


def test_the_link_works_once(browser, ana):
    ask(browser, ana.email)
    path = link_in(mail.outbox[0])
    press(browser, path)
    for client in (browser, Client()):
        refused = client.get(path)
        assert (refused.status_code, "does not sign in any more" in refused.content.decode()) == (403, True)
        assert Client().post(path).status_code == 403


def test_the_link_does_not_live_long(browser, ana):
    ask(browser, ana.email)
    with time_machine.travel(timezone.now() + timedelta(minutes=21)):
        assert browser.get(link_in(mail.outbox[0])).status_code == 403


def test_the_answer_tells_nobody_who_is_known(browser, ana):
    retired = Learner.objects.create(gateway="roster", key="x", email="gone@example.com", retired=timezone.now())
    answers = {ask(browser, address) for address in (ana.email, "nobody@example.com", retired.email, "a" * 300, "@")}
    plain = {re.sub(r'name="csrfmiddlewaretoken" value="\w+"|a{300}|@', "", answer) for answer in answers}
    assert len(plain) == 1
    assert [message.to for message in mail.outbox] == [[ana.email]]


def test_the_same_person_again_is_the_same_account(browser, ana, django_user_model):
    for _ in range(2):
        ask(browser, ana.email)
        press(browser, link_in(mail.outbox[-1]))
    assert django_user_model.objects.count() == 1


def test_an_account_of_that_address_gets_the_learner(browser, ana, person):
    user = person("anna", email="ana.vidal@example.com").user
    ask(browser, ana.email)
    press(browser, link_in(mail.outbox[0]))
    ana.refresh_from_db()
    assert ana.user == user


def test_a_roster_makes_nobody_staff(browser, ana, person):
    """Whoever may write a roster may write an address into it; that opens no account of the staff."""
    ana.user = person("boss", "view_credential", email="boss@example.com").user
    ana.save()
    ask(browser, ana.email)
    press(browser, link_in(mail.outbox[0]))
    assert browser.get("/admin/").status_code == 302


def test_a_learner_whom_somebody_else_has_stays_theirs(browser, ana, person):
    other = Learner.objects.create(gateway="roster", key="ana2", email=ana.email, user=person("bo").user)
    ask(browser, ana.email)
    for message in mail.outbox:
        press(browser, link_in(message))
    other.refresh_from_db()
    assert other.user.username == "bo"


def test_a_link_that_was_sent_to_an_old_address_is_void(browser, ana, django_user_model):
    ask(browser, ana.email)
    django_user_model.objects.update(email="new@example.com")
    assert browser.get(link_in(mail.outbox[0])).status_code == 403


def test_the_link_is_short_and_tells_nobody_whose_it_is(browser, ana, django_user_model):
    """Addresses of pages are in the logs of proxies."""
    ask(browser, ana.email)
    token = link_in(mail.outbox[0]).rpartition("/")[2]
    user = django_user_model.objects.get()
    assert len(token) < 70
    key, instant, signature = token.split(":")
    assert key == str(user.pk)
    assert (len(instant), len(signature)) == (6, 43), "when it was made, and a signature"
    assert journal.discreet(f"GET {link_in(mail.outbox[0])} 200") == "GET /sign-in/(hidden) 200"


def test_a_password_that_was_changed_voids_the_link(browser, ana, django_user_model):
    ask(browser, ana.email)
    user = django_user_model.objects.get()
    user.set_password("new")
    user.save()
    assert browser.get(link_in(mail.outbox[0])).status_code == 403


def test_a_token_is_good_for_its_own_account_and_kind_alone(person):
    ana, bo = person("ana", email="x@example.com").user, person("bo", email="x@example.com").user
    mine = access.one_time_token(access.Reached(ana, ana.email))
    assert access.user_of(mine) == ana
    assert access.user_of(mine.replace(f"{ana.pk}:", f"{bo.pk}:", 1)) is None
    for nonsense in ("", ":", "9" * 30, f"{ana.pk}", f"{ana.pk}::", f"0{mine}", f"+{mine}", "\u0661:x:y", "-1:x:y"):
        assert access.user_of(nonsense) is None
    with time_machine.travel(timezone.now() + timedelta(minutes=21)):
        assert access.user_of(mine) is None
        assert access.user_of(access.sign_in_token(ana)) == ana


def test_a_learner_s_address_in_other_letters_is_the_same(browser, ana, django_user_model):
    ask(browser, ana.email)
    Learner.objects.filter(pk=ana.pk).update(email="ana.vidal@example.com", user=django_user_model.objects.get())
    assert browser.get(link_in(mail.outbox[0])).status_code == 200


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("root@github.com", "root@g\u0131thub.com"),  # PostgreSQL: both are ROOT@GITHUB.COM
        ("root@kelvin.org", "root@\u212aelvin.org"),  # a sign for kelvins, whose small letter is k
        ("root@example.com", "r\u00f3ot@example.com"),  # MariaDB: accents are nothing
        ("r\u00f3ot@example.com", "root@example.com"),
        ("r\u00f3ot@example.com", "R\u00d3OT@example.com"),
        ("strasse@example.com", "stra\u00dfe@example.com"),
        ("root@example.com", "root@example.com\u200b"),
    ],
)
def test_an_address_that_only_looks_like_it_gets_nothing(browser, ana, person, stored, typed):
    """Whoever has a domain that a database takes for another is not who is reached at that one."""
    assert not access.is_same_address(stored, typed)
    Learner.objects.filter(pk=ana.pk).update(email=stored)
    person("root", "view_credential", email=stored)
    ask(browser, typed)
    assert mail.outbox == []
    ask(browser, stored)
    assert {address for message in mail.outbox for address in message.to} == {stored}


def test_an_address_is_the_same_but_for_the_case_of_plain_letters():
    assert access.is_same_address("Ana.Vidal@Example.com", "ana.vidal@EXAMPLE.com")
    assert access.is_same_address("r\u00f3ot@example.com", "r\u00f3ot@example.com")
    assert not access.is_same_address("ana@example.com", "anna@example.com")


def test_who_gets_an_address_that_was_somebody_else_s_gets_no_account_along_with_it(browser, ana, django_user_model):
    ask(browser, ana.email)
    press(browser, link_in(mail.outbox[-1]))
    Learner.objects.filter(pk=ana.pk).update(email="ana@new.example")
    bo = Learner.objects.create(gateway="roster", key="bo", name="Bo", email=ana.email)
    # Ana comes back by her new address: it proves nothing about the old one.
    ask(Client(enforce_csrf_checks=True), "ana@new.example")
    press(Client(enforce_csrf_checks=True), link_in(mail.outbox[-1]))
    ana.refresh_from_db()
    bo.refresh_from_db()
    assert (bo.user, ana.user.email) == (None, "ana@new.example")
    # Bo asks at the old one, which is his now.
    ask(Client(enforce_csrf_checks=True), bo.email)
    press(Client(enforce_csrf_checks=True), link_in(mail.outbox[-1]))
    bo.refresh_from_db()
    assert bo.user not in (None, ana.user)
    assert len(mail.outbox) == django_user_model.objects.count() + 1 == 3


def test_so_does_who_gets_it_before_the_other_has_come_back(browser, ana):
    ask(browser, ana.email)
    press(browser, link_in(mail.outbox[-1]))
    ask(browser, ana.email)
    Learner.objects.filter(pk=ana.pk).update(email="ana@new.example")
    bo = Learner.objects.create(gateway="roster", key="bo", name="Bo", email=ana.email)
    assert browser.get(link_in(mail.outbox[-1])).status_code == 403
    ask(browser, bo.email)
    press(browser, link_in(mail.outbox[-1]))
    ana.refresh_from_db()
    bo.refresh_from_db()
    assert bo.user not in (None, ana.user)


def test_of_two_who_press_at_once_one_is_late(ana):
    first, second = Client(), Client()
    ask(Client(enforce_csrf_checks=True), ana.email)
    path = link_in(mail.outbox[0])
    late = []

    def between(execute, sql, *arguments):
        """The second presses while the first has been found right, and is not signed in yet."""
        if sql.startswith("UPDATE") and "last_login" in sql and not late:
            late.append(None)
            late[0] = second.post(path).status_code
        return execute(sql, *arguments)

    with connection.execute_wrapper(between):
        assert {first.post(path).status_code, late[0]} == {302, 403}


def test_nobody_is_flooded(browser, ana):
    for _ in range(7):
        ask(browser, ana.email)
    assert len(mail.outbox) == 5


def test_a_stranger_who_asks_and_asks_keeps_nobody_from_signing_in(browser, ana):
    for _ in range(7):
        ask(Client(enforce_csrf_checks=True, REMOTE_ADDR="198.51.100.7"), ana.email)
    ask(browser, ana.email)
    assert len(mail.outbox) == 6
    for number in range(70):
        ask(Client(enforce_csrf_checks=True, REMOTE_ADDR=f"203.0.113.{number}"), ana.email)
    assert len(mail.outbox) == 60


def test_it_leads_where_somebody_wanted_to_go_on_this_site_alone(browser, ana):
    ask(browser, ana.email, next="/mine/?page=2")
    assert press(browser, link_in(mail.outbox[-1]))["Location"] == "/mine/?page=2"
    ask(browser, ana.email, next="https://evil.example/")
    assert press(browser, link_in(mail.outbox[-1]))["Location"] == "/mine/"
    ask(browser, ana.email)
    assert press(browser, f"{link_in(mail.outbox[-1])}?next=//evil.example/")["Location"] == "/mine/"


def test_who_leaves_takes_the_account_along(browser, ana, django_user_model):
    ask(browser, ana.email)
    press(browser, link_in(mail.outbox[0]))
    ana.refresh_from_db()
    people.retire(ana)
    assert not django_user_model.objects.exists()


def test_an_account_of_the_site_stays_when_a_learner_leaves(ana, person, django_user_model):
    ana.user = person("ana").user
    ana.save()
    people.retire(ana)
    assert django_user_model.objects.filter(username="ana").exists()


def test_the_lms_says_whose_learner_somebody_is(ana, person):
    """As a step of social-auth's pipeline, which passes much more."""
    user, other = person("ana_x").user, Learner.objects.create(gateway="roster", key="bo")
    oauth.link_learner({"username": "ana", "email": "whatever@example.com"}, user=user, is_new=True, response={})
    oauth.link_learner({"username": "bo"}, user=None)
    ana.refresh_from_db()
    other.refresh_from_db()
    assert (ana.user, other.user) == (user, None)


def test_a_form_may_lead_to_the_lms_where_that_is_set_up(browser, db, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "conferral.service.headers.HeadersMiddleware"]
    assert "form-action 'self';" in browser.get("/sign-in/")["Content-Security-Policy"]
    settings.SOCIAL_AUTH_EDX_OAUTH2_PUBLIC_URL_ROOT = "https://lms.example.org"
    assert "form-action 'self' https://lms.example.org;" in browser.get("/sign-in/")["Content-Security-Policy"]
