"""The command line of those who decide: held, release, refuse, lists, award, cancel, reissue, asset, daily."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from conferral import plugins
from conferral.contract import ConferralError
from conferral.issuance import configure, correct
from conferral.issuance.deliver import deliver, resend
from conferral.issuance.generate import generate
from conferral.issuance.run import ask, run_if_due
from conferral.management.commands.conferral import Error
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, CredentialType, Delivery, Run
from conferral.models.verification import shown
from tests.services.smtp import free_port

SMTP = "django.core.mail.backends.smtp"


@pytest.fixture
def conferral():
    """`conferral("run", "T101")`: what it printed."""

    def command(*arguments):
        out = io.StringIO()
        call_command("conferral", *arguments, stdout=out)
        return out.getvalue()

    return command


def reviewed(course, *names):
    for name in names:
        course.learner(name)
    course.configure()
    configure.save_configuration(course.key, course.type_name, enabled=True, guards={"review": True})
    return course


def test_what_is_held_is_listed_released_and_refused(course, conferral):
    reviewed(course, "ana", "ben", "cem")
    assert "3 held back: `conferral held` shows them" in conferral("run", "T101", "--no-mail")
    said = conferral("held", "T101")
    assert "3 held since" in said
    assert "held back: each is to be looked at" in said
    number = {one.learner.key: shown(one.verification_id) for one in Credential.objects.all()}
    assert number["ana"] in said
    assert "1 refused" in conferral("refuse", number["ben"], "--reason", "copied")
    assert "1 released" in conferral("release", number["ana"], "--no-mail")
    assert "1 released" in conferral("release", str(Run.objects.get().pk))
    assert "Nothing is held." in conferral("held")
    with pytest.raises(Error, match="is no run and no held credential; `conferral held` lists them"):
        conferral("release", number["ana"])


def test_a_run_is_released_beforehand(course, conferral):
    reviewed(course, "ana")
    conferral("run", "T101", "--release", "--no-mail")
    assert course.states() == {"ana": "available"}


def test_the_lists(course, conferral):
    reviewed(course, "ana", "ben")
    said = conferral("lists", "T101", "allow", "ana", "nobody", "--reason", "illness")
    assert "1 learners: allow" in said
    assert "nobody is not known" in said
    conferral("lists", "T101", "refuse", "ben", "--reason", "plagiarism")
    said = conferral("lists", "T101", "show")
    assert "always issued   ana  illness, by the command line" in said
    assert "never issued    ben  plagiarism, by the command line" in said
    conferral("lists", "T101", "clear", "ben")
    assert "ben" not in conferral("lists", "T101", "show")


def test_an_award(course, conferral):
    reviewed(course, "ana")
    said = conferral("award", "T101", "ana", "--reason", "oral exam", "--by", "Dean Okafor", "--no-mail")
    assert "awarded: http" in said
    (fact,) = Credential.objects.get().evidence["facts"]
    assert fact["actual"] == "Dean Okafor"
    with pytest.raises(SystemExit):
        conferral("award", "T101", "ana", "--reason", "again")


def test_cancelling(course, conferral):
    ask(course.configure(), by=None)
    assert "cancelled" in conferral("cancel", "T101", "--reason", "the wrong course")
    assert Run.objects.get().error == "cancelled by the command line: the wrong course"
    with pytest.raises(Error, match="there is nothing to cancel"):
        conferral("cancel", "T101")


def test_reissuing_all(course, conferral):
    course.learners(2)
    course.configure(fields={"hours": 40})
    course.run_and_generate()
    course.configure(fields={"hours": 50})
    dry = conferral("reissue", "--all", "T101", "--design", "current", "--dry-run")
    assert dry == "2 of 2 to be issued again, 0 as they are\n"
    assert Credential.objects.count() == 2
    said = conferral("reissue", "--all", "T101", "--design", "current", "--no-mail", "--reason", "new hours")
    assert "2 issued again, 0 could not be" in said
    assert Credential.objects.filter(current=True, state="available").count() == 2
    for wrong in (["reissue"], ["reissue", "K7QF2M9X4TBDHW33", "--all", "T101"]):
        with pytest.raises(Error, match="name a verification id, or --all"):
            conferral(*wrong)


def test_a_dry_run_as_a_table(course, conferral, tmp_path):
    course.learner("ana", name="=SUM(1)")
    course.configure()
    said = conferral("run", "T101", "--dry-run")
    assert "1 cannot be written to" in said
    path = tmp_path / "who.csv"
    assert "1 learners written to" in conferral("run", "T101", "--dry-run", "--csv", str(path))
    assert path.read_text("utf-8-sig").splitlines()[1].startswith('"ana","\'=SUM(1)","issue",')
    with pytest.raises(Error, match="--csv: is for --dry-run"):
        conferral("run", "T101", "--csv", str(path))


def test_versions_of_an_asset(course, template, conferral):
    configure.save_asset("blank", "blank.pdf", template)
    configure.save_asset("blank", "blank.pdf", template + b"\n", active=False)
    said = conferral("asset", "show", "blank")
    assert "used by: nothing" in said
    assert "version 1  current" in said
    assert "is the current one" in conferral("asset", "activate", "blank", "2")
    later = (timezone.now() + timedelta(days=1)).isoformat()
    assert "becomes the current one on" in conferral("asset", "activate", "blank", "1", "--on", later)
    assert "version 1 still begins on 20" in conferral("asset", "activate", "blank", "2")
    with pytest.raises(Error, match="--on: 'soon' is not accepted"):
        conferral("asset", "activate", "blank", "1", "--on", "soon")


def test_what_an_issuer_shows_as_its_logo_stays_a_picture(db, template, conferral, tmp_path):
    file, logo = tmp_path / "one.yaml", b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>'
    (tmp_path / "logo.svg").write_bytes(logo)
    (tmp_path / "logo.pdf").write_bytes(template)
    file.write_text("assets: [{slug: logo, file: logo.svg}]\nissuers: [{slug: site, name: Site, logo: logo}]")
    conferral("apply", str(file))
    file.write_text("assets: [{slug: logo, file: logo.pdf}]")
    with pytest.raises(Error, match="what changes here breaks what uses it: logo: 'logo' is of kind pdf"):
        conferral("apply", str(file))


def test_once_a_day_and_each_minute(course, conferral):
    course.learners(1)
    ask(course.configure(), by=None)
    assert "1 ran, 0 failed" in conferral("due")
    assert "0 configurations have other dates" in conferral("daily")


def test_a_course_without_an_end_is_told_when_it_is_declared(course, conferral, tmp_path):
    course.configure()
    file = tmp_path / "one.yaml"
    file.write_text(
        f"configurations: [{{context: '{course.key}', type: Completion, enabled: true, "
        "schedule: {every: 1 day}, opening: {stop: 30}, guards: {wait: 7 days, share: 0.1}}]"
    )
    assert "! without an end date it never closes by itself" in conferral("apply", str(file))
    saved = CredentialConfiguration.objects.get()
    assert (saved.opening, saved.guards) == ({"stop": 30}, {"wait": "7 days", "share": 0.1})
    assert "0 changed, 1 as declared already" in conferral("apply", str(file))
    status = conferral("status")
    assert "1 configurations enabled" in status


def test_a_run_a_file_and_a_mail_say_how_often_they_were_tried_and_when_they_are_again(course, conferral, settings):
    course.learner("ana", email="ana@example.org")
    course.configure(schedule={"every": "7 days"}, generators={"certificate": {"generator": "unreliable"}})
    course.run_and_generate()
    number = shown(Credential.objects.get().verification_id)
    file = CredentialArtifact.objects.get()
    again = f"tried once, the next try {file.next_try:%Y-%m-%dT%H:%M:%SZ}"
    assert f"certificate pending, {again}" in conferral("show", number)
    assert f"! certificate: the badge service is away, {again}" in conferral("credentials")
    (said,) = json.loads(conferral("show", number, "--json"))["artifacts"]
    assert (said["attempts"], said["next_try"]) == (1, file.next_try.isoformat())

    plugins.generator("unreliable").mended = True
    CredentialArtifact.objects.update(next_try=timezone.now())
    generate()
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = f"{SMTP}.EmailBackend", "127.0.0.1", free_port()
    deliver()
    mail = Delivery.objects.get()
    again = f"tried once, the next try {mail.next_try:%Y-%m-%dT%H:%M:%SZ}"
    assert f"mail       pending, {again}" in conferral("show", number)
    assert f"refused, {again}" in conferral("credentials")
    assert "certificate stored, tried once" in conferral("show", number)
    (said,) = json.loads(conferral("show", number, "--json"))["delivery"]
    assert (said["attempts"], said["next_try"]) == (1, mail.next_try.isoformat())

    CredentialType.objects.update(processor="gone")
    CredentialConfiguration.objects.update(next_run_at=timezone.now())
    with pytest.raises(ConferralError):
        run_if_due(course.configuration.pk)
    begun = Run.objects.latest("pk")
    assert f"tried once, the next try {begun.next_try:%Y-%m-%dT%H:%M:%SZ}: " in conferral("status")
    (said,) = json.loads(conferral("status", "--json"))["configurations"]
    assert (said["attempts"], said["next_try"]) == (1, f"{begun.next_try:%Y-%m-%dT%H:%M:%SZ}")


def test_what_became_of_a_credential_is_said_in_the_same_word_everywhere(course, conferral):
    course.learner("ana")
    course.configure()
    course.run_and_generate()
    credential = Credential.objects.get()
    number = shown(credential.verification_id)

    def said(word):
        return f"{number}  {word} " in conferral("credentials") and f"{number}  {word}\n" in conferral("show", number)

    assert said("available")
    Credential.objects.update(expires=timezone.now() - timedelta(days=1))
    assert said("expired")
    correct.revoke(credential, "copied")
    assert said("revoked")
    correct.reissue(credential)
    assert said("replaced")


def test_what_was_revoked_before_it_was_made_or_mailed_is_no_failure(course, conferral):
    course.learner("ana", name="", email="ana@example.org")
    course.learner("bo", email="bo@example.org")
    course.configure()
    course.run_and_generate()
    Delivery.objects.update(state="failed", next_try=None, last_error="550 no such mailbox")
    found = json.loads(conferral("status", "--json"))
    assert [found[kind]["failed"] for kind in ("artifacts", "messages")] == [1, 1]
    for one in Credential.objects.all():
        correct.revoke(one, "copied")
    found = json.loads(conferral("status", "--json"))
    assert [(found[kind]["failed"], found[kind]["reasons"]) for kind in ("artifacts", "messages")] == [(0, {})] * 2


def test_a_mail_that_was_given_up_and_sent_again_is_no_failure(course, conferral):
    course.learner("ana", email="ana@example.org")
    course.configure()
    course.run_and_generate()
    Delivery.objects.update(state="failed", next_try=None, last_error="550 no such mailbox")
    resend(Credential.objects.get())
    deliver()
    found = json.loads(conferral("status", "--json"))["messages"]
    assert (found["failed"], found["reasons"]) == (0, {})
