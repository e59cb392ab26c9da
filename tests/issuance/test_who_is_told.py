"""Who hears of what: each learner once of what is theirs, of a refusal always, and of nothing that is over."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conferral.contract import ConferralError
from conferral.issuance import correct, reissue, wishes
from conferral.issuance.deliver import deliver, resend
from conferral.issuance.generate import generate, generate_batch
from conferral.models import Credential, CredentialArtifact, Delivery, Learner

FIRST, CORRECTED, REFUSED = "Completion: Testing", "Corrected: Completion, Testing", "Your name on Completion, Testing"


@pytest.fixture
def credential(course):
    """Ana's, ready; the mail about it waits."""
    course.learner("ana", name="Ana Nandu", email="ana@example.com")
    course.configure()
    course.run_and_generate()
    return Credential.objects.get()


@pytest.fixture
def told(credential):
    """The same, and she was written to."""
    deliver()
    return credential


@pytest.fixture
def subjects(mailoutbox):
    """`subjects()`: makes and sends what is due; what was sent since, in order."""

    def send():
        mailoutbox.clear()
        generate()
        deliver()
        return [letter.subject for letter in mailoutbox]

    return send


def break_files(credential):
    CredentialArtifact.objects.filter(credential=credential).update(state="failed", next_try=None)
    Credential.objects.filter(pk=credential.pk).update(state="failed")


def give_up(credential):
    credential.deliveries.filter(state="pending").update(state="failed", next_try=None, last_error="550 no")


def expire():
    Credential.objects.update(expires=timezone.now() - timedelta(days=3))


def all_again(course, *, names=False, notify=True):
    course.configure(fields={"hours": 3})
    wish = reissue.Wish(course.configuration, design="current", names=names, notify=notify)
    assert reissue.carry_out(reissue.start(wish, by=None, reason="x").pk).reissued == 1


def unmade(credential):
    break_files(credential)
    Delivery.objects.all().delete()


@pytest.mark.parametrize("before", [lambda _one: None, unmade, give_up], ids=["waits", "not made", "given up"])
@pytest.mark.parametrize("again", ["one", "all", "twice"])
def test_a_silent_reissue_swallows_no_first_mail(course, credential, subjects, before, again):
    before(credential)
    if again == "all":
        all_again(course, notify=False)
    else:
        new = correct.reissue(credential, name="Ana N.", notify=False)
    if again == "twice":
        generate()
        correct.reissue(new, name="Ana M.", notify=False)
    assert subjects() == [FIRST]
    holds = Credential.objects.get(current=True)
    correct.reissue(holds, name="Ana O.")
    assert subjects() == [CORRECTED]


def test_the_mails_that_a_silent_reissue_owes_are_counted(credential):
    """So they are sent at once, and do not wait for the sweep."""
    new = correct.reissue(credential, notify=False)
    assert generate_batch().messages == 1
    assert new.deliveries.get().state == "pending"


def test_who_was_told_or_was_to_be_told_by_nobody_hears_nothing_of_a_silent_reissue(course, subjects):
    course.learner("ana", email="ana@example.com")
    course.learner("bo", email="bo@example.com")
    course.configure()
    course.run(notify=False)
    Credential.objects.filter(learner__key="ana").update(notify=True)
    subjects()
    for one in Credential.objects.all():
        correct.reissue(one, notify=False)
    assert subjects() == []


@pytest.mark.parametrize(("notify", "heard"), [(True, [CORRECTED]), (False, [])])
def test_a_silent_reissue_swallows_no_mail_about_a_correction_either(told, subjects, notify, heard):
    correct.reissue(told, name="Ana N.", notify=notify)
    generate()
    correct.reissue(Credential.objects.get(current=True), notify=False)
    assert subjects() == heard


def test_what_was_sent_again_is_not_tried_again(credential, subjects):
    give_up(credential)
    resend(credential)
    assert subjects() == [FIRST]
    assert correct.retry() == correct.retry([credential]) == (0, 0)
    assert subjects() == []


@pytest.mark.parametrize("broken", [False, True], ids=["being made", "not made"])
def test_a_refusal_is_told_while_what_it_is_about_is_not_there(told, subjects, broken):
    request = wishes.ask_for_name(told, "Ana Vidal")
    new = correct.reissue(told)
    if broken:
        break_files(new)
    request.refresh_from_db()
    wishes.refuse(request, "Show your passport.")
    deliver()
    assert new.deliveries.get().state == "sent"


@pytest.mark.parametrize("notify", [True, False])
def test_a_refusal_is_told_of_what_was_replaced_before_its_mail_left(told, subjects, mailoutbox, notify):
    wishes.refuse(wishes.ask_for_name(told, "Ana Vidal"), "Show your passport.")
    correct.reissue(told, name="Ana N.", notify=notify)
    assert subjects() == [REFUSED, CORRECTED][: 1 + notify]
    assert all(words in mailoutbox[0].body for words in ("Ana Vidal", "Show your passport."))


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        (lambda one: correct.revoke(one, "copied"), "it was revoked"),
        (lambda one: correct.revoke(correct.reissue(one), "copied"), "it was revoked"),
        (lambda _one: Learner.objects.update(active=False), "the learner's account is not active"),
        (lambda _one: Learner.objects.update(email=""), "the learner has no e-mail address"),
    ],
)
def test_a_refusal_is_not_told_where_nobody_is_to_be_written_to(told, deed, why):
    wishes.refuse(wishes.ask_for_name(told, "Ana Vidal"), "Show your passport.")
    deed(told)
    deliver()
    mail = Delivery.objects.get(purpose="refused")
    assert (mail.state, mail.last_error) == ("skipped", why)


def test_of_two_refusals_the_later_is_told_once(told, subjects, mailoutbox):
    for name in ("Ana One", "Ana Two"):
        wishes.refuse(wishes.ask_for_name(told, name), f"Not {name}.")
    assert subjects() == [REFUSED]
    assert "Not Ana Two." in mailoutbox[0].body


def test_each_of_two_refusals_is_told_when_the_first_has_left(told, subjects):
    for name in ("Ana One", "Ana Two"):
        wishes.refuse(wishes.ask_for_name(told, name), f"Not {name}.")
        assert subjects() == [REFUSED]


def test_to_send_the_mail_again_is_not_to_hurry_a_refusal(credential, subjects):
    give_up(credential)
    wishes.refuse(wishes.ask_for_name(credential, "Ana Vidal"), "No.")
    Delivery.objects.filter(purpose="refused").update(next_try=timezone.now() + timedelta(hours=1))
    resend(credential)
    assert subjects() == [FIRST]


def test_nobody_is_congratulated_on_what_has_expired(credential, subjects):
    expire()
    credential.refresh_from_db()
    assert subjects() == []
    assert Delivery.objects.get().last_error == "it has expired"
    with pytest.raises(ConferralError, match="it has expired"):
        resend(credential)


def test_a_new_design_of_what_has_expired_is_told_to_nobody(course, told, subjects):
    expire()
    all_again(course)
    assert subjects() == []
    assert Delivery.objects.get(purpose="corrected").last_error == "it has expired"


def test_a_name_that_is_put_right_or_stays_is_told_though_it_has_expired(told, subjects):
    expire()
    new = wishes.approve(wishes.ask_for_name(told, "Ana Vidal"))
    assert subjects() == [CORRECTED]
    new.refresh_from_db()
    wishes.refuse(wishes.ask_for_name(new, "Ana the Great"), "No.")
    assert subjects() == [REFUSED]
