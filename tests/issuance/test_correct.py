"""Taking back and putting right: only a person does it, nothing is lost, and nobody gets two."""

import re
import time

import pytest
from django.db import connection

from conferral import plugins, storage
from conferral.contract import ConferralError
from conferral.issuance import configure, correct, people, withdraw
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.verdict import Verdict, look_up
from conferral.models import Act, Credential, CredentialArtifact, Delivery, Learner

State = Credential.State


def verdict(credential):
    return look_up(credential.verification_id).verdict


def test_a_revocation_stands(course, credential):
    correct.revoke(credential, "  handed in somebody else's work ")
    assert verdict(credential) is Verdict.REVOKED
    assert Credential.objects.get().revoked_reason == "handed in somebody else's work"
    ended = course.run_and_generate()
    assert (ended.already, ended.issued) == (1, 0)
    assert Credential.objects.count() == 1


def test_revoking_twice_or_without_a_reason_is_refused(credential):
    with pytest.raises(ConferralError, match="reason: is empty; say why"):
        correct.revoke(credential, " ")
    correct.revoke(credential, "cheated")
    with pytest.raises(ConferralError, match=r"was revoked on \d{4}-\d\d-\d\d already: cheated"):
        correct.revoke(credential, "cheated again")


def test_a_correction_keeps_its_dates_and_its_edition_and_takes_the_place(course, credential):
    credential.deliveries.update(state="sent")
    new = correct.reissue(credential, name="Ana Ñandú")
    assert look_up(credential.verification_id).verdict is Verdict.REPLACING
    generate()
    found = look_up(credential.verification_id)
    assert (found.verdict, found.credential, found.replaced) == (Verdict.CORRECTED, new, True)
    new.refresh_from_db()
    kept = ("issued", "earned", "expires", "edition_id", "evidence", "learner_id", "locale")
    assert all(getattr(new, name) == getattr(credential, name) for name in kept)
    assert (new.recipient_name, new.current, new.state) == ("Ana Ñandú", True, State.AVAILABLE)
    assert course.run().issued == 0
    assert list(new.deliveries.values_list("purpose", "state")) == [("corrected", "pending")]
    assert correct.differs_from_account(new) == "Ana Nandu"


def test_without_a_name_it_keeps_the_one_it_has(credential):
    Learner.objects.update(name="Somebody Else")
    assert correct.reissue(credential).recipient_name == "Ana Nandu"


def test_without_mail_nobody_is_written_to(credential):
    deliver()
    new = correct.reissue(credential, notify=False)
    generate()
    assert list(new.deliveries.values_list("state", "last_error")) == [("skipped", "no mail was asked for")]


def test_the_current_design_is_a_choice(course, credential):
    course.configure(fields={"hours": 3})
    same = correct.reissue(credential)
    generate()
    assert same.edition_id == credential.edition_id
    current = correct.reissue(Credential.objects.get(current=True), design="current")
    assert current.edition_id != credential.edition_id
    assert current.edition.content["fields"] == {"hours": 3}


def test_what_was_replaced_is_refused_with_its_successor(credential):
    correct.reissue(credential)
    generate()
    for act in (lambda: correct.reissue(credential), lambda: correct.revoke(credential, "no")):
        with pytest.raises(ConferralError, match=r"was replaced by \w{4}-\w{4}-\w{4}-\w{4}; name that one"):
            act()


def test_what_is_being_made_is_not_reissued(credential):
    new = correct.reissue(credential)
    with pytest.raises(ConferralError, match="is still being made; wait until it is ready"):
        correct.reissue(new)


def test_a_chain_of_corrections_leads_to_the_last(credential):
    first = credential
    for name in ("B", "C", "D"):
        credential = correct.reissue(credential, name=name)
        generate()
        credential.refresh_from_db()
    assert look_up(first.verification_id).credential == credential


def test_a_revoked_one_can_be_reissued_by_a_person(credential):
    correct.revoke(credential, "by mistake")
    new = correct.reissue(credential)
    generate()
    assert verdict(new) is Verdict.CORRECTED


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "name: it is empty"),
        (" \u200d ", "name: it is empty"),
        ("a\nb", "control character"),
        ("x" * 256, "name: it has 256 characters; at most 255"),
        ("a\u202eb", "U\\+202E"),
    ],
)
def test_a_name_that_cannot_be_is_refused(credential, name, says):
    with pytest.raises(ConferralError, match=says):
        correct.reissue(credential, name=name)
    assert Credential.objects.get().current


def test_what_cannot_be_made_never_takes_the_place_of_what_is_there(course, credential):
    course.configure(generators={"certificate": {"generator": "buggy"}})
    for name in ("Permanent", "Bug", "Path", "Nothing"):
        with pytest.raises(ConferralError, match="it cannot be made like this, and nothing was changed"):
            correct.reissue(credential, name=name, design="current")
    assert verdict(credential) is Verdict.GENUINE
    assert Credential.objects.count() == 1


