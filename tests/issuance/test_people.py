"""What is kept of a person: handed out whole, and taken away whole."""

import json
import re

import pytest
from django.contrib.auth import get_user_model
from django.core import serializers

from conferral import models, plugins, storage
from conferral.contract import ConferralError, TransientError
from conferral.issuance import configure, correct, dry_run, history, people, release, standstill, wishes
from conferral.issuance import run as run_room
from conferral.issuance.award import Award, award
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.reissue import Wish, start
from conferral.issuance.run import run
from conferral.issuance.verdict import Verdict, look_up
from conferral.issuance.withdraw import withdraw
from conferral.lms.roster import import_file
from conferral.models import Act, Credential, CredentialArtifact, CredentialConfiguration, Learner, Reissue, Run
from tests.conftest import Course

QUERIES = 13
"""Of an export, whatever is kept: one for each kind of thing."""
PERSONAL = ("ana", "Ana Ñandú", "Ana Vidal", "ana@example.com")


@pytest.fixture
def ana(course):
    """Listed by name, with a credential that was corrected, a user, and a mail that was sent."""
    user = get_user_model().objects.create(username="somebody")
    learner = course.learner("ana", "0.9", name="Ana Ñandú", email="ana@example.com", total="0.7")
    learner.user = user
    learner.save()
    course.learner("bo", name="Bo", email="bo@example.com")
    course.configure(processor="listed", processor_options={"learners": ["ana", "Ana@Example.com", "bo"]})
    course.run_and_generate()
    deliver()
    correct.reissue(Credential.objects.get(learner=learner), name="Ana Vidal")
    generate()
    correct.revoke(Credential.objects.get(learner=learner, current=True), "Ana Vidal (ana@example.com) asked for it")
    return learner


def everything():
    """All that the database holds, as text."""
    rows = [row for name in models.__all__ for row in getattr(models, name)._default_manager.all()]
    return serializers.serialize("json", rows, ensure_ascii=False)


def test_export_has_all_of_it(ana):
    exported = people.export(people.find("roster", "ana"))
    text = json.dumps(exported, ensure_ascii=False)
    assert all(each in text for each in PERSONAL)
    assert exported["account"] == "somebody"
    assert exported["progress"] == [
        {"context": "course-v1:Test+T101+2026", "completion": "0.9", "grades": {"total": "0.7"}}
    ]
    old, new = exported["credentials"]
    assert (old["name"], new["name"], new["replaces"]) == ("Ana Ñandú", "Ana Vidal", old["verification_id"])
    assert [message["state"] for message in old["messages"]] == ["sent"]
    assert old["evidence"]["facts"]


def test_export_has_what_no_page_shows_them(course, ana, django_assert_num_queries):
    dry_run.carry_out(dry_run.start(course.configuration, by=None).pk)
    second = Course("course-v1:Test+T102+2026", type_name="Of two")
    configure.save_context(second.key, name="Two", organisation="Test")
    second.learner("ana", name="Ana Ñandú", email="ana@example.com")
    second.configure()
    configure.save_configuration(second.key, second.type_name, enabled=True, guards={"review": True})
    second.configuration.refresh_from_db()
    second.run()
    CredentialConfiguration.objects.filter(pk=second.configuration.pk).update(
        processor_options={"learners": ["ANA@example.com"]}
    )
    history.record("released", Credential.objects.get(learner__key="bo"), reason="of Bo alone")
    configure.save_type("Of others", processor="listed", processor_options={"learners": ["bo", "ANA"]})
    with django_assert_num_queries(QUERIES):
        exported = people.export(people.find("roster", "ana"))
    assert [one["state"] for one in exported["credentials"]] == ["available", "available", "held"]
    acts = [(act["verb"], act["reason"]) for one in exported["credentials"] for act in one["history"]]
    assert acts == [
        ("reissued", ""),
        ("reissued", ""),
        ("revoked", "Ana Vidal (ana@example.com) asked for it"),
    ]
    assert exported["named_by_rules"] == [
        {"type": course.type_name},
        {"context": second.key, "type": "Of two"},
    ]
    assert [(row["context"], row["outcome"]) for row in exported["dry_runs"]] == [(course.key, "already")]


