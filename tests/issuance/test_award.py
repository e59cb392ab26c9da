"""Awards by hand: a person issues, whatever the rule says."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conferral.issuance import configure, correct, history, people, release
from conferral.issuance.award import Award, CannotAward, award
from conferral.issuance.generate import generate
from conferral.issuance.snapshot import printed_day
from conferral.models import Credential, Delivery, Learner


@pytest.fixture
def dean(db):
    return get_user_model().objects.create_user("dean")


def test_a_person_awards_one_and_the_evidence_says_who(course, dean):
    course.learner("ana", "0")
    course.configure()
    done = award(course.configuration, ["ana"], Award(dean, "passed the oral exam"))
    assert (len(done.issued), done.problems) == (1, {})
    generate()
    credential = Credential.objects.get()
    assert (credential.verification_id, credential.state, credential.run) == (done.issued[0], "available", None)
    assert credential.evidence["processor"] == "by hand"
    (fact,) = credential.evidence["facts"]
    assert (fact["key"], fact["actual"], fact["met"]) == ("awarded by", "dean", True)
    (act,) = history.of(credential)
    assert (act.verb, act.by, act.reason) == ("awarded", dean, "passed the oral exam")
    assert Delivery.objects.get().state == "pending"
    assert course.run().issued == 0, "a run issues no second one"


def test_also_where_it_is_switched_off_silently_and_for_an_earlier_day(course, dean):
    course.learner("ana", "0")
    course.configure(generators={})
    configure.save_configuration(course.key, course.type_name, enabled=False)
    award(course.configuration, ["ana"], Award(dean, "late papers", date(2026, 5, 12), notify=False))
    assert Credential.objects.get().earned == datetime(2026, 5, 12, 12, tzinfo=UTC)
    assert Delivery.objects.get().state == "skipped"


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Pacific/Pago_Pago", "UTC"])
def test_the_day_it_was_earned_is_the_day_that_it_prints(course, dean, zone):
    course.learner("ana", "0")
    course.configure(time_zone=zone, printed_date="earned")
    award(course.configuration, ["ana"], Award(dean, "late papers", date(2026, 5, 12)))
    assert printed_day(Credential.objects.get()) == date(2026, 5, 12)


@time_machine.travel("2026-05-12T22:30:00Z", tick=False)
@pytest.mark.parametrize("day", [date(2026, 5, 14), date(2062, 5, 12), date.max, date.min, date(202, 5, 12)])
def test_a_day_that_has_not_begun_where_it_prints_is_refused_and_nobody_gets_one(course, dean, day):
    course.learner("ana", "0")
    course.configure(time_zone="Pacific/Auckland", printed_date="earned")
    why = r"earned: .* until today, which is 13 May 2026 in Pacific/Auckland$"
    with pytest.raises(CannotAward, match=why):
        award(course.configuration, ["ana"], Award(dean, "x", day))
    assert not Credential.objects.exists()


@time_machine.travel("2026-05-12T22:30:00Z", tick=False)
def test_today_has_begun_where_it_prints_and_nothing_is_earned_later_than_now(course, dean):
    course.learner("ana", "0")
    course.configure(time_zone="Pacific/Auckland", printed_date="earned")
    award(course.configuration, ["ana"], Award(dean, "x", date(2026, 5, 13)))
    assert printed_day(Credential.objects.get()) == date(2026, 5, 13)
    assert Credential.objects.get().earned == datetime(2026, 5, 12, 22, 30, tzinfo=UTC)


FIGURE = "You reached {evidence.completion}."
PRINTED = {"template": "plain", "elements": {"figure": {"text": FIGURE, "y": "50%"}}}


@pytest.mark.parametrize(
    "values",
    [{"generators": {"certificate": {"generator": "pdf", "options": PRINTED}}}, {"wording": {"body": FIGURE}}],
)
def test_what_says_a_figure_that_only_a_rule_has_is_not_given_by_hand(course, dean, template, values):
    configure.save_asset("plain", "plain.pdf", template)
    course.learner("ana", "0")
    course.configure(**values)
    with pytest.raises(CannotAward, match=r"says {evidence\.completion}, which nobody has who is given one by hand"):
        award(course.configuration, ["ana"], Award(dean, "x"))
    assert not Credential.objects.exists()


def test_of_whom_the_source_tells_what_cannot_be_kept_is_told_and_the_others_get_theirs(course, dean, told_wrongly):
    course.learner("ana", "0")
    course.learner("bo", "0")
    course.configure()
    told_wrongly(bo={"name": "B" * 256})
    done = award(course.configuration, ["ana", "bo"], Award(dean, "x"))
    assert len(done.issued) == 1
    assert done.problems == {
        "bo": "the source tells a value that is not accepted: name: it has 256 characters; at most 255 are accepted"
    }


def test_who_has_one_is_refused_or_unknown_is_told_and_the_others_get_theirs(course, dean):
    for name in ("has-one", "revoked", "held", "refused", "gone", "ana"):
        course.learner(name)
    course.configure()
    award(course.configuration, ["has-one", "revoked"], Award(dean, "x"))
    generate()
    correct.revoke(Credential.objects.get(learner__key="revoked"), "copied")
    people.retire(Learner.objects.get(key="gone"))
    release.bar(course.configuration, ["refused"], by=dean, reason="plagiarism")
    configure.save_configuration(course.key, course.type_name, enabled=True, guards={"review": True})
    release.allow(course.configuration, ["ana"], by=dean, reason="x")
    release.take_back(course.configuration, ["ana"], by=dean)
    release.bar(course.configuration, ["ana"], by=dean, reason="x")
    course.run()
    release.take_back(course.configuration, ["ana"], by=dean)
    done = award(
        course.configuration, ["has-one", "revoked", "held", "refused", "gone", "nobody", "ana"], Award(dean, "x")
    )
    assert len(done.issued) == 1
    told = {key: why.split(" (")[0] for key, why in done.problems.items()}
    assert told == {
        "has-one": "has one already",
        "revoked": "had one that was revoked",
        "held": "has one that is held",
        "refused": "was refused by dean",
        "gone": "is not known to 'Imported rosters'; check the username",
        "nobody": "is not known to 'Imported rosters'; check the username",
    }


def test_why_has_to_be_said(course, dean):
    course.configure()
    with pytest.raises(CannotAward, match="reason: is empty"):
        award(course.configuration, ["ana"], Award(dean, " "))


def test_queries_do_not_grow_with_learners(course, dean):
    course.configure()
    costs = []
    for count, first in ((5, 0), (40, 5)):
        course.learners(count, first=first)
        names = [f"learner-{number}" for number in range(first, first + count)]
        with CaptureQueriesContext(connection) as seen:
            assert len(award(course.configuration, names, Award(dean, "x")).issued) == count
        costs.append(len(seen))
    assert costs[0] >= costs[1]
