"""Issuing many again: counted first, made in batches, none of them twice."""

from datetime import timedelta
from itertools import product

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferral import plugins, tasks
from conferral.issuance import correct, history, people, reissue, removal, standstill, wishes
from conferral.issuance.correct import CURRENT_DESIGN, CannotCorrect
from conferral.issuance.generate import generate
from conferral.issuance.reissue import Wish, carry_out, carry_out_batch, count, start
from conferral.issuance.sweep import sweep
from conferral.issuance.withdraw import withdraw
from conferral.models import Credential, CredentialArtifact, Delivery, Learner, Reissue


@pytest.fixture
def dean(db):
    return get_user_model().objects.create_user("dean")


def issued(course, names, **values):
    for name in names:
        course.learner(name)
    course.configure(fields={"hours": 40}, **values)
    course.run_and_generate()
    return course.configuration


def redesigned(course, **values):
    course.configure(fields={"hours": 50}, **values)
    return Wish(course.configuration, CURRENT_DESIGN)


def current_hours():
    present = Credential.objects.filter(current=True).select_related("edition")
    return {one.learner.key: one.edition.content["fields"]["hours"] for one in present}


def test_all_get_the_current_design_and_keep_their_dates(course, dean):
    issued(course, ["ana", "ben"])
    before = dict(Credential.objects.values_list("learner__key", "issued"))
    Delivery.objects.update(state="sent")
    wish = redesigned(course)
    assert count(wish) == reissue.Numbers(2, 2, 0)
    asked = start(wish, by=dean, reason="a new logo")
    assert current_hours() == {"ana": 40, "ben": 40}
    assert sweep().reissues == [asked.pk]
    done = carry_out(asked.pk)
    assert (done.status, done.total, done.reissued, done.failed) == ("finished", 2, 2, 0)
    assert current_hours() == {"ana": 50, "ben": 50}
    present = Credential.objects.filter(current=True)
    assert dict(present.values_list("learner__key", "issued")) == before
    assert {one.supersedes.learner.key for one in present} == {"ana", "ben"}
    generate()
    assert set(present.values_list("state", flat=True)) == {"available"}
    assert Delivery.objects.filter(purpose="corrected").count() == 2
    assert withdraw() == 2, "the old files go to where no link leads"
    act = history.of(present.first()).first()
    assert (act.verb, act.by, act.reason) == ("reissued", dean, "a new logo")
    assert count(wish) == reissue.Numbers(2, 0, 2), "again changes nothing"


def test_corrected_names_alone_and_silently(course, dean):
    issued(course, ["ana", "ben"])
    Delivery.objects.update(state="sent")
    course.learner("ana", name="Ana Ñandú")
    wish = Wish(course.configuration, names=True, notify=False)
    assert count(wish) == reissue.Numbers(2, 1, 1)
    carry_out(start(wish, by=dean, reason="names").pk)
    generate()
    present = dict(Credential.objects.filter(current=True).values_list("learner__key", "recipient_name"))
    assert present == {"ana": "Ana Ñandú", "ben": "Ben"}
    assert Delivery.objects.get(purpose="corrected").state == "skipped"


def test_a_name_that_changes_in_case_and_accents_alone(course, dean):
    issued(course, ["ana", "ben", "cem"])
    course.learner("ana", name="ANA")
    course.learner("ben", name="Bén")
    wish = Wish(course.configuration, names=True)
    assert count(wish) == reissue.Numbers(3, 2, 1)
    assert carry_out(start(wish, by=dean, reason="names").pk).reissued == 2
    present = dict(Credential.objects.filter(current=True).values_list("learner__key", "recipient_name"))
    assert present == {"ana": "ANA", "ben": "Bén", "cem": "Cem"}


