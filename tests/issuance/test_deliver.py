"""The outbox, with a real SMTP server: every message once, each trouble its own."""

import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.utils import parseaddr

import pytest
import time_machine
from django.core.mail.backends import locmem
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from conferral import mail
from conferral.contract import ConferralError, OptionsError, TransientError
from conferral.issuance import configure, correct, deliver, standstill
from conferral.issuance.generate import generate
from conferral.issuance.prune import prune
from conferral.lms.roster import RosterGateway
from conferral.mail import Post
from conferral.models import Credential, Delivery, Learner
from conferral.models.verification import shown
from tests.services import smtp

State = Delivery.State


@pytest.fixture
def server(settings):
    with smtp.running() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", running.port, 1
        settings.DEFAULT_FROM_EMAIL = "no-reply@site.example"
        yield running


def ready(course, *usernames, **configured):
    """Credentials that are there, of learners with addresses; their messages wait."""
    for username in usernames:
        course.learner(username, email=f"{username}@example.com")
    course.configure(**configured)
    course.run_and_generate()


def states():
    return dict(Delivery.objects.values_list("credential__learner__key", "state"))


def errors():
    return dict(Delivery.objects.values_list("credential__learner__key", "last_error"))


def again():
    """What waits for a later try is tried now."""
    Delivery.objects.filter(state=State.PENDING).update(next_try=timezone.now())
    deliver.deliver()


def test_the_learner_gets_a_link(course, server):
    configure.save_issuer(
        "site", name="Testing University", sender="Awards <awards@uni.example>", reply_to="re@uni.example"
    )
    ready(course, "ana")
    assert deliver.deliver() == 1
    (message,) = server.received
    credential = Credential.objects.get()
    url = f"http://localhost:8000/c/{shown(credential.verification_id)}"
    assert message["To"] == "ana@example.com"
    assert message["Subject"] == "Completion: Testing"
    assert (parseaddr(message["From"]), message["Reply-To"]) == (("Awards", "awards@uni.example"), "re@uni.example")
    assert message["Message-ID"] == f"<{credential.verification_id}.issued.{credential.deliveries.get().pk}@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))
    assert url in text
    assert f'href="{url}"' in html
    assert "Congratulations, Ana." in text
    assert 'lang="en" dir="ltr"' in html
    assert states() == {"ana": State.SENT}
    assert deliver.deliver() == 0


def test_a_name_is_text_in_html_and_in_text(course, server):
    course.learner("bo", name="Bo <b>& Co</b>", email="bo@example.com")
    ready(course)
    deliver.deliver()
    (message,) = server.received
    assert "<bdi>Bo &lt;b&gt;&amp; Co&lt;/b&gt;</bdi>" in message.get_body(("html",)).get_content()
    assert "Congratulations, Bo <b>& Co</b>." in message.get_body(("plain",)).get_content()


def test_the_types_own_words(course, server):
    words = {
        "subject": "{name}: {context}!",
        "body": "You did it, with {evidence.completion}.\n\nSee you {field.when}.",
    }
    ready(course, "ana", wording=words, fields={"when": "soon"})
    deliver.deliver()
    (message,) = server.received
    assert message["Subject"] == "Ana: Testing!"
    text = message.get_body(("plain",)).get_content()
    assert "You did it, with 100%.\n\nSee you soon.\n" in text.replace("\r", "")
    assert "You have earned" not in text


@pytest.mark.parametrize(
    ("reads", "subject"),
    [("ar", "أحسنت: Testing"), ("es-MX", "¡Bien!"), ("en", "Well done: Testing"), ("", "Well done: Testing")],
)
def test_the_types_own_words_in_the_readers_language(course, server, reads, subject):
    words = {
        "subject": "Well done: {context}",
        "translations": {"ar": {"subject": "أحسنت: {context}"}, "es": {"subject": "¡Bien!"}},
    }
    ready(course, "ana", wording=words)
    Learner.objects.update(language=reads)
    deliver.deliver()
    assert server.received[0]["Subject"] == subject


