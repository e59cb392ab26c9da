"""The log: ids and figures for machines, and nobody's name or address."""

import io
import json
import logging
from contextlib import contextmanager

import pytest
from django.db import OperationalError
from django.utils import timezone
from pythonjsonlogger.json import JsonFormatter

from conferral import journal, plugins, tasks
from conferral.issuance import correct
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.run import run
from conferral.lms.roster import RosterGateway
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Delivery, Run
from tests.services import smtp

NAME, USERNAME, ADDRESS = "Zoraida Quispe", "zquispe77", "zoraida.q@example.org"


@contextmanager
def logged():
    """What a handler that writes JSON was given, a line for each."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("%(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("conferral")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    lines = []
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        lines += [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_step_says_what_it_is_about(course):
    course.learner("ana", email="ana@example.com")
    course.configure()
    with logged() as lines:
        course.run_and_generate()
        deliver()
    ended = Run.objects.get()
    about = {"run": ended.pk, "configuration": ended.configuration_id}
    begins, ends, made, mails = lines
    assert begins["message"].startswith("issuing run begins run=")
    assert begins.items() >= about.items()
    assert ends.items() >= (about | {"evaluated": 1, "issued": 1, "failed": 0}).items()
    concerned = {"credentials": [Credential.objects.get().pk], "runs": [ended.pk]}
    assert made.items() >= ({"slot": "certificate", "stored": 1, "failed": 0} | concerned).items()
    assert mails.items() >= ({"sent": 1, "failed": 0} | concerned).items()


def test_what_is_put_off_or_given_up_says_which_one(course, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", smtp.free_port()
    settings.CONFERRAL_ATTEMPTS = 2
    course.learner("ana", email="ana@example.com")
    course.configure(generators={"certificate": {"generator": "unreliable"}})
    course.run()
    with logged() as lines:
        for _ in range(2):
            CredentialArtifact.objects.update(next_try=timezone.now())
            generate()
    row = CredentialArtifact.objects.get()
    about = {"artifact": row.pk, "credential": row.credential_id, "run": Run.objects.get().pk}
    waits, failed = [line for line in lines if line["levelname"] == "WARNING"]
    assert waits["message"].startswith("a certificate waits artifact=")
    assert failed["message"].startswith("a certificate has failed artifact=")
    assert waits.items() >= (about | {"attempts": 1, "why": "TransientError"}).items()
    assert failed.items() >= (about | {"attempts": 2}).items()

    plugins.generator("unreliable").mended = True
    correct.retry()
    generate()
    with logged() as lines:
        deliver()
    (waits,) = [line for line in lines if line["message"].startswith("a mail waits")]
    assert waits.items() >= {"delivery": Delivery.objects.get().pk, "credential": row.credential_id}.items()
    assert waits["run"] == about["run"]


def test_many_ids_are_short_in_words_and_complete_for_machines(course):
    course.learners(5)
    course.configure()
    with logged() as lines:
        course.run_and_generate()
    made = lines[-1]
    first, *_, last = made["credentials"]
    assert len(made["credentials"]) == 5
    assert f" credentials={first}…{last} " in made["message"]


@pytest.mark.parametrize("raised", [ValueError, OperationalError])
def test_a_run_that_fails_in_a_worker_names_nobody(course, monkeypatch, caplog, raised):
    """Nobody knows whom the source speaks of: its words are for the run's page, and for no log."""

    def progress(*_, **__):
        raise raised(f"no grade for {NAME} <{ADDRESS}>")

    course.learner(USERNAME, name=NAME, email=ADDRESS)
    course.configure()
    CredentialConfiguration.objects.update(next_run_at=timezone.now())
    monkeypatch.setattr(RosterGateway, "progress", progress)
    with logged() as lines:
        result = tasks.run_if_due.apply(args=[course.configuration.pk])
    assert result.state == "FAILURE"
    told = json.dumps(lines, ensure_ascii=False) + caplog.text + repr(result.result) + result.traceback
    assert not [secret for secret in (NAME, USERNAME, ADDRESS) if secret in told]
    assert "conferral.run_if_due failed" in told
    assert "in progress" in told, "the traceback says where"
    assert raised.__name__ in repr(result.result)
    assert result.result.__context__ is None
    assert NAME in Run.objects.get().error


def test_a_failure_names_the_credential_and_nobody(course):
    course.learner(USERNAME, name=NAME, email=ADDRESS)
    course.configure(generators={"certificate": {"generator": "indiscreet"}})
    with logged() as lines:
        course.run_and_generate()
    (failure,) = [line for line in lines if line["levelname"] == "ERROR"]
    assert failure["artifact"] == CredentialArtifact.objects.get().pk
    assert failure["credential"] == Credential.objects.get().pk
    assert "Traceback (most recent call last)" in failure["message"]
    told = json.dumps(lines, ensure_ascii=False)
    assert not [secret for secret in (NAME, USERNAME, ADDRESS) if secret in told]
    assert "exc_info" not in failure


def test_a_rule_that_fails_names_nobody(course):
    course.learner("stone-cold", name=NAME)
    course.configure(processor="indiscreet", processor_options={})
    with logged() as lines:
        run(course.configuration, trigger="command")
    told = json.dumps(lines)
    assert "could not decide" in told
    assert "stone-cold" not in told


def test_a_mail_that_cannot_be_sent_names_nobody(course, settings):
    settings.EMAIL_BACKEND = "conferral_test_plugins.IndiscreetTransport"
    course.learner(USERNAME, name=NAME, email=ADDRESS)
    course.configure()
    with logged() as lines:
        course.run()
        generate()
        deliver()
    told = json.dumps(lines, ensure_ascii=False)
    assert "the mail transport raised" in told
    assert not [secret for secret in (NAME, USERNAME, ADDRESS) if secret in told]


def test_any_address_is_hidden():
    assert journal.discreet("550 <ana@example.com>: no such user ana+b@x.org, bye") == (
        f"550 <{journal.HIDDEN}>: no such user {journal.HIDDEN}, bye"
    )