def test_retire_leaves_nothing_of_the_person(ana):
    files = list(CredentialArtifact.objects.filter(credential__learner=ana).values_list("storage_name", flat=True))
    assert all(each in everything() for each in PERSONAL)
    assert people.retire(ana) == 2
    left = everything()
    assert [each for each in PERSONAL if each in left] == []
    assert not any(storage.exists(name) for name in files)
    assert Learner.objects.get(pk=ana.pk).user is None
    assert Learner.objects.filter(key="bo", name="Bo", email="bo@example.com").exists()
    (hidden, again, bo) = models.CredentialType.objects.get().processor_options["learners"]
    assert (hidden, hidden, bo) == (Learner.objects.get(pk=ana.pk).key, again, "bo")


def test_what_was_written_of_others_names_nobody_who_is_retired(course):
    dean = "the board"
    ana = course.learner("ana_ng", name="Ana Ng", email="ana@example.com")
    course.learner("bo")
    course.configure()
    course.run_and_generate()
    by_hand = Award(dean, "Ana Ng and Anastasia, on paper")
    award(course.configuration, ["bo"], by_hand)
    start(Wish(course.configuration, names=True), by=dean, reason="for Ana Ng")
    correct.revoke(Credential.objects.get(learner__key="bo"), "copied from ANA NG (Ana@Example.com)", by=dean)
    course.learner("cy")
    guarded = {"enabled": True, "guards": {"review": True}}
    configure.save_configuration(course.key, course.type_name, **guarded)
    course.run()
    release.refuse_each([Credential.objects.get(learner__key="cy").pk], by=dean, reason="Ana Ng's work, says ana_ng")
    release.bar(course.configuration, ["cy"], by=dean, reason="again: Ana Ng.")
    asked = run_room.ask(course.configuration, by=None)
    run_room.cancel(asked, by=dean, reason="Ana Ng is ill")
    standstill.pause("Ana Ng has called", by=dean)
    Run.objects.update(error="the rule raised KeyError('ana_ng')")
    problems = {"Ana Ng: no such letter": 1, "ana@example.com: no such letter": 2, "no template": 3}
    Reissue.objects.update(error="it fails for Ana Ng", problems=problems)
    people.retire(ana)
    left = everything()
    assert not re.search(r"(?i)\b(ana_ng|ana ng|ana@example\.com)\b", left)
    assert "copied from (removed) ((removed))" in left
    assert "(removed)'s work, says (removed)" in left
    assert Reissue.objects.get().problems == {"(removed): no such letter": 3, "no template": 3}


@pytest.mark.parametrize(
    ("name", "reason", "left"),
    [
        ("Bo", "The Board, and Bo", "The Board, and Bo"),
        ("Ann", "Anna, Ann, Ann-Marie", "Anna, (removed), Ann-Marie"),
        ("Mark", "Mark has a mark of 3", "(removed) has a mark of 3"),
        ("will", "the thesis will be marked anew", "the thesis will be marked anew"),
        ("王芳", "因王芳抄袭", "因(removed)抄袭"),
        ("\\d+", "12 \\d+", "12 (removed)"),
    ],
)
def test_only_names_are_taken_out_of_what_was_written_of_others(course, name, reason, left):
    course.learner("a-1", name=name)
    history.record("refused", course.configure(), by="the board", reason=reason)
    people.retire(Learner.objects.get())
    assert Act.objects.get(verb="refused").reason == left


def test_of_their_own_history_a_short_name_goes_too_and_our_own_days_stay(course):
    may, bo = course.learner("may", name="May"), course.learner("bo", name="Bo")
    course.configure()
    course.run_and_generate()
    correct.revoke(Credential.objects.get(learner=bo), "Bo asked for it", by="the board")
    history.record("closed", course.configuration, reason="its time ended on 12 May 2026")
    people.retire(bo)
    people.retire(may)
    reasons = dict(Act.objects.exclude(reason="").values_list("verb", "reason"))
    assert reasons == {"revoked": "(removed) asked for it", "closed": "its time ended on 12 May 2026"}


def test_the_page_says_so_and_bo_keeps_his(ana):
    ids = list(Credential.objects.filter(learner=ana).values_list("verification_id", flat=True))
    people.retire(ana)
    # It was revoked before: that is not forgotten with the person.
    assert {look_up(verification_id).verdict for verification_id in ids} == {Verdict.REVOKED}
    assert look_up(Credential.objects.get(learner__key="bo").verification_id).verdict is Verdict.GENUINE