def test_who_reads_a_language_that_the_words_are_not_in_gets_ours(course, server):
    words = {"subject": "Well done", "body": "Well done.", "translations": {"ar": {"subject": "أحسنت"}}}
    ready(course, "ana", wording=words)
    Learner.objects.update(language="es")
    deliver.deliver()
    (message,) = server.received
    assert message["Subject"] == "Completion: Testing"
    assert "Well done" not in message.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            {"translations": {"ar": {"body": "{nmae}"}}},
            "wording.translations.ar.body: unknown placeholder {nmae}",
        ),
        ({"translations": {"klingon-x": {"body": "Qapla"}}}, "wording.translations: 'klingon-x' is not known"),
        ({"subject": "{nmae}"}, "wording.subject: unknown placeholder {nmae}"),
        ({"body": "{field.hours}"}, "wording.body: placeholder {field.hours}: the type has no such field"),
    ],
)
def test_words_that_cannot_be_filled_in_are_refused_when_the_type_is_saved(course, words, says):
    with pytest.raises(OptionsError, match="wording") as refused:
        course.configure(wording=words)
    assert says in str(refused.value)


def test_who_is_not_written_to_has_the_reason_recorded(course, server):
    course.learner("dora")
    ready(course, "ana", "bo", "cy")
    Learner.objects.filter(key="bo").update(active=False)
    correct.revoke(Credential.objects.get(learner__key="cy"), "by mistake")
    deliver.deliver()
    assert server.recipients == ["ana@example.com"]
    assert errors() == {
        "ana": "",
        "bo": "the learner's account is not active",
        "cy": "it was revoked",
        "dora": "the learner has no e-mail address",
    }
    assert states() == {"ana": State.SENT, "bo": State.SKIPPED, "cy": State.SKIPPED, "dora": State.SKIPPED}


def test_one_bad_address_among_many(course, server):
    server.answers = lambda recipient: "550 no such user" if recipient.startswith("bo@") else "250 OK"
    ready(course, "ana", "bo", "cy")
    deliver.deliver()
    assert server.recipients == ["ana@example.com", "cy@example.com"]
    assert states() == {"ana": State.SENT, "bo": State.FAILED, "cy": State.SENT}
    assert errors()["bo"] == "the mail server answered 550 no such user"
    assert Credential.objects.filter(state="available").count() == 3
    assert server.connections == 1


def test_a_greylisted_address_is_tried_again(course, server):
    server.answers = lambda recipient: "451 come back later"
    ready(course, "ana")
    deliver.deliver()
    waiting = Delivery.objects.get()
    assert (waiting.state, waiting.attempts) == (State.PENDING, 1)
    assert timedelta(seconds=20) < waiting.next_try - timezone.now() < timedelta(seconds=31)
    server.answers = lambda recipient: "250 OK"
    again()
    assert states() == {"ana": State.SENT}


def test_a_server_that_is_away_makes_all_wait_and_is_asked_once(course, server, settings):
    settings.EMAIL_PORT = smtp.free_port()
    ready(course, "ana", "bo", "cy")
    deliver.deliver()
    assert set(states().values()) == {State.PENDING}
    assert errors()["cy"] == "the mail server cannot be reached: Connection refused"
    assert deliver.due() == 0
    settings.EMAIL_PORT = server.port
    again()
    assert sorted(server.recipients) == ["ana@example.com", "bo@example.com", "cy@example.com"]


SECRET = "hunter2"


class Unmade(locmem.EmailBackend):
    """As of a provider's package that lacks a setting, and says what it has instead."""

    def __init__(self, **_):
        raise ValueError(f"the key {SECRET!r} is not accepted")


@pytest.mark.parametrize(
    "broken",
    [("not_installed.backends.Mail", "No module named 'not_installed'"), (f"{__name__}.Unmade", "ValueError")],
)
def test_a_transport_that_cannot_be_made_is_seen_on_what_waits(course, server, settings, caplog, broken):
    backend, why = broken
    smtp_backend, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, backend
    ready(course, "ana", "bo")
    call_command("conferral", "run", "--json")
    assert set(states().values()) == {State.PENDING}
    assert set(errors().values()) == {f"EMAIL_BACKEND {backend!r} cannot be used: {why}"}
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, 1]
    assert deliver.due() == 0
    assert SECRET not in caplog.text
    settings.EMAIL_BACKEND = smtp_backend
    again()
    assert sorted(server.recipients) == ["ana@example.com", "bo@example.com"]


