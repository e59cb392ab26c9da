"""The log: ids and figures for machines, and nobody's name or address."""

import io
import json
import logging
import os
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import quote

import django
import pytest
from django.contrib.auth import get_user_model
from django.core.files.storage import FileSystemStorage
from django.db import IntegrityError, OperationalError, connection
from django.test import Client
from django.utils import timezone
from pythonjsonlogger.json import JsonFormatter

from conferral import access, journal, plugins, tasks
from conferral.contract import ConferralError, OptionsError, PermanentError, TransientError
from conferral.issuance import correct, dry_run, explain, opening, reissue, withdraw
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
    """Neither whom it was asked about nor the others of whom it knows, whatever it raises."""
    course.learner("stone-cold", name="Ana")
    course.learner(USERNAME, name=NAME, email=ADDRESS)
    course.configure(processor="indiscreet", processor_options={})
    with logged() as lines:
        run(course.configuration, trigger="command")
    told = json.dumps(lines, ensure_ascii=False)
    assert told.count("could not decide") == 2
    assert "in decide" in told, "the traceback says where"
    assert not [secret for secret in ("stone-cold", NAME, USERNAME, ADDRESS) if secret in told]


def test_our_own_errors_are_logged_with_their_words_but_for_what_they_quote(course):
    course.configure()
    CredentialConfiguration.objects.update(enabled=False)
    with pytest.raises(ConferralError) as ours:
        run(course.configuration, trigger="command")
    with logged() as lines:
        journal.breakdown(logging.getLogger("conferral"), "it failed", ours.value)
        with pytest.raises(plugins.PluginError) as quoting, plugins.blamed(plugins.GATEWAYS, "roster"):
            raise LookupError(f"{NAME} is not there")
        journal.breakdown(logging.getLogger("conferral"), "it failed", quoting.value)
    own, _, quoted = (line["message"] for line in lines)
    assert "was switched off or deleted meanwhile" in own
    assert "raised (hidden); the log has its traceback" in quoted
    assert NAME not in quoted


def test_a_page_that_breaks_names_nobody(course, caplog):
    """What Django logs of it goes to whoever collects errors, without its words, its variables and the request."""

    def refuse(*_):
        raise IntegrityError(f"DETAIL:  Key (gateway, key)=(roster, {USERNAME}) of {NAME} already exists.")

    with connection.execute_wrapper(refuse):
        answer = Client(raise_request_exception=False).get("/check/", {"id": "K7QF2M9X4TBDHW33", "mail": ADDRESS})
    assert answer.status_code == 500
    (record,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert record.getMessage().startswith("Internal Server Error: /check/\n")
    assert "in look_up" in record.getMessage(), "the traceback says where"
    assert record.getMessage().endswith("IntegrityError")
    assert record.exc_info is None
    told = repr(vars(record))
    assert not [secret for secret in (NAME, USERNAME, ADDRESS) if secret in told]


def test_what_breaks_in_an_lms_and_is_not_ours_stays_as_it_is():
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, "%s", ("theirs",), None)
    try:
        int("no number")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert logging.getLogger("django.request").filter(record)
    assert record.exc_info
    assert record.args == ("theirs",)