@pytest.mark.parametrize("single", [True, False])
def test_a_page_that_is_hidden_while_designs_are_tried_out_stays_hidden(course, dean, monkeypatch, single):
    issued(course, ["ana"])
    old, try_out = Credential.objects.get(), correct.try_out

    def hide_and_try(*given):
        wishes.show(Credential.objects.get(), hidden=True, name_form="initials")
        try_out(*given)

    monkeypatch.setattr(correct, "try_out", hide_and_try)
    wish = redesigned(course)
    if single:
        correct.reissue(old, design=CURRENT_DESIGN, by=dean)
    else:
        carry_out(start(wish, by=dean, reason="x").pk)
    new = Credential.objects.get(current=True)
    assert new.supersedes == old
    assert (new.hidden, new.name_form) == (True, "initials")


def test_one_that_found_nothing_to_do_keeps_no_configuration_from_being_deleted(course, dean):
    course.configure()
    done = carry_out(start(Wish(course.configuration, CURRENT_DESIGN), by=dean, reason="x").pk)
    assert (done.total, done.status) == (0, "finished")
    removal.delete_configuration(course.key, course.type_name)
    removal.delete_type(course.type_name)


def test_a_selection(course, dean):
    issued(course, ["ana", "ben", "cem"])
    wish = redesigned(course)
    chosen = Credential.objects.filter(learner__key__in=["ana", "ben"]).values_list("pk", flat=True)
    wish = Wish(wish.configuration, CURRENT_DESIGN, selection=list(chosen))
    assert count(wish) == reissue.Numbers(2, 2, 0)
    carry_out(start(wish, by=dean, reason="x").pk)
    assert current_hours() == {"ana": 50, "ben": 50, "cem": 40}


def test_who_cannot_be_is_counted_and_left(course, dean):
    issued(course, ["ana", "revoked", "retired", "waits"])
    correct.revoke(Credential.objects.get(learner__key="revoked"), "copied")
    people.retire(Learner.objects.get(key="retired"))
    Credential.objects.filter(learner__key="waits").update(state="pending")
    numbers = count(redesigned(course))
    assert numbers == reissue.Numbers(4, 1, 0, {"revoked": 1, "still being made": 1, "the learner is retired": 1})
    assert carry_out(start(redesigned(course), by=dean, reason="x").pk).reissued == 1


@pytest.mark.parametrize(("chosen", "names"), list(product([None, ["ana", "ben"]], [False, True])))
@pytest.mark.parametrize("given", [["Ana Ñandú"], ["Ana Nandu", "Ana Ñandú"]], ids=["once", "twice"])
def test_who_is_given_another_name_meanwhile_keeps_it_and_gets_the_design(course, dean, chosen, names, given):
    issued(course, ["ana", "ben"])
    design, selection = redesigned(course), None
    if chosen:
        selection = list(Credential.objects.filter(learner__key__in=chosen).values_list("pk", flat=True))
    wish = Wish(design.configuration, CURRENT_DESIGN, names=names, selection=selection)
    asked = start(wish, by=dean, reason="x")
    for name in given:
        wishes.approve(wishes.ask_for_name(Credential.objects.get(learner__key="ana", current=True), name))
        generate()
    done = carry_out(asked.pk)
    assert (done.status, done.total, done.reissued, done.failed) == ("finished", 2, 2, 0)
    assert current_hours() == {"ana": 50, "ben": 50}
    present = dict(Credential.objects.filter(current=True).values_list("learner__key", "recipient_name"))
    assert present == {"ana": "Ana Ñandú", "ben": "Ben"}


def test_whose_new_name_is_not_made_yet_is_told_of(course, dean):
    issued(course, ["ana", "ben"])
    asked = start(redesigned(course), by=dean, reason="x")
    correct.reissue(Credential.objects.get(learner__key="ana"), name="Ana Ñandú")
    done = carry_out(asked.pk)
    assert (done.reissued, done.failed, done.problems) == (1, 1, {"still being made": 1})
    assert current_hours() == {"ana": 40, "ben": 50}