@contextmanager
def silent(settings):
    """A server that takes connections and says nothing; calling what it yields tells how many came since."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.EMAIL_PORT = listening.getsockname()[1]
        listening.setblocking(False)

        def came():
            found = []
            with suppress(BlockingIOError):
                while True:
                    found.append(listening.accept()[0].close())
            return len(found)

        yield came


def test_a_server_that_hangs_is_asked_by_one_for_all(course, server, settings, monkeypatch):
    """Whatever is due, and however many workers there are: each of them would wait a minute for it."""
    monkeypatch.setattr(deliver, "BATCH", 2)
    settings.EMAIL_TIMEOUT = 0.2
    ready(course, *(f"learner-{number}" for number in range(7)))
    with time_machine.travel(timezone.now(), tick=False) as clock, silent(settings) as asked:
        pauses, next_try = [], timezone.now()
        for _ in range(4):
            clock.move_to(next_try)
            for _ in range(5):  # as the sweep and those who make certificates begin them
                deliver.deliver_batch()
            assert asked() == 1
            assert deliver.due() == 0
            (next_try,) = set(Delivery.objects.filter(attempts__gt=0).values_list("next_try", flat=True))
            pauses.append((next_try - timezone.now()).total_seconds())
        assert pauses == [30, 60, 120, 240]
        course.learner("late", email="late@example.com")
        course.run_and_generate()
        deliver.deliver()
        assert asked() == 0, "it is known to be away"
        assert set(states().values()) == {State.PENDING}
        assert len(errors()) == 8
        assert all(said.startswith("the mail server cannot be reached: ") for said in errors().values())
        settings.EMAIL_PORT = server.port
        clock.move_to(next_try)
        assert deliver.due() == 1
        deliver.deliver()
    assert set(states().values()) == {State.SENT}
    assert len(server.received) == len(set(server.recipients)) == 8


@pytest.mark.parametrize("answer", ["550 no such person", "450 not now"])
def test_a_server_that_refuses_the_one_who_asks_is_there_again(course, server, settings, answer):
    settings.EMAIL_PORT = smtp.free_port()
    ready(course, "ana", "bo", "cy")
    deliver.deliver()
    asks = Delivery.objects.get(attempts__gt=0).credential.learner
    settings.EMAIL_PORT = server.port
    server.answers = lambda recipient: answer if recipient == asks.email else "250 OK"
    Delivery.objects.filter(attempts__gt=0).update(next_try=timezone.now())
    deliver.deliver()
    assert set(server.recipients) == {"ana@example.com", "bo@example.com", "cy@example.com"} - {asks.email}


def test_who_was_to_ask_and_is_not_written_to_any_more_has_the_next_one_ask_at_once(course, server, settings):
    settings.EMAIL_PORT = smtp.free_port()
    ready(course, *(f"learner-{number}" for number in range(6)))
    deliver.deliver()
    gone = list(Delivery.objects.order_by("-attempts", "pk").values_list("credential__learner", flat=True)[:4])
    Learner.objects.filter(pk__in=gone).update(active=False)
    settings.EMAIL_PORT = server.port
    Delivery.objects.filter(attempts__gt=0).update(next_try=timezone.now())
    deliver.deliver()
    assert sorted(states().values()) == [State.SENT] * 2 + [State.SKIPPED] * 4


def test_who_retries_has_the_server_asked_at_once(course, server, settings):
    """Also for those that have not failed."""
    settings.EMAIL_PORT = smtp.free_port()
    ready(course, "ana", "bo")
    deliver.deliver()
    Delivery.objects.filter(credential__learner__key="bo").update(state=State.FAILED, claim="", next_try=None)
    settings.EMAIL_PORT = server.port
    assert correct.retry() == (0, 1)
    deliver.deliver()
    assert states() == {"ana": State.SENT, "bo": State.SENT}


def test_a_server_that_closes_the_connection_after_some_is_not_away(course, server, monkeypatch):
    monkeypatch.setattr(deliver, "BATCH", 2)
    ready(course, "ana", "bo", "cy")
    server.answers = lambda recipient: "421 that is enough" if recipient.startswith("bo@") else "250 OK"
    for _ in range(2):  # as two sweeps
        deliver.deliver()
    assert states() == {"ana": State.SENT, "bo": State.PENDING, "cy": State.SENT}
    assert errors()["bo"] == "the mail server answered 421 that is enough"


def test_a_server_that_closes_the_connection_at_the_sight_of_somebody_is_not_away(course, server, monkeypatch):
    monkeypatch.setattr(deliver, "BATCH", 1)
    ready(course, "ana", "bo", "cy")
    server.answers = lambda recipient: "421 not now" if recipient.startswith("ana@") else "250 OK"
    deliver.deliver()
    deliver.deliver()
    assert states() == {"ana": State.PENDING, "bo": State.SENT, "cy": State.SENT}


def test_a_slow_server_costs_its_time_out_and_no_more(course, server):
    server.slow = 1.5
    ready(course, "ana")
    deliver.deliver()
    assert errors()["ana"].startswith("the mail server stopped answering: ")
    server.slow = 0
    again()
    assert states() == {"ana": State.SENT}
    # It had taken the first one, and said so too late.
    assert len(server.received) == 2
    assert len({str(message["Message-ID"]) for message in server.received}) == 1


def test_it_gives_up_after_so_many_tries_and_retry_begins_anew(course, server, settings):
    settings.CONFERRAL_ATTEMPTS = 2
    settings.EMAIL_PORT = smtp.free_port()
    ready(course, "ana")
    deliver.deliver()
    again()
    assert states() == {"ana": State.FAILED}
    assert errors()["ana"].startswith("given up after 2 tries: the mail server cannot be reached")
    settings.EMAIL_PORT = server.port
    assert correct.retry() == (0, 1)
    deliver.deliver()
    assert states() == {"ana": State.SENT}


def test_an_address_that_cannot_be_written_fails_alone(course, server):
    course.learner("bo", email="bo@exa mple.com")
    ready(course, "ana")
    deliver.deliver()
    assert states() == {"ana": State.SENT, "bo": State.FAILED}


def test_the_sending_rate_holds_for_the_whole_site(course, server, settings):
    settings.CONFERRAL_MAILS_PER_MINUTE = 2
    ready(course, "ana", "bo", "cy")
    deliver.deliver()
    assert len(server.received) == 2
    assert deliver.due() == 1
    deliver.deliver()
    assert len(server.received) == 2
    Delivery.objects.filter(state=State.SENT).update(sent=timezone.now() - timedelta(seconds=61))
    deliver.deliver()
    assert len(server.received) == 3


def test_a_clock_that_was_set_back_holds_up_no_mail(course, server, settings):
    settings.CONFERRAL_MAILS_PER_MINUTE = 2
    ready(course, "ana", "bo", "cy")
    deliver.deliver()
    assert len(server.received) == 2
    Delivery.objects.filter(state=State.SENT).update(sent=timezone.now() + timedelta(hours=1))
    deliver.deliver()
    assert len(server.received) == 3


def test_a_pause_holds_every_mail(course, server):
    ready(course, "ana", "bo", "cy")
    standstill.pause("wrong people")
    assert deliver.deliver() == 0
    assert set(states().values()) == {State.PENDING}
    standstill.resume()
    assert deliver.deliver() == 3
    assert len(server.received) == 3


def test_a_run_that_is_to_write_to_nobody(course, server):
    course.learner("ana", email="ana@example.com")
    course.configure()
    course.run(notify=False)
    generate()
    deliver.deliver()
    assert server.received == []
    assert errors() == {"ana": "no mail was asked for"}


def test_resend_sends_once_more(course, server):
    ready(course, "ana")
    deliver.deliver()
    deliver.resend(Credential.objects.get())
    deliver.deliver()
    assert list(Delivery.objects.order_by("pk").values_list("sequence", "state")) == [(1, State.SENT), (2, State.SENT)]
    assert len(server.received) == 2


def reissued(name):
    """The successor of the one that holds, to be made."""
    return correct.reissue(Credential.objects.get(current=True), name=name)


def subjects(server):
    return [message["Subject"] for message in server.received]


def test_what_is_reissued_before_its_mail_went_out_is_not_corrected(course, server):
    ready(course, "ana")
    reissued("Ana Ñ")
    generate()
    deliver.deliver()
    assert subjects(server) == ["Completion: Testing"]


@pytest.mark.parametrize("told", ["written to", "silently", "long ago"])
def test_whoever_knows_of_one_is_told_of_a_correction_whatever_lies_between(course, server, told):
    course.learner("ana", email="ana@example.com")
    course.configure()
    course.run(notify=told != "silently")
    generate()
    deliver.deliver()
    server.received.clear()
    if told == "long ago":
        assert prune(timezone.now() + timedelta(days=4000))["mails"] == 1
    reissued("Ana Ñ")
    Credential.objects.filter(current=True).update(state="failed")
    reissued("Ana Ñandú")
    generate()
    deliver.deliver()
    assert subjects(server) == ["Corrected: Completion, Testing"]


def test_a_mail_that_is_sent_again_when_the_first_was_pruned_is_another(course, server):
    ready(course, "ana")
    deliver.deliver()
    reissued("Ana Ñ")
    generate()
    deliver.deliver()
    prune(timezone.now() + timedelta(days=4000))
    deliver.resend(Credential.objects.get(current=True))
    deliver.deliver()
    assert subjects(server)[1:] == ["Corrected: Completion, Testing"] * 2
    assert len({str(message["Message-ID"]) for message in server.received}) == 3


def test_queries_of_the_outbox(course, django_assert_num_queries):
    """One for first issues; one more for each step back that is looked at, however many are replaced."""
    ready(course, "ana", "bo", "cy")
    first = list(Credential.objects.all())
    Delivery.objects.all().delete()
    with django_assert_num_queries(1):
        deliver.enqueue(first)
    for one in first:
        correct.reissue(one, name="Another")
    later = list(Credential.objects.filter(current=True))
    with django_assert_num_queries(2):
        deliver.enqueue(later)


def test_resend_of_what_waits_sends_it_now_and_once(course, server, settings):
    settings.EMAIL_PORT = smtp.free_port()
    ready(course, "ana")
    deliver.deliver()
    settings.EMAIL_PORT = server.port
    assert deliver.resend(Credential.objects.get()).sequence == 1
    deliver.deliver()
    assert len(server.received) == 1


def test_resend_of_what_nobody_is_to_hear_of(course, server):
    course.learner("bo")
    ready(course, "ana")
    ana, bo = Credential.objects.order_by("learner__key")
    correct.revoke(ana, "by mistake")
    ana.refresh_from_db()
    for credential, reason in ((ana, "it was revoked"), (bo, "the learner has no e-mail address")):
        with pytest.raises(ConferralError, match=reason):
            deliver.resend(credential)


def test_a_type_without_generators_is_told_of_too(course, server):
    ready(course, "ana", generators={})
    deliver.deliver()
    assert server.recipients == ["ana@example.com"]


def test_queries_for_each_message(course, server, django_assert_max_num_queries):
    usernames = [f"learner-{number}" for number in range(20)]
    ready(course, *usernames)
    with django_assert_max_num_queries(13 + 4 * 20):
        deliver.deliver()
    assert len(server.received) == 20


@pytest.mark.parametrize("sender", ["nobody", "Awards <awards>", "a@b\nc: d"])
def test_a_sender_that_is_no_address_is_refused(db, sender):
    with pytest.raises(OptionsError, match="sender"):
        configure.save_issuer("site", name="Uni", sender=sender)


def test_a_refused_sender_waits_and_holds_up_nobody_elses_mail(course, server, settings):
    """It says nothing about the recipients: a quota is used up, or an issuer's address is to be corrected."""
    asked = []

    async def handle_mail(inner, session, envelope, address, options):
        if address.startswith("bad@"):
            asked.append(address)
            return "550 daily quota exceeded"
        envelope.mail_from = address
        return "250 OK"

    settings.CONFERRAL_ATTEMPTS = 2
    server.handle_MAIL = handle_mail
    configure.save_issuer("test", name="Test", organisation="Test", sender="bad@uni.example")
    ready(course, "ana", "bo")
    configure.save_issuer("test", name="Test", organisation="Test", sender="good@uni.example")
    ready(course, "cy")
    deliver.deliver()
    assert states() == {"ana": State.PENDING, "bo": State.PENDING, "cy": State.SENT}
    assert errors()["bo"] == "the mail server answered 550 daily quota exceeded"
    assert len(asked) == 1
    assert deliver.due() == 0
    again()
    assert states() == {"ana": State.FAILED, "bo": State.FAILED, "cy": State.SENT}
    assert errors()["ana"] == "given up after 2 tries: the mail server answered 550 daily quota exceeded"