def test_who_is_retired_is_never_issued_to_nor_recorded_again(course, ana, tmp_path):
    people.retire(ana)
    roster = tmp_path / "roster.csv"
    roster.write_text("username,name,email,completion\nana,Ana Ñandú,ana@example.com,1\nbo,Bo,bo@example.com,1\n")
    imported = import_file(course.key, roster)
    assert (imported.learners, imported.retired) == (2, 1)
    ended = course.run_and_generate()
    assert (ended.evaluated, ended.issued) == (1, 0)
    assert "ana@example.com" not in everything()


def test_who_is_retired_cannot_be_corrected_resent_or_found(ana):
    people.retire(ana)
    for username in ("ana", "nobody"):
        with pytest.raises(ConferralError, match="is retired; nothing personal is kept|is not known to 'roster'"):
            people.find("roster", username)
    with pytest.raises(ConferralError, match="the learner is retired"):
        correct.reissue(Credential.objects.get(learner=ana, current=True))


def test_who_is_retired_while_asking_for_another_name_leaves_none(course):
    learner = course.learner("ana")
    course.configure()
    course.run_and_generate()
    credential = Credential.objects.get()
    people.retire(learner)
    with pytest.raises(ConferralError, match="does not hold any more; nothing can be corrected"):
        wishes.ask_for_name(credential, "Ana Vidal")


def test_retiring_while_a_certificate_is_being_made(course, monkeypatch):
    """The worker has loaded the name, and puts a file away after it was taken from everywhere."""
    course.learner("ana", name="Ana", email="ana@example.com")
    course.configure()
    course.run()
    put = storage.put_at
    written = []

    def put_and_retire(name, content, **about):
        name = put(name, content, **about)
        written.append(name)
        people.retire(Learner.objects.get())
        return name

    monkeypatch.setattr(storage, "put_at", put_and_retire)
    generate()
    assert [storage.exists(name) for name in written] == [False]
    assert set(course.states().values()) == {"failed"}
    assert "ana@example.com" not in everything()


def test_a_storage_that_fails_takes_the_retirement_back_whole(ana, monkeypatch):
    def refuse(name):
        raise TransientError("storage: away")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "remove", refuse)
        with pytest.raises(TransientError, match="storage: away"):
            people.retire(ana)
    assert Learner.objects.get(pk=ana.pk).name == "Ana Ñandú"
    assert people.retire(ana) == 2


def test_what_a_run_holds_for_somebody_who_is_retired_is_not_issued(course):
    """Retired between the page that issued to them and the end of the run."""
    course.learner("ana", name="Ana", email="ana@example.com")
    course.learner("bo")
    course.configure()

    def retire_ana(count):
        people.retire(Learner.objects.get(key="ana"))

    run(course.configuration, trigger="command", progressed=retire_ana)
    generate()
    assert course.states() == {"bo": "available"}


def test_a_remote_credential_is_withdrawn_with_its_person_and_with_its_successor(course):
    remote = plugins.generator("remote")
    remote.withdrawn.clear()
    course.learner("ana", name="Ana")
    course.configure(generators={"certificate": {"generator": "remote"}})
    course.run_and_generate()
    correct.reissue(Credential.objects.get(), name="Anna")
    generate()
    withdraw()
    assert remote.withdrawn == ["badges/Ana"]
    people.retire(Learner.objects.get())
    assert remote.withdrawn.count("badges/Anna") == 1


def test_two_who_took_each_other_s_username(db):
    ana, bo, cy = (Learner.objects.create(gateway="lms", key=key, external_id=key) for key in ("ana", "bo", "cy"))
    told = {"bo": {"external_id": "ana"}, "ana": {"external_id": "bo"}, "cy": {"external_id": "new"}}
    assert Learner.objects.follow("lms", told) == 3
    for learner, key in ((ana, "bo"), (bo, "ana"), (cy, f"cy #{cy.pk}")):
        learner.refresh_from_db()
        assert learner.key == key
    Learner.objects.record("lms", {"cecil": {"external_id": "cy"}})
    cy.refresh_from_db()
    assert cy.key == "cecil"
