"""A learner asks for another name on a credential; staff decide."""

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from conferral.issuance import correct, people, wishes
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.reissue import Wish, carry_out, start
from conferral.models import Credential, Learner, NameRequest
from conferral.models.verification import shown
from tests.faces.conftest import address
from tests.faces.test_pages import text_of


@pytest.fixture
def holder(issued, person):
    client = person("ana")
    Learner.objects.update(user=client.user)
    deliver()
    mail.outbox.clear()
    return client


@pytest.fixture
def registrar(person):
    return person("registrar", "view_namerequest", "view_credential", "change_credential")


def path_of(credential):
    return reverse("conferral:ask-for-name", args=[shown(credential.verification_id)])


def page_for(name, request):
    return f"{reverse(f'admin:conferral_namerequest_{name}')}?ids={request.pk}"


def test_from_the_misspelt_name_to_the_corrected_certificate(issued, holder, registrar):
    assert "Is your name misspelt?" in text_of(holder.get(address(issued)))
    assert 'value="Ana Ñandú"' in text_of(holder.get(path_of(issued)))
    asked = holder.post(path_of(issued), {"name": " Ana Ñandú Vidal ", "explanation": "I married."}, follow=True)
    assert "Your request is with the staff" in text_of(asked)
    assert "have not decided yet" in text_of(asked)
    request = NameRequest.objects.get()
    waiting = text_of(registrar.get(reverse("admin:conferral_namerequest_changelist")))
    assert "Ana Ñandú → Ana Ñandú Vidal" in waiting
    assert "I married." in text_of(registrar.get(reverse("admin:conferral_namerequest_change", args=[request.pk])))
    assert "keeps its dates" in text_of(registrar.get(page_for("approve", request)))
    registrar.post(page_for("approve", request))
    generate()
    deliver()
    new = Credential.objects.get(current=True)
    assert (new.recipient_name, new.issued, new.supersedes) == ("Ana Ñandú Vidal", issued.issued, issued)
    request.refresh_from_db()
    assert (request.outcome, request.waiting, request.decided_by) == ("approved", None, registrar.user)
    assert [(each.to, each.subject) for each in mail.outbox] == [
        (["ana@example.com"], "Corrected: Completion, Testing")
    ]


def test_a_refusal_tells_the_reason(issued, holder, registrar):
    wishes.ask_for_name(issued, "Ana the Great")
    request = NameRequest.objects.get()
    assert "This field is required" in text_of(registrar.post(page_for("refuse", request), {"reason": " "}))
    registrar.post(page_for("refuse", request), {"reason": "It has to be the name on your identity card."})
    deliver()
    (letter,) = mail.outbox
    assert letter.subject == "Your name on Completion, Testing"
    for text in (letter.body, letter.alternatives[0][0]):
        assert all(each in text for each in ("Ana the Great", "It has to be the name on your identity card."))
    assert Credential.objects.get().recipient_name == "Ana Ñandú"
    page = text_of(holder.get(address(issued)))
    assert "It was refused" in page
    assert "identity card" in page
    assert "identity card" not in text_of(registrar.get(address(issued)))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "It is empty; write the name as it is to be printed"),
        ("\u200d", "It is empty; write the name as it is to be printed"),
        ("Ana Ñandú", "“Ana Ñandú” is what it says already"),
        ("A" * 256, "It has 256 characters; at most 255 are accepted"),
        ("Ana\nVidal", "It has a control character (U+000A); remove it"),
        ("\u202eanA", "U+202E"),
    ],
)
def test_names_that_cannot_be_printed_are_told_at_once(issued, holder, name, why):
    response = holder.post(path_of(issued), {"name": name})
    assert response.status_code == 400
    page = text_of(response)
    assert why in page
    assert 'aria-invalid="true" aria-describedby="problem"' in page
    assert not any(each in page for each in ("name:", "&#x27;"))
    assert not NameRequest.objects.exists()


def test_the_last_wish_counts(issued, holder):
    for name in ("Ana One", "Ana Two"):
        holder.post(path_of(issued), {"name": name})
    assert [request.name for request in NameRequest.objects.all()] == ["Ana Two"]


def test_only_the_holder_asks(issued, holder, stranger, person):
    assert stranger.post(path_of(issued), {"name": "Eve"}).status_code == 302
    for client in (person("bo"), person("boss", "view_credential", "change_credential")):
        assert (client.get(path_of(issued)).status_code, client.post(path_of(issued)).status_code) == (404, 404)
    assert not NameRequest.objects.exists()


def test_only_who_may_correct_decides(issued, holder, person):
    wishes.ask_for_name(issued, "Ana Vidal")
    request = NameRequest.objects.get()
    looks_only = person("clerk", "view_namerequest")
    assert looks_only.get(reverse("admin:conferral_namerequest_changelist")).status_code == 200
    for name in ("approve", "refuse"):
        assert looks_only.post(page_for(name, request), {"reason": "x"}).status_code == 403
    assert person("guest", "view_credential").get(page_for("approve", request)).status_code == 403
    assert NameRequest.objects.get().waiting