def test_retry_gives_the_nameless_the_name_that_is_known_by_now(course):
    course.learner("ana", name="")
    course.configure()
    course.run_and_generate()
    assert course.states() == {"ana": "failed"}
    assert correct.retry() == (1, 0)
    generate()
    assert course.states() == {"ana": "failed"}
    Learner.objects.update(name="Ana")
    correct.retry()
    generate()
    assert course.states() == {"ana": "available"}
    assert Delivery.objects.count() == 1


def test_after_a_long_outage_all_is_tried_again_page_by_page(course, monkeypatch):
    """Each transaction holds a few, and no statement names more: all of a large site's may have failed."""
    monkeypatch.setattr(correct, "AT_ONCE", 4)
    course.learners(21)
    two = {"certificate": {"generator": "text"}, "badge": {"generator": "text", "required": False}}
    course.configure(generators=two)
    course.run_and_generate()
    for row in CredentialArtifact.objects.all():
        storage.remove(row.storage_name)
    files = CredentialArtifact.objects.filter(credential__pk__lte=Credential.objects.order_by("pk")[9].pk)
    files.update(state="failed", next_try=None, storage_name="")
    Credential.objects.filter(artifacts__in=files).update(state=State.FAILED)
    given_up = Delivery.objects.exclude(credential__in=files.values("credential_id")).order_by("pk")[:7]
    Delivery.objects.filter(pk__in=[one.pk for one in given_up]).update(state="failed", next_try=None)
    longest = []

    def watch(execute, sql, params, *arguments):
        ids = [part for part in re.findall(r" IN \(([^()]*)\)", sql) if "SELECT" not in part]
        longest.append(max((part.count(",") + 1 for part in ids), default=0))
        if "evidence" in sql and sql.startswith("SELECT"):
            raise AssertionError(sql)
        return execute(sql, params, *arguments)

    with connection.execute_wrapper(watch):
        assert correct.retry(by="dean", reason="the outage is over") == (20, 7)
    assert max(longest) <= 2 * 4  # as many files of those credentials
    assert not CredentialArtifact.objects.filter(state="failed").exists()
    assert not Delivery.objects.filter(state="failed").exists()
    tried = Act.objects.filter(verb="tried again", by_name="dean", reason="the outage is over")
    first = Credential.objects.order_by("pk").values_list("pk", flat=True)[:17]
    assert sorted(tried.values_list("object_id", flat=True)) == list(first)
    assert correct.retry() == (0, 0)
    assert correct.retry(list(Credential.objects.order_by("pk"))) == (22, 0)  # whose files are gone


def test_retry_makes_a_lost_file_again(credential):
    artifact = CredentialArtifact.objects.get()
    storage.remove(artifact.storage_name)
    assert correct.retry() == (0, 0)  # nothing has failed
    assert correct.retry([credential]) == (1, 0)
    generate()
    again = CredentialArtifact.objects.get()
    assert (again.sha256, again.state) == (artifact.sha256, artifact.state)
    assert storage.exists(again.storage_name)
    assert Delivery.objects.count() == 1  # nobody is written to twice for it


def test_a_renamed_type_changes_no_credential(course, credential):
    configure.rename_type("Completion", "Attendance")
    course.type_name = "Attendance"
    assert correct.reissue(credential).edition.content["type"] == "Completion"
    for wrong, says in (("Attendance", "is there already"), (" ", "is empty")):
        with pytest.raises(ConferralError, match=says):
            configure.rename_type("Attendance", wrong)


def test_a_remote_credential_is_withdrawn_there_until_it_is_done(course, settings):
    settings.CONFERRAL_RETRY_SECONDS = 0
    course.learner("ana", name="Ana")
    course.configure(generators={"certificate": {"generator": "remote"}})
    course.run_and_generate()
    credential, remote = Credential.objects.get(), plugins.generator("remote")
    remote.withdrawn.clear()
    remote.raises = True
    correct.revoke(credential, "by mistake")
    assert verdict(credential) is Verdict.REVOKED, "here at once"
    assert withdraw.withdraw_batch()
    row = CredentialArtifact.objects.get()
    assert row.last_error == "withdrawn here, but not elsewhere yet: the badge service is away"
    assert (row.attempts, withdraw.due()) == (1, 1)
    remote.raises = False
    assert withdraw.withdraw() == 1
    assert remote.withdrawn == ["badges/Ana"]
    row.refresh_from_db()
    assert (row.last_error, row.next_try) == ("", None)