def test_a_server_that_takes_messages_and_does_not_say_so_gets_few_repeats(course, server, settings):
    settings.EMAIL_TIMEOUT = 0.3
    server.slow = 0.6
    ready(course, "ana")
    deliver.deliver()
    for _ in range(5):
        again()
    assert states() == {"ana": State.FAILED}
    assert Delivery.objects.get().attempts == 3
    assert len(server.received) == 3


def test_an_account_that_is_closed_while_the_batch_goes_out(course, server, monkeypatch):
    ready(course, "ana", "bo")
    send = Post.send

    def send_and_close(post, letter):
        send(post, letter)
        Learner.objects.filter(key="bo").update(active=False)

    monkeypatch.setattr(Post, "send", send_and_close)
    deliver.deliver()
    assert server.recipients == ["ana@example.com"]
    assert errors()["bo"] == "the learner's account is not active"


def test_a_server_that_never_answers_is_given_up_though_no_setting_says_when(course, server, settings, monkeypatch):
    """Django's own default waits for ever, and so would an LMS."""
    monkeypatch.setattr(mail, "ANSWER_SECONDS", 1)
    settings.EMAIL_TIMEOUT = None
    ready(course, "ana")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT = silent.getsockname()[1]
        deliver.deliver()
    assert states() == {"ana": State.PENDING}
    assert errors()["ana"].startswith("the mail server cannot be reached: ")
    assert "timed out" in errors()["ana"]


