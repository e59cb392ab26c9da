"""The log: ids and figures for machines, and nobody's name or address."""

import io
import json
import logging
from contextlib import contextmanager

from pythonjsonlogger.json import JsonFormatter

from conferral import journal
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.run import run
from conferral.models import Credential, CredentialArtifact, Run

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
    assert made.items() >= {"slot": "certificate", "stored": 1, "failed": 0}.items()
    assert mails.items() >= {"sent": 1, "failed": 0}.items()


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