def test_a_service_that_hangs_holds_nobody_up(course, settings, monkeypatch):
    settings.CONFERRAL_PLUGIN_SECONDS = 1
    course.learner("ana", name="Ana")
    course.configure(generators={"certificate": {"generator": "remote"}})
    course.run_and_generate()
    monkeypatch.setattr(plugins.generator("remote"), "revoke", lambda *_: time.sleep(60))
    correct.revoke(Credential.objects.get(), "by mistake")
    withdraw.withdraw()
    assert "withdrawing certificate took longer than 1 s" in CredentialArtifact.objects.get().last_error


def test_a_design_that_hangs_takes_no_place(course, settings):
    settings.CONFERRAL_PLUGIN_SECONDS = 1
    course.learner("ana", name="Ana")
    course.configure(generators={"certificate": {"generator": "hanging"}})
    course.run_and_generate()
    with pytest.raises(ConferralError, match="nothing was changed: making certificate took longer than 1 s"):
        correct.reissue(Credential.objects.get(), name="Hang")
    assert Credential.objects.get().current


@pytest.mark.django_db(transaction=True)
def test_no_row_is_locked_while_other_peoples_code_works(course, monkeypatch):
    """A design that hangs would hold up whatever waits for the learner: runs, and then each sweep."""
    course.learner("ana", name="Ana")
    course.configure()
    course.run_and_generate()
    locked, generator = [], plugins.generator("text")
    generate_it, described = generator.generate, plugins.gateway().describe

    def watched(call):
        return lambda *given: locked.append(connection.in_atomic_block) or call(*given)

    monkeypatch.setattr(generator, "generate", watched(generate_it))
    monkeypatch.setattr(type(plugins.gateway()), "describe", lambda _, key: watched(described)(key))
    correct.reissue(Credential.objects.get(), name="Ana Vidal", design=correct.CURRENT_DESIGN)
    assert locked == [False] * len(locked) != []


def test_without_its_package_a_plain_file_can_still_be_revoked(credential):
    credential.edition.content["generators"]["certificate"]["generator"] = "gone"
    credential.edition.save()
    correct.revoke(credential, "by mistake")
    assert verdict(credential) is Verdict.REVOKED


def test_what_is_revoked_before_it_is_made_is_not_made(course):
    course.learner("ana")
    course.configure()
    course.run()
    correct.revoke(Credential.objects.get(), "by mistake")
    generate()
    assert CredentialArtifact.objects.get().last_error == "it was revoked or replaced before it was made"
    assert correct.retry() == (0, 0)


def test_what_is_revoked_while_it_is_made_is_withdrawn_where_it_was_made(course, meanwhile):
    course.learner("ana", name="Ana")
    course.configure(generators={"certificate": {"generator": "remote"}})
    course.run()
    meanwhile(lambda: correct.revoke(Credential.objects.get(), "by mistake"))
    generate()
    assert withdraw.withdraw() == 1
    assert plugins.generator("remote").withdrawn == ["badges/Ana"]


@pytest.mark.parametrize("answers", [True, False])
def test_what_was_made_for_somebody_who_retires_meanwhile_is_withdrawn_there(course, meanwhile, caplog, answers):
    course.learner("ana", name="Ana")
    course.configure(generators={"certificate": {"generator": "remote"}})
    course.run()
    remote = plugins.generator("remote")
    remote.raises = not answers
    meanwhile(lambda: people.retire(Learner.objects.get()))
    generate()
    row = CredentialArtifact.objects.get()
    assert (row.state, row.url, row.receipt) == ("failed", "", {})
    assert remote.withdrawn == (["badges/Ana"] if answers else [])
    assert ("not withdrawn there" in caplog.text) is not answers
    assert "Ana" not in caplog.text


@pytest.fixture
def meanwhile(monkeypatch):
    """Does something once, while the remote service makes a credential."""
    remote = plugins.generator("remote")
    monkeypatch.setattr(type(remote), "withdrawn", [])
    monkeypatch.setattr(remote, "raises", False, raising=False)

    def arrange(do):
        generate_there = type(remote).generate

        def make(*arguments):
            made = generate_there(*arguments)
            monkeypatch.setattr(type(remote), "generate", generate_there)
            do()
            return made

        monkeypatch.setattr(type(remote), "generate", make)

    return arrange


def test_the_successor_of_what_nobody_saw_is_the_first(course):
    course.learner("ana", name="")
    course.configure()
    course.run_and_generate()
    with pytest.raises(ConferralError, match="name: the learner has none; give one"):
        correct.reissue(Credential.objects.get())
    new = correct.reissue(Credential.objects.get(), name="Ana")
    generate()
    assert verdict(new) is Verdict.GENUINE
    assert new.deliveries.get().purpose == "issued"