def test_a_server_that_answers_too_slowly_has_perhaps_sent_it(course, server, settings, monkeypatch):
    monkeypatch.setattr(deliver, "LETTER_SECONDS", 1)
    settings.EMAIL_TIMEOUT = 60
    server.slow = 10
    ready(course, "ana")
    for _ in range(4):
        again()
    assert Delivery.objects.get().attempts == 3
    assert errors()["ana"].startswith("given up after 3 tries: handing the message to the mail server took longer than")


@pytest.mark.parametrize("raised", [KeyError("oops"), TransientError("the LMS is away")])
def test_a_source_that_raises_is_seen_and_comes_to_an_end(course, server, settings, monkeypatch, raised):
    says = "KeyError('oops')" if isinstance(raised, KeyError) else "the LMS is away"

    def people(*_):
        raise raised

    settings.CONFERRAL_ATTEMPTS = 3
    ready(course, "ana", "bo")
    with monkeypatch.context() as away:
        away.setattr(RosterGateway, "people", people)
        deliver.deliver()
        assert set(Delivery.objects.values_list("state", "attempts", "claim")) == {(State.PENDING, 1, "")}
        assert set(errors().values()) == {f"the learners' addresses could not be read: {says}"}
        assert deliver.due() == 0
        again()
        again()
    assert set(states().values()) == {State.FAILED}
    assert errors()["bo"].startswith("given up after 3 tries: the learners' addresses could not be read")
    correct.retry()
    deliver.deliver()
    assert set(states().values()) == {State.SENT}