def test_two_designs_at_once_do_not_undo_each_other_for_ever(course, dean, settings):
    settings.CONFERRAL_BATCH_SIZE = 1
    issued(course, ["ana", "ben"])
    first = start(redesigned(course), by=dean, reason="x")
    course.configure(fields={"hours": 60})
    second = start(Wish(course.configuration, CURRENT_DESIGN), by=dean, reason="y")
    carry_out_batch(first.pk)
    for _ in range(6):
        generate()
        carry_out_batch(second.pk)
        generate()
        carry_out_batch(first.pk)
    assert set(Reissue.objects.values_list("status", flat=True)) == {"finished"}
    assert Credential.objects.count() == 4


def test_what_a_later_reissue_has_made_and_a_person_renamed_keeps_its_design(course, dean, settings):
    settings.CONFERRAL_BATCH_SIZE = 1
    issued(course, ["ana", "ben"])
    first = start(redesigned(course), by=dean, reason="x")
    course.configure(fields={"hours": 60})
    carry_out(start(Wish(course.configuration, CURRENT_DESIGN), by=dean, reason="y").pk)
    generate()
    correct.reissue(Credential.objects.get(learner__key="ana", current=True), name="Ana Ñandú")
    generate()
    carry_out(first.pk)
    assert current_hours() == {"ana": 60, "ben": 60}


def test_one_that_cannot_be_made_keeps_what_it_has(course, dean):
    issued(course, ["ana"])
    configuration = course.configuration
    course.learner("ana", name="\u200d")
    done = carry_out(start(Wish(configuration, names=True), by=dean, reason="x").pk)
    assert (done.reissued, done.failed) == (0, 1)
    (problem,) = done.problems
    assert "the learner has none" in problem
    assert Credential.objects.get().current


def test_a_design_that_hangs_with_everybody_ends_it(course, dean, settings, monkeypatch):
    """Two are tried, not each of them for a minute; what is there stays."""
    settings.CONFERRAL_PLUGIN_SECONDS = 1
    for number in range(6):
        course.learner(f"odd-{number}", name=f"Hang {number}")
    course.configure()
    course.run_and_generate()
    course.configure(generators={"certificate": {"generator": "hanging"}})
    hanging, tried = plugins.generator("hanging"), []
    generate_one = type(hanging).generate
    monkeypatch.setattr(hanging, "generate", lambda *given: tried.append(given) or generate_one(hanging, *given))
    done = carry_out(start(Wish(course.configuration, CURRENT_DESIGN), by=dean, reason="another design").pk)
    assert len(tried) == 2
    assert (done.status, done.reissued) == ("failed", 0)
    assert "making certificate took longer than 1 s" in done.error
    assert Credential.objects.filter(current=True, state="available").count() == 6


def test_a_worker_that_is_killed_makes_nothing_twice(course, dean, settings):
    settings.CONFERRAL_BATCH_SIZE = 1
    issued(course, ["ana", "ben", "cem"])
    asked = start(redesigned(course), by=dean, reason="x")
    assert carry_out_batch(asked.pk)
    Reissue.objects.update(claim="another-host:1:x", claimed_until=timezone.now() + timedelta(hours=1))
    assert not carry_out_batch(asked.pk), "somebody else has it"
    assert sweep().reissues == []
    Reissue.objects.update(claimed_until=timezone.now() - timedelta(hours=1), cursor=0)
    done = carry_out(asked.pk)
    assert done.reissued == 3
    assert Credential.objects.count() == 6
    assert current_hours() == {"ana": 50, "ben": 50, "cem": 50}


def test_the_workers_task_makes_a_batch_at_a_time(course, dean, settings):
    settings.CONFERRAL_BATCH_SIZE = 2
    issued(course, ["ana", "ben", "cem"])
    asked = start(redesigned(course), by=dean, reason="x")
    carry_out_batch(asked.pk)
    asked.refresh_from_db()
    assert (asked.status, asked.reissued, asked.total) == ("running", 2, 3)
    assert tasks.reissue.name == "conferral.reissue"


