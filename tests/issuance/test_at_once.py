"""Two people who decide about the same at the same moment: one waits for the other, and neither waits for ever."""

import threading
from contextlib import suppress

import pytest
from django.db import connection

from conferral.issuance import configure, correct, deliver, history, people, release, wishes
from conferral.models import Credential, Learner, NameRequest

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one who writes at a time"),
]
MEETING = 2
"""Seconds that one waits for the other to come where both would wait for each other."""


@pytest.fixture
def meet(monkeypatch):
    """Has whoever comes to one of those functions wait there a while for whoever comes to the other."""
    met = threading.Barrier(2)

    def at(*places):
        for module, name in places:
            monkeypatch.setattr(module, name, waiting(getattr(module, name)))

    def waiting(original):
        def wrapped(*given, **named):
            with suppress(threading.BrokenBarrierError):  # the other one waits at the database, as it should
                met.wait(MEETING)
            return original(*given, **named)

        return wrapped

    return at


def at_once(*deeds):
    """What each of them raised."""
    raised = []

    def doing(deed):
        try:
            deed()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=doing, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_one_refuses_a_name_while_another_revokes(course, meet):
    course.learner("ana", email="ana@example.com")
    course.configure()
    course.run_and_generate()
    credential = Credential.objects.get()
    request = wishes.ask_for_name(credential, "Ana Vidal")
    meet((deliver, "tell"), (history, "account"))
    raised = at_once(lambda: wishes.refuse(request, "no"), lambda: correct.revoke(credential, "it was leaked"))
    assert all(isinstance(error, wishes.CannotAsk) for error in raised), raised
    assert Credential.objects.get().revoked
    assert not NameRequest.objects.filter(waiting=True).exists()


def test_a_holder_asks_again_while_somebody_revokes(course, meet):
    course.learner("ana", email="ana@example.com")
    course.configure()
    course.run_and_generate()
    credential = Credential.objects.get()
    wishes.ask_for_name(credential, "Ana Vidal")
    meet((history, "record"), (history, "account"))
    raised = at_once(
        lambda: wishes.ask_for_name(credential, "Ana Other"), lambda: correct.revoke(credential, "it was leaked")
    )
    assert all(isinstance(error, wishes.CannotAsk) for error in raised), raised
    assert not NameRequest.objects.filter(waiting=True).exists()


def test_somebody_is_retired_while_what_is_held_of_theirs_is_refused(course, meet):
    course.learner("ana")
    course.configure()
    configure.save_configuration(course.key, course.type_name, enabled=True, guards={"review": True})
    course.run()
    (held,) = Credential.objects.values_list("pk", flat=True)
    meet((release, "drop_of"), (release.candidates, "say_of"))
    ana = Learner.objects.get()
    assert at_once(lambda: people.retire(ana), lambda: release.refuse_each([held], by="dean", reason="copied")) == []
    assert not Credential.objects.exists()
    assert Learner.objects.get().retired