def test_one_of_whom_the_source_tells_a_wrong_address_keeps_no_other_mail_from_being_sent(course, server, told_wrongly):
    ready(course, "ana", "bo", "cem")
    with told_wrongly(bo={"email": f"{'b' * 250}@example.com"}):
        deliver.deliver()
    assert states() == {"ana": State.SENT, "bo": State.FAILED, "cem": State.SENT}
    assert errors()["bo"].endswith("e-mail address: it has 262 characters; at most 254 are accepted")
    correct.retry()
    deliver.deliver()
    assert states()["bo"] == State.SENT


def test_a_source_that_hangs_is_given_up(course, server, settings, monkeypatch):
    ready(course, "ana")
    settings.CONFERRAL_PAGE_SECONDS = 1
    monkeypatch.setattr(RosterGateway, "people", lambda *_: time.sleep(60))
    deliver.deliver()
    assert errors()["ana"].endswith("reading addresses took longer than 1 s")


@pytest.mark.django_db(transaction=True)
def test_the_sending_rate_holds_for_two_who_look_at_once(course, server, settings):
    settings.CONFERRAL_MAILS_PER_MINUTE = 2
    ready(course, *(f"learner-{number}" for number in range(6)))
    start = threading.Barrier(2)

    def slowly(execute, sql, *arguments):
        found = execute(sql, *arguments)
        if "COUNT(" in sql:
            time.sleep(0.2)  # long enough for the other one to count, too
        return found

    def one():
        start.wait()
        try:
            with connection.execute_wrapper(slowly):
                deliver.deliver_batch()
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    with time_machine.travel(timezone.now().replace(second=10) + timedelta(minutes=1)):  # far from the next one's room
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.received) == 2