@pytest.mark.skipif(django.VERSION < (5, 2), reason="the standalone service needs Django 5.2")
@pytest.mark.parametrize("how", ["lines", "json"])
def test_the_service_logs_nothing_as_it_was_raised(tmp_path, how):
    """Whatever logs it: a page, a library."""
    key = "k" * 40
    script = f"""
import django, logging
django.setup()
from django.db import connection
from django.test import Client

def refuse(*_):
    raise RuntimeError("of {NAME}")

with connection.execute_wrapper(refuse):
    client = Client(raise_request_exception=False, HTTP_HOST="localhost")
    assert client.get("/sign-in/{key}", {{"mail": "{ADDRESS}"}}).status_code == 500
try:
    raise LookupError("{NAME}")
except LookupError:
    logging.getLogger("a.library").exception("not sent to %s", "{ADDRESS}")
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CONFERRAL", "DATABASE"))}
    environment |= {"DJANGO_SETTINGS_MODULE": "conferral.service.settings", "LOG_FORMAT": how}
    environment |= {"CONFERRAL_HOME": str(tmp_path), "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Internal Server Error: /sign-in/(hidden)" in done.stderr
    assert "not sent to (hidden)" in done.stderr
    assert done.stderr.count("RuntimeError") == done.stderr.count("LookupError") == 1
    assert not [secret for secret in (NAME, ADDRESS, key) if secret in done.stderr]


def test_what_a_page_cannot_tell_is_logged_without_variables_and_names_nobody(course, monkeypatch, caplog):
    def progress(*_, **__):
        raise TransientError(f"the source does not know {USERNAME}") from ValueError(f"no {NAME} <{ADDRESS}>")

    learner = course.learner(USERNAME, name=NAME, email=ADDRESS)
    course.configure(schedule={"every": "1 day"})
    learner.user = get_user_model().objects.create(username=USERNAME)
    learner.save()
    client = Client()
    client.force_login(learner.user)
    monkeypatch.setattr(RosterGateway, "progress", progress)
    assert client.get("/mine/").status_code == 200
    assert client.get(f"/mine/progress/{course.configuration.pk}/").status_code == 503
    ours = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage().partition(" configuration=")[0] for record in ours[:2]] == [explain.CANNOT_BE_TOLD] * 2
    assert not any(record.exc_info for record in caplog.records)
    assert not [secret for secret in (NAME, USERNAME, ADDRESS) if secret in caplog.text]


def test_a_file_that_cannot_be_had_is_logged_without_variables(course, monkeypatch, caplog):
    def away(*_):
        raise OSError("the disk is gone")

    course.learner(USERNAME, name=NAME, email=ADDRESS)
    course.configure()
    course.run_and_generate()
    row = CredentialArtifact.objects.get()
    CredentialArtifact.objects.update(media_type="image/png")
    monkeypatch.setattr(FileSystemStorage, "open", away)
    page = f"/c/{row.credential}"
    for path in (f"{page}/certificate.txt", f"{page}/picture/certificate.txt", f"{page}/share/card.png"):
        assert Client().get(path).status_code == 503
    whats = [record.getMessage().partition("\n")[0] for record in caplog.records if record.name.endswith("web.views")]
    assert [what.partition(" credential=")[0] for what in whats] == [
        "a file cannot be had",
        f"{page}/picture/certificate.txt: the picture cannot be had",
        "the card cannot be made",
    ]
    assert not any(record.exc_info for record in caplog.records)


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


# What a person or a program asks for, about somebody whom nobody knows where it fails.


def secrets_in(told):
    """None is to be there, nor a part of one, nor as an address has it."""
    parts = ("Zoraida", "Quispe", "zoraida", "quispe", USERNAME, ADDRESS)
    return [part for part in parts if part in told]


def told_by(lines, caplog):
    return json.dumps(lines, ensure_ascii=False) + "".join(repr(vars(record)) for record in caplog.records)


def test_a_correction_that_cannot_be_made_names_nobody_in_the_log(course, caplog):
    course.learner("zoe", name="Zoe")
    course.configure(generators={"certificate": {"generator": "indiscreet"}})
    course.run_and_generate()
    with logged() as lines, pytest.raises(correct.CannotCorrect, match=NAME) as refused:
        correct.reissue(Credential.objects.get(), name=NAME)
    told = told_by(lines, caplog)
    assert "raised" in told
    assert "in generate" in told, "the traceback says where"
    assert "LookupError" in told
    assert not secrets_in(told)
    with logged() as lines:
        journal.breakdown(logging.getLogger("conferral"), "it failed", refused.value)
    assert "it cannot be made like this" in lines[0]["message"]
    assert not secrets_in(lines[0]["message"])


def fails(raised):
    def fail(*_, **__):
        raise raised(f"of {NAME} <{ADDRESS}>, at https://lms.example.org/?name={quote(NAME)}&user={USERNAME}")

    return fail


def test_a_dry_run_that_fails_names_nobody(course, monkeypatch, caplog, django_user_model):
    course.learner(USERNAME, name=NAME, email=ADDRESS)
    course.configure()
    monkeypatch.setattr(RosterGateway, "progress", fails(ValueError))
    asked = dry_run.start(course.configuration, by=django_user_model.objects.create(username="dean"))
    with logged() as lines:
        done = dry_run.carry_out(asked.pk)
    assert NAME in done.error
    told = told_by(lines, caplog)
    assert "a dry run failed" in told
    assert "in fail" in told, "the traceback says where"
    assert not secrets_in(told)


def test_a_reissue_that_fails_names_nobody(course, monkeypatch, caplog, django_user_model):
    course.learner(USERNAME, name=NAME, email=ADDRESS)
    course.configure()
    course.run_and_generate()
    course.configure(fields={"hours": 50})
    wish = reissue.Wish(course.configuration, correct.CURRENT_DESIGN)
    asked = reissue.start(wish, by=django_user_model.objects.create(username="dean"), reason="a new logo")
    monkeypatch.setattr(reissue, "_batch", fails(ValueError))
    with logged() as lines:
        assert NAME in reissue.carry_out(asked.pk).error
    told = told_by(lines, caplog)
    assert "a reissue failed" in told
    assert not secrets_in(told)


def test_dates_that_cannot_be_followed_name_nobody(course, monkeypatch, caplog):
    course.configure()
    CredentialConfiguration.objects.update(context_name="")
    monkeypatch.setattr(RosterGateway, "describe", fails(ValueError))
    with logged() as lines:
        opening.follow_all()
    told = told_by(lines, caplog)
    assert "the dates of a course could not be followed" in told
    assert not secrets_in(told)


@pytest.mark.parametrize("raised", [ValueError, PermanentError])
def test_what_is_not_withdrawn_elsewhere_names_nobody(course, monkeypatch, caplog, raised):
    course.learner(USERNAME, name=NAME, email=ADDRESS)
    course.configure(generators={"certificate": {"generator": "remote"}})
    course.run_and_generate()
    monkeypatch.setattr(plugins.generator("remote"), "revoke", fails(raised))
    with logged() as lines:
        correct.revoke(Credential.objects.get(), "by mistake")
        withdraw.withdraw()
    assert NAME in CredentialArtifact.objects.get().last_error
    told = told_by(lines, caplog)
    assert "withdrawn here, but not elsewhere yet" in told
    assert not secrets_in(told)


@pytest.mark.urls("conferral.api.urls")
@pytest.mark.parametrize("raised", [ValueError, PermanentError])
@pytest.mark.parametrize("asked", [{"username": USERNAME}, {"edx_lms_user_id": 7}])
def test_who_cannot_be_retired_is_not_named(course, monkeypatch, caplog, raised, asked):
    learner = course.learner(USERNAME, name=NAME, email=ADDRESS)
    learner.external_id = "7"
    learner.save()
    course.configure(generators={"certificate": {"generator": "remote"}})
    course.run_and_generate()
    monkeypatch.setattr(access, "removes_accounts", lambda token: True)
    monkeypatch.setattr(plugins.generator("remote"), "revoke", fails(raised))
    with logged() as lines:
        answer = Client().post("/user/retire/", asked, content_type="application/json", HTTP_AUTHORIZATION="JWT x")
    assert answer.status_code == 503
    told = told_by(lines, caplog) + answer.content.decode()
    assert "a learner could not be retired" in told
    assert "in fail" in told, "the traceback says where"
    assert not secrets_in(told)


@pytest.mark.parametrize("raised", [ValueError, PermanentError])
def test_who_teaches_is_asked_in_nobodys_name(course, monkeypatch, caplog, raised, django_user_model):
    monkeypatch.setattr(RosterGateway, "is_staff_of", fails(raised), raising=False)
    user = django_user_model.objects.create(username=USERNAME)
    with logged() as lines:
        assert access._asked(user, lambda lms: lms.is_staff_of(USERNAME, course.key), otherwise=False) is False
    told = told_by(lines, caplog)
    assert "nobody is taken for a teacher" in told
    assert not secrets_in(told)


def test_a_generator_that_does_not_load_is_told_without_variables(caplog):
    list(plugins.generators())
    (record,) = [one for one in caplog.records if one.getMessage().startswith("a generator is left out")]
    assert "DoesNotExist" not in repr(record.exc_info)
    assert record.exc_info is None
    assert "unloadable" in record.getMessage()
    assert "in load_class" in record.getMessage(), "the traceback says where"


def test_settings_that_are_wrong_do_not_tell_a_secret(course, settings, caplog):
    """In whatever field it was put; options have none, and say what is wrong with what."""
    given = {"url": "https://lms.example.org", "client_id": ["s3cret"], "client_secret": 8675309, "timeout": "s3cret"}
    course.configure()
    settings.CONFERRAL_LMS, settings.CONFERRAL_PLUGINS = "rest", {"rest": given}
    CredentialConfiguration.objects.update(next_run_at=timezone.now())
    with logged() as lines, pytest.raises(OptionsError) as refused:
        plugins.gateway()
    with logged() as more:
        tasks.run_if_due.apply(args=[course.configuration.pk])
    told = told_by(lines + more, caplog) + str(refused.value) + "".join(Run.objects.values_list("error", flat=True))
    assert "rest.client_secret: its value is not accepted: write a text" in told
    assert "rest.timeout: its value is not accepted: write a number" in told
    assert not [secret for secret in ("8675309", "s3cret") if secret in told]
    with pytest.raises(OptionsError, match="required_completion: 'most' is not accepted"):
        course.configure(processor_options={"required_completion": "most"})


def test_a_name_is_hidden_in_parts_and_as_addresses_have_it():
    said = "GET /?name=Zoraida%20%C3%91and%C3%BA+x Zoraida+%C3%91and%C3%BA \\u00d1and\\u00fa Zoraida_1.pdf, Zoraidas Li"
    with journal.hiding("Zoraida Ñandú", "zq"):
        assert journal.discreet(said) == "GET /?name=(hidden)+x (hidden) (hidden) (hidden)_1.pdf, Zoraidas Li"
        assert journal.discreet("%C3%91and%C3%BA, Ñandú (zq)") == "(hidden), (hidden) ((hidden))"
    with journal.hiding(ADDRESS):
        assert journal.discreet("example.org says: zoraida") == "example.org says: (hidden)"


def test_any_address_is_hidden():
    assert journal.discreet("550 <ana@example.com>: no such user ana+b@x.org, bye") == (
        f"550 <{journal.HIDDEN}>: no such user {journal.HIDDEN}, bye"
    )
