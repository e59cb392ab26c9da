"""What a number is answered with while what took its place is not there, and when it never comes."""

import pytest

from conferral.contract import ConferralError
from conferral.issuance import correct, people
from conferral.issuance.generate import generate
from conferral.issuance.verdict import Verdict, look_up
from conferral.models import Act, Credential, CredentialArtifact

State = Credential.State


def verdicts(*credentials):
    return [look_up(one.verification_id).verdict for one in credentials]


def fail(credential):
    """It could not be made."""
    credential.artifacts.update(state=CredentialArtifact.State.FAILED, next_try=None)
    Credential.objects.filter(pk=credential.pk).update(state=State.FAILED)


@pytest.mark.parametrize("when", ["before it was made", "after it has failed"])
@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda new: correct.revoke(new, "copied"), Verdict.REVOKED),
        (lambda new: people.retire(new.learner), Verdict.REMOVED),
    ],
)
def test_a_correction_that_was_over_before_it_was_made_is_not_waited_for(credential, when, end, said):
    new = correct.reissue(credential, name="Ana Ñandú")
    if when == "after it has failed":
        fail(new)
    assert verdicts(credential, new) == [Verdict.REPLACING, Verdict.UNKNOWN]
    end(new)
    assert verdicts(credential, new) == [said, said]
    generate()
    assert Credential.objects.get(pk=new.pk).state == State.FAILED
    assert verdicts(credential, new) == [said, said]


def test_what_nobody_saw_stays_unknown_when_it_is_revoked(course):
    course.learner("ana", name="Ana Nandu")
    course.configure()
    course.run()
    first = Credential.objects.get()
    fail(first)
    second = correct.reissue(first)
    correct.revoke(second, "copied")
    generate()
    assert verdicts(first, second) == [Verdict.UNKNOWN, Verdict.UNKNOWN]


@pytest.mark.parametrize("failures", [1, 3])
def test_however_many_could_not_be_made_between_it_is_corrected(credential, failures, django_assert_num_queries):
    last = credential
    for number in range(failures):
        last = correct.reissue(last, name=f"Ana {number}")
        fail(last)
    assert verdicts(credential, last) == [Verdict.REPLACING, Verdict.UNKNOWN]
    new = correct.reissue(last, name="Ana Ñandú")
    generate()
    with django_assert_num_queries(3):
        found = look_up(credential.verification_id)
    assert (found.verdict, found.credential, found.replaced) == (Verdict.CORRECTED, new, True)


def test_a_correction_of_what_was_seen_is_no_query_more(credential, django_assert_num_queries):
    new = correct.reissue(credential, name="Ana Ñandú")
    generate()
    with django_assert_num_queries(1):
        assert verdicts(new) == [Verdict.CORRECTED]


def test_the_successor_of_those_that_nobody_saw_is_genuine(credential):
    last = credential
    fail(credential)
    for name in ("B", "C"):
        last = correct.reissue(Credential.objects.get(pk=last.pk), name=name)
        fail(last)
    new = correct.reissue(Credential.objects.get(pk=last.pk), name="D")
    generate()
    assert verdicts(new) == [Verdict.GENUINE]


def test_a_revocation_is_not_undone_by_a_correction_that_is_tried_out(credential, monkeypatch):
    try_out = correct.try_out

    def meanwhile(*arguments):
        try_out(*arguments)
        correct.revoke(credential, "copied")

    monkeypatch.setattr(correct, "try_out", meanwhile)
    with pytest.raises(ConferralError, match=r"^\S+ was revoked meanwhile, and nothing was changed: copied$"):
        correct.reissue(credential, name="Ana Ñandú")
    assert verdicts(credential) == [Verdict.REVOKED]
    assert (Credential.objects.count(), Act.objects.filter(verb="reissued").count()) == (1, 0)
