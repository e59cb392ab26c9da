"""Guards: too many at once are held; a person releases or refuses; who qualifies waits; each is looked at first."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferral.contract import OptionsError
from conferral.issuance import candidates, configure, history, people, release, removal, standstill
from conferral.issuance.evaluate import Outcome
from conferral.issuance.generate import generate
from conferral.issuance.guards import of as guards_of
from conferral.issuance.run import dry_run, run, run_if_due, run_soon
from conferral.issuance.sweep import sweep
from conferral.lms.roster import RosterGateway
from conferral.models import (
    Act,
    Candidate,
    Credential,
    CredentialArtifact,
    CredentialConfiguration,
    Delivery,
    Learner,
    RosterEntry,
    Run,
)

HELD, FINISHED, REFUSED = Run.Status.HELD, Run.Status.FINISHED, Run.Status.REFUSED


@pytest.fixture
def dean(db):
    return get_user_model().objects.create_user("dean")


def guarded(course, guards, schedule=None, **values):
    course.configure(**values)
    schedule = {"every": "1 day"} if schedule is None else schedule
    configure.save_configuration(course.key, course.type_name, enabled=True, schedule=schedule, guards=guards)
    course.configuration = CredentialConfiguration.objects.get(pk=course.configuration.pk)
    return course.configuration


def run_by_schedule(course):
    CredentialConfiguration.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    return run_if_due(course.configuration.pk)


def outcomes(course):
    return {one.learner: (one.outcome, one.reason) for page in dry_run(course.configuration) for one in page}


def test_a_scheduled_run_that_issues_to_too_many_is_held_and_nothing_of_it_is_seen(course):
    course.learners(4)
    guarded(course, {"learners": 3, "share": 0.5})
    ended = run_by_schedule(course)
    assert (ended.status, ended.issued, ended.held, ended.active) == (HELD, 0, 4, None)
    assert ended.remarks == (
        "held back: 4 of 4 learners would get one at once, more than the 3 that the guard lets pass; "
        "release or refuse it"
    )
    assert generate() == 0
    assert set(course.states().values()) == {"held"}
    sweep()
    assert Credential.objects.count() == 4


def test_the_number_or_the_share_whichever_is_more(course):
    course.learners(4)
    for number in range(6):
        course.learner(f"misses-{number}", "0")
    guarded(course, {"learners": 1, "share": 0.4})
    assert run_by_schedule(course).status == FINISHED


def test_by_default_fifty_learners_or_a_fifth_of_the_course(course):
    guards = guards_of(course.configure())
    assert (guards.most(10), guards.most(250), guards.most(1000)) == (50, 50, 200)


def test_a_run_by_hand_passes_the_guard(course):
    course.learners(4)
    guarded(course, {"learners": 0, "share": 0})
    assert course.run().issued == 4


def test_a_guard_that_is_off_holds_nothing(course):
    course.learners(4)
    guarded(course, {"enabled": False, "learners": 0, "share": 0})
    assert run_by_schedule(course).issued == 4


def test_released_they_are_issued_today_and_written_to(course, dean):
    course.learners(3)
    guarded(course, {"learners": 0, "share": 0}, validity={"years": 1})
    held = run_by_schedule(course)
    Credential.objects.update(issued=timezone.now() - timedelta(days=9))
    assert release.release(held, by=dean) == 3
    held.refresh_from_db()
    assert (held.status, held.issued, held.held) == (FINISHED, 3, 0)
    generate()
    one = Credential.objects.first()
    assert set(course.states().values()) == {"available"}
    assert timezone.now() - one.issued < timedelta(minutes=1)
    assert one.expires.year == one.issued.year + 1
    assert Delivery.objects.filter(state="pending").count() == 3
    (act, *_) = history.of(one)
    assert (act.verb, act.by, act.by_name, act.details["credentials"]) == ("released", dean, "dean", 3)
    with pytest.raises(release.CannotDecide, match="holds nothing; it is finished"):
        release.release(held, by=dean)


def test_released_without_mail(course, dean):
    course.learners(2)
    guarded(course, {"learners": 0, "share": 0}, generators={})
    release.release(run_by_schedule(course), by=dean, notify=False)
    assert set(course.states().values()) == {"available"}
    assert list(Delivery.objects.values_list("state", "last_error").distinct()) == [
        ("skipped", "no mail was asked for")
    ]


def test_a_refused_run_leaves_nothing_and_the_next_one_decides_anew(course, dean):
    course.learners(3)
    guarded(course, {"learners": 0, "share": 0})
    held = run_by_schedule(course)
    with pytest.raises(release.CannotDecide, match="reason: is empty"):
        release.refuse(held, by=dean, reason=" ")
    assert release.refuse(held, by=dean, reason="the rule was wrong") == 3
    held.refresh_from_db()
    assert (held.status, held.held) == (REFUSED, 0)
    assert Credential.objects.count() == CredentialArtifact.objects.count() == 0
    assert run_by_schedule(course).held == 3


def test_while_a_run_is_held_others_go_on_and_nobody_gets_two(course, dean):
    course.learners(3)
    guarded(course, {"learners": 2, "share": 0})
    first = run_by_schedule(course)
    course.learner("late")
    assert outcomes(course)["learner-0"] == (Outcome.HELD, "held until it is released")
    second = run_by_schedule(course)
    assert (second.status, second.already, second.issued) == (FINISHED, 3, 1)
    release.release(first, by=dean)
    assert course.run().issued == 0
    assert Credential.objects.count() == 4


def test_nothing_is_released_while_everything_stands_still(course, dean):
    course.learners(1)
    guarded(course, {"learners": 0, "share": 0})
    held = run_by_schedule(course)
    standstill.pause()
    with pytest.raises(standstill.Paused):
        release.release(held, by=dean)
    assert course.states() == {"learner-0": "held"}


def test_what_is_held_can_be_released_when_the_configuration_is_off_by_then(course, dean):
    course.learners(1)
    guarded(course, {"learners": 0, "share": 0})
    held = run_by_schedule(course)
    configure.save_configuration(course.key, course.type_name, enabled=False)
    with pytest.raises(removal.InUse, match="1 runs of it are held; refuse them first"):
        removal.delete_configuration(course.key, course.type_name)
    assert release.release(held, by=dean) == 1


def test_under_review_each_one_is_released_or_refused(course, dean):
    for name in ("ana", "ben", "cem"):
        course.learner(name)
    guarded(course, {"review": True})
    held = course.run()
    assert (held.status, held.held) == (HELD, 3)
    of = {one.learner.key: one.pk for one in release.held_credentials(course.configuration)}
    assert release.release_each([of["ana"]], by=dean) == 1
    assert release.refuse_each([of["ben"]], by=dean, reason="copied") == 1
    held.refresh_from_db()
    assert (held.status, held.issued, held.held) == (HELD, 1, 1)
    release.release_each(of.values(), by=dean)
    held.refresh_from_db()
    assert (held.status, held.issued, held.held) == (FINISHED, 2, 0)
    assert course.states() == {"ana": "pending", "cem": "pending"}

    again = course.run()
    assert (again.already, again.refused, again.held, again.status) == (2, 1, 0, FINISHED)
    outcome, why = outcomes(course)["ben"]
    assert outcome is Outcome.REFUSED
    assert why.startswith("refused on ")
    assert why.endswith(" by dean: copied")

    release.take_back(course.configuration, ["ben"], by=dean)
    assert course.run().held == 1
    assert Act.objects.filter(kind="credential").count() == 3


def test_a_run_that_a_person_confirmed_is_not_reviewed(course):
    course.learners(2)
    guarded(course, {"review": True})
    assert run(course.configuration, trigger="command", release=True).issued == 2


def test_who_qualifies_waits_and_is_looked_at_again_when_the_wait_ends(course, settings):
    course.learner("stays")
    course.learner("slips")
    configuration = guarded(course, {"wait": "7 days"}, schedule={"every": "30 days"})
    first = course.run()
    assert (first.eligible, first.waiting, first.issued) == (2, 2, 0)
    assert Credential.objects.count() == 0
    assert outcomes(course)["stays"][0] is Outcome.WAITING
    assert "qualified on " in outcomes(course)["stays"][1]
    configuration.refresh_from_db()
    assert timedelta(days=6) < configuration.next_run_at - timezone.now() <= timedelta(days=7)

    Candidate.objects.update(qualified=timezone.now() - timedelta(days=8))
    course.learner("slips", "0")
    second = run_by_schedule(course)
    assert (second.issued, second.waiting) == (1, 0)
    assert course.states() == {"stays": "pending"}
    course.learner("slips", "1")
    assert course.run().waiting == 1, "whoever qualifies again waits anew"


def test_a_run_that_fails_starts_no_wait_anew(course, settings):
    course.learners(2)
    guarded(course, {"wait": "1 week"})
    course.run()
    Candidate.objects.update(qualified=timezone.now() - timedelta(days=8))
    standing = list(Candidate.objects.values_list("learner__key", "qualified"))

    def stop(count):
        standstill.pause()

    with pytest.raises(standstill.Paused):
        run(course.configuration, trigger="command", progressed=stop)
    standstill.resume()
    assert list(Candidate.objects.values_list("learner__key", "qualified")) == standing
    assert course.run().issued == 2


def test_who_has_met_the_rule_for_long_does_not_wait(course):
    course.learner("ana")
    course.configure(processor="dated")
    configure.save_configuration(course.key, course.type_name, enabled=True, guards={"wait": "7 days"})
    assert course.run().issued == 1


def test_the_lists_decide_whatever_the_rule_says(course, dean):
    course.learner("misses", "0")
    course.learner("cheats")
    course.learner("asleep", active=False)
    guarded(course, {"review": True, "wait": "1 day"})
    said = release.allow(course.configuration, ["misses", "asleep", "nobody"], by=dean, reason="ill in May")
    assert (said.done, said.unknown) == (2, ["nobody"])
    release.bar(course.configuration, ["cheats"], by=dean, reason="plagiarism")
    assert run(course.configuration, trigger="command").issued == 1
    credential = Credential.objects.get()
    assert (credential.learner.key, credential.state) == ("misses", "pending")
    assert credential.evidence["facts"][0] == {
        "key": "allow list",
        "actual": "listed",
        "required": "listed",
        "met": True,
        "step": "",
    }
    assert outcomes(course)["cheats"][0] is Outcome.REFUSED
    assert outcomes(course)["asleep"][0] is Outcome.INACTIVE
    assert [(one.learner.key, one.verdict) for one in candidates.listed(course.configuration)] == [
        ("misses", "always"),
        ("asleep", "always"),
        ("cheats", "never"),
    ]
    with pytest.raises(candidates.CannotList, match="reason: is empty"):
        release.allow(course.configuration, ["misses"], by=dean, reason="")


def test_a_refusal_is_of_what_is_held_too_and_not_of_what_is_issued(course, dean):
    course.learner("has-one")
    guarded(course, {})
    course.run_and_generate()
    course.learner("held")
    guarded(course, {"review": True})
    course.run()
    said = release.bar(course.configuration, ["has-one", "held"], by=dean, reason="plagiarism")
    assert said.holding == ["has-one"]
    assert course.states() == {"has-one": "available"}


def refused_meanwhile(course, dean, *names):
    """Refuses them as soon as a run has looked at a page."""
    return lambda _: release.bar(course.configuration, names, by=dean, reason="plagiarism")


def test_who_is_refused_while_a_run_goes_on_gets_nothing(course, dean):
    course.learners(3)
    guarded(course, {})
    ended = run(course.configuration, trigger="command", progressed=refused_meanwhile(course, dean, "learner-0"))
    ended.refresh_from_db()
    assert (ended.status, ended.eligible, ended.issued, ended.refused) == (FINISHED, 2, 2, 1)
    assert course.states() == {"learner-1": "pending", "learner-2": "pending"}
    assert course.run().issued == 0


def test_who_is_refused_while_a_run_goes_on_is_not_held_either(course, dean):
    course.learners(3)
    guarded(course, {"learners": 1, "share": 0})
    CredentialConfiguration.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    held = run_if_due(course.configuration.pk, refused_meanwhile(course, dean, "learner-0"))
    assert (held.status, held.issued, held.held, held.refused) == (HELD, 0, 2, 1)
    assert release.release(held, by=dean) == 2
    assert set(course.states()) == {"learner-1", "learner-2"}


def test_a_run_that_is_refused_whole_while_it_goes_on_holds_nothing(course, dean):
    course.learners(2)
    guarded(course, {"review": True})
    both = refused_meanwhile(course, dean, "learner-0", "learner-1")
    ended = run(course.configuration, trigger="command", progressed=both)
    assert (ended.status, ended.held, ended.refused, ended.remarks) == (FINISHED, 0, 2, "")
    assert not course.states()


@pytest.mark.parametrize("some", [False, True])
def test_nobody_who_is_refused_is_released(course, dean, some):
    """Whatever put them there: the verdict is looked at once more."""
    course.learners(2)
    guarded(course, {"review": True})
    held = course.run()
    candidates.say(course.configuration, ["learner-0"], Candidate.Verdict.NEVER, by=dean, reason="plagiarism")
    if some:
        assert release.release_each(list(Credential.objects.values_list("pk", flat=True)), by=dean) == 1
    else:
        assert release.release(held, by=dean) == 1
    held.refresh_from_db()
    assert (held.status, held.issued, held.held) == (FINISHED, 1, 0)
    assert course.states() == {"learner-1": "pending"}


def test_what_was_said_of_a_learner_goes_with_them(course, dean):
    ana = course.learner("ana", name="Ana Ng")
    guarded(course, {"review": True})
    course.run()
    release.release_each([Credential.objects.get().pk], by=dean)
    history.record("released", Credential.objects.get(), by=dean, reason="Ana Ng asked")
    release.bar(course.configuration, ["ana"], by=dean, reason="Ana Ng copied")
    assert people.export(ana)["said"][0]["reason"] == "Ana Ng copied"
    people.retire(ana)
    assert not Candidate.objects.exists()
    assert not Act.objects.filter(kind="credential", reason__contains="Ana").exists()


def test_a_run_that_held_only_for_whoever_is_retired_has_ended(course):
    course.learner("ana")
    course.learner("bo")
    guarded(course, {"review": True})
    held = course.run()
    people.retire(Learner.objects.get(key="ana"))
    held.refresh_from_db()
    assert (held.status, held.held) == (HELD, 1)
    people.retire(Learner.objects.get(key="bo"))
    held.refresh_from_db()
    assert (held.status, held.issued, held.held) == (FINISHED, 0, 0)
    assert not Credential.objects.exists()
    assert not CredentialArtifact.objects.exists()
    assert not release.held_runs().exists()


def test_a_run_that_holds_nothing_any_more_is_ended_by_whoever_releases_it(course, dean):
    course.learner("ana")
    guarded(course, {"review": True})
    held = course.run()
    CredentialArtifact.objects.all().delete()
    Credential.objects.all().delete()
    assert release.release(held, by=dean) == 0
    held.refresh_from_db()
    assert (held.status, held.held) == (FINISHED, 0)


def test_who_is_held_waits_no_longer_and_does_not_wait_twice(course, dean):
    course.learner("ana")
    guarded(course, {"wait": "7 days", "review": True})
    assert course.run().waiting == 1
    assert [one.learner.key for one in candidates.waiting(course.configuration)] == ["ana"]
    Candidate.objects.update(qualified=timezone.now() - timedelta(days=8))
    held = course.run()
    assert held.held == course.run().already == 1
    assert not candidates.waiting(course.configuration).exists()
    release.refuse(held, by=dean, reason="after the holidays")
    assert course.run().held == 1


def test_who_leaves_waits_no_longer_and_waits_anew_when_they_are_back(course, dean, settings):
    settings.CONFERRAL_PAGE_SIZE = 2
    course.learners(5)
    configuration = guarded(course, {"wait": "7 days"})
    with time_machine.travel("2026-01-01T00:00Z"):
        assert course.run().waiting == 5
        release.allow(configuration, ["learner-4"], by=dean, reason="ill in May")
    RosterEntry.objects.filter(learner__key__in=["learner-1", "learner-4"]).delete()
    with time_machine.travel("2026-01-02T00:00Z"):
        assert course.run().waiting == 3
        assert [one.learner.key[-1] for one in candidates.waiting(configuration)] == ["0", "2", "3"]
        assert [one.learner.key[-1] for one in candidates.listed(configuration)] == ["4"]
    with time_machine.travel("2026-03-01T00:00Z"):
        course.learner("learner-1")
        ended = course.run()
    assert (ended.issued, ended.waiting) == (3, 1)


def test_a_run_that_did_not_look_at_everybody_ends_no_wait(course, monkeypatch):
    course.learners(2)
    configuration = guarded(course, {"wait": "7 days"})
    course.run()
    RosterEntry.objects.all().delete()

    def breaks(*_):
        raise OSError("no route to host")
        yield

    monkeypatch.setattr(RosterGateway, "progress", breaks)
    with pytest.raises(OSError, match="no route"):
        course.run()
    assert candidates.waiting(configuration).count() == 2


def test_the_source_is_asked_who_left_only_when_somebody_is_missed(course, monkeypatch):
    course.learners(3)
    guarded(course, {"wait": "7 days"})
    course.run()
    course.learners(2, first=3)
    progress, asked = RosterGateway.progress, []
    monkeypatch.setattr(RosterGateway, "progress", lambda *given: asked.append(given) or progress(*given))
    for left, times in ((None, 1), (None, 1), ("learner-0", 2), (None, 1)):
        RosterEntry.objects.filter(learner__key=left).delete()
        asked.clear()
        course.run()
        assert len(asked) == times


@pytest.mark.parametrize(
    ("guards", "says"),
    [
        ({"wait": "soon"}, r"guards\.wait: 'soon' is not accepted"),
        ({"share": 20}, r"guards\.share: 20 is not accepted: write a share"),
        ({"learner": 3}, r"guards\.learner: unknown key; known here: enabled, learners, review, share, wait"),
    ],
)
def test_wrong_guards_are_refused_when_saved(course, guards, says):
    with pytest.raises(OptionsError, match=says):
        guarded(course, guards)


def test_queries_grow_with_pages_not_with_learners(course, settings, dean):
    """Waiting, issuing after the wait, holding and releasing: a constant number a page."""
    settings.CONFERRAL_PAGE_SIZE = 50

    def queries(do):
        with CaptureQueriesContext(connection) as seen:
            do()
        return len(seen)

    costs = []
    for count, first in ((50, 0), (100, 50)):
        course.learners(count, first=first)
        configuration = guarded(course, {"wait": "7 days"})
        run_soon(configuration)
        waits = queries(course.run)
        waits_on = queries(course.run)
        Candidate.objects.update(qualified=timezone.now() - timedelta(days=8))
        guarded(course, {"wait": "7 days", "learners": 0, "share": 0})
        CredentialConfiguration.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
        issues = queries(partial(run_if_due, configuration.pk))
        releases = queries(partial(release.release, Run.objects.get(status=HELD), by=dean))
        costs.append((waits, waits_on, issues, releases))
    (waits, waits_on, issues, releases), twice = costs
    spellings = connection.vendor == "mysql"  # further ones ask how they are spelt
    assert twice[0] - waits <= 2 * (12 + 2 * spellings)
    assert twice[1] - waits_on <= 2 * (4 + spellings)
    assert twice[2] - issues <= 2 * (14 + 3 * spellings)
    assert twice[3] == releases


def test_a_large_release_costs_no_more_than_a_small_one_but_for_the_names(course, settings, dean):
    settings.CONFERRAL_PAGE_SIZE = 20
    course.learners(60)
    guarded(course, {"review": True})
    course.run()
    keys = list(Credential.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as seen:
        assert release.release_each(keys, by=dean) == 60
    assert len(seen) <= 3 * 16