def test_a_decision_is_made_once(issued, holder, registrar):
    wishes.ask_for_name(issued, "Ana Vidal")
    request = NameRequest.objects.get()
    wishes.refuse(request, "no")
    with pytest.raises(wishes.CannotAsk, match="somebody has decided meanwhile"):
        wishes.approve(NameRequest.objects.get())
    assert registrar.get(page_for("approve", request)).status_code == 302
    assert Credential.objects.count() == 1


def test_approved_after_a_reissue_it_corrects_what_holds(issued, holder):
    request = wishes.ask_for_name(issued, "Ana Vidal")
    between = correct.reissue(issued, name="Ana Nandu")
    generate()
    new = wishes.approve(request)
    assert (new.supersedes, new.recipient_name) == (between, "Ana Vidal")


def test_approved_after_it_has_that_name_changes_nothing_more(issued, holder):
    """As it may have been left by earlier versions."""
    request = wishes.ask_for_name(issued, "Ana Vidal")
    Credential.objects.update(recipient_name="Ana Vidal")
    assert wishes.approve(request) == Credential.objects.get()


def test_a_wish_that_somebody_has_fulfilled_waits_no_more(issued, holder, registrar):
    request = wishes.ask_for_name(issued, "Ana Vidal")
    correct.reissue(issued, name="Ana Vidal", by=registrar.user)
    request.refresh_from_db()
    assert (request.outcome, request.waiting, request.decided_by) == ("approved", None, registrar.user)
    assert request.decided
    with pytest.raises(wishes.CannotAsk, match="somebody has decided meanwhile"):
        wishes.refuse(request, "It is done.")
    deliver()
    assert not mail.outbox


def test_so_does_one_that_all_again_has_fulfilled(issued, holder, registrar):
    request = wishes.ask_for_name(issued, "Ana Nandu")
    all_again(issued, registrar.user)
    request.refresh_from_db()
    assert (request.outcome, request.decided_by) == ("approved", registrar.user)


def test_who_leaves_takes_the_wish_along(issued, holder):
    wishes.ask_for_name(issued, "Ana Vidal", "I married.")
    told = people.export(issued.learner)["credentials"][0]["name_requests"]
    assert [(each["name"], each["explanation"]) for each in told] == [("Ana Vidal", "I married.")]
    people.retire(issued.learner)
    assert not NameRequest.objects.exists()


def test_what_is_revoked_stays_revoked_and_nobody_waits_any_more(issued, holder, registrar):
    request = wishes.ask_for_name(issued, "Ana Vidal")
    correct.revoke(issued, "the exam was leaked")
    assert not NameRequest.objects.exists()
    assert "have not decided yet" not in text_of(holder.get(address(issued)))
    with pytest.raises(wishes.CannotAsk, match="was revoked; refuse the request"):
        wishes.approve(request)
    assert Credential.objects.get(current=True).revoked


def test_a_request_about_what_was_revoked_before_can_be_refused_only(issued, holder, registrar):
    """As it may have been left by earlier versions."""
    request = wishes.ask_for_name(issued, "Ana Vidal")
    Credential.objects.update(revoked=timezone.now())
    assert "1 cannot be: it was revoked." in text_of(registrar.get(page_for("approve", request)))
    registrar.post(page_for("approve", request))
    assert Credential.objects.get().revoked
    registrar.post(page_for("refuse", request), {"reason": "It is not yours."})
    assert NameRequest.objects.get().outcome == "refused"


def test_revoked_at_the_same_moment_it_stays_revoked(issued, holder, monkeypatch):
    request, try_out = wishes.ask_for_name(issued, "Ana Vidal"), correct.try_out

    def revoked_meanwhile(*given):
        try_out(*given)
        Credential.objects.update(revoked=timezone.now())

    monkeypatch.setattr(correct, "try_out", revoked_meanwhile)
    with pytest.raises(wishes.CannotAsk, match="was revoked; refuse the request"):
        wishes.approve(request)
    assert (Credential.objects.get().revoked is None, NameRequest.objects.get().waiting) == (False, True)


def all_again(issued, dean):
    issued.learner.name = "Ana Nandu"
    issued.learner.save()
    carry_out(start(Wish(issued.configuration, names=True), by=dean, reason="accents").pk)


@pytest.mark.parametrize("again", [lambda one, by: correct.reissue(one, by=by), all_again], ids=["one", "all"])
def test_a_wish_goes_on_with_the_credential_that_takes_the_place(issued, holder, registrar, again):
    wishes.ask_for_name(issued, "Ana First")
    again(issued, registrar.user)
    generate()
    deliver()
    mail.outbox.clear()
    new = Credential.objects.get(current=True)
    assert new.supersedes == issued
    assert "have not decided yet" in text_of(holder.get(address(new)))
    request = wishes.ask_for_name(new, "Ana Second")
    assert list(NameRequest.objects.all()) == [request], "the last wish counts, as ever"
    registrar.post(page_for("refuse", request), {"reason": "Bring your passport."})
    deliver()
    (told,) = mail.outbox
    assert "Bring your passport." in told.body
    assert "Bring your passport." in text_of(holder.get(address(new)))


def test_what_a_holder_hides_at_the_moment_of_its_reissue_stays_hidden(issued):
    opened = Credential.objects.get()
    new = correct.reissue(issued, name="Ana Nandu")
    wishes.show(opened, hidden=True, name_form="initials")
    new.refresh_from_db()
    assert (new.hidden, new.name_form) == (True, "initials")