def test_it_is_cancelled_after_the_batch_at_hand(course, dean, settings):
    settings.CONFERRAL_BATCH_SIZE = 1
    issued(course, ["ana", "ben"])
    asked = start(redesigned(course), by=dean, reason="x")
    carry_out_batch(asked.pk)
    reissue.cancel(asked, by=dean)
    assert not carry_out_batch(asked.pk)
    asked.refresh_from_db()
    assert (asked.status, asked.reissued) == ("cancelled", 1)
    assert [act.verb for act in history.of(asked)] == ["cancelled", "reissue asked for"]


def test_nothing_is_reissued_while_everything_stands_still(course, dean):
    issued(course, ["ana"])
    asked = start(redesigned(course), by=dean, reason="x")
    standstill.pause()
    assert not carry_out_batch(asked.pk)
    with pytest.raises(standstill.Paused):
        start(redesigned(course), by=dean, reason="x")


def test_remote_credentials_are_withdrawn_with_the_old_ones(course, dean):
    issued(course, ["ana"], generators={"badge": {"generator": "remote"}})
    elsewhere = plugins.generator("remote").withdrawn
    elsewhere.clear()
    carry_out(start(redesigned(course, generators={"badge": {"generator": "remote"}}), by=dean, reason="x").pk)
    assert elsewhere == [], "nobody is asked while rows are locked"
    assert withdraw() == 1
    assert elsewhere == ["badges/Ana"]
    assert withdraw() == 0


@pytest.mark.django_db(transaction=True)
def test_what_the_database_breaks_off_is_due_again(course, dean, broken_off):
    issued(course, ["ana", "ben"])
    asked = start(redesigned(course), by=dean, reason="x")
    with broken_off('INSERT INTO "conferral_credential"'):
        assert not carry_out_batch(asked.pk)
    assert sweep().reissues == [asked.pk]
    done = carry_out(asked.pk)
    assert (done.status, done.reissued, done.failed) == ("finished", 2, 0)
    assert Credential.objects.filter(current=True).count() == 2


@pytest.mark.parametrize(
    ("wish", "reason", "says"),
    [
        ({"design": "same"}, "x", "design: nothing would change"),
        ({"names": True}, " ", "reason: is empty"),
        ({"names": True, "selection": range(10_001)}, "x", "selection: 10001 are too many; choose 10000 at most"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(course, dean, wish, reason, says):
    issued(course, ["ana"])
    with pytest.raises(CannotCorrect, match=says):
        start(Wish(course.configuration, **wish), by=dean, reason=reason)


def test_one_that_was_reissued_or_revoked_says_who_did_it(course, dean):
    issued(course, ["ana"])
    old = Credential.objects.get()
    new = correct.reissue(old, name="Ana Ñandú", by=dean, reason="misspelt")
    generate()
    correct.revoke(new, "copied", by=dean)
    assert [(act.verb, act.reason) for act in history.of(new)] == [("revoked", "copied"), ("reissued", "misspelt")]
    assert "Ñandú" not in str(list(history.of(new).values_list("details", flat=True)))


def test_queries_grow_with_batches_not_with_credentials(course, dean, settings):
    settings.CONFERRAL_BATCH_SIZE = 100
    costs = []
    for many in (5, 60):
        course.learners(many)
        course.configure(fields={"hours": many})
        course.run_and_generate()
        asked = start(redesigned(course), by=dean, reason="x")
        with CaptureQueriesContext(connection) as seen:
            carry_out_batch(asked.pk)
        costs.append(len(seen))
        carry_out(asked.pk)
        generate()
        course.configure(fields={"hours": many + 1})
    assert costs[1] <= costs[0] + 2
    assert CredentialArtifact.objects.filter(credential__current=True, state="stored").count() == 60
