"""What mails say, in HTML and in text: as whoever reads it reads it, from the right, too."""

import pytest

from conferral.issuance import correct, wishes
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.models import Credential, Issuer, Learner
from conferral.models.verification import shown

PROMISE = "This link is yours to keep and to share"


@pytest.fixture
def sent(course, mailoutbox):
    """`sent("ar", body="…")`: text and HTML of the mail about Ana's credential, to a reader of that language."""

    def send(language="en", **wording):
        Issuer.objects.create(slug="test", name="جامعة الاختبار", colours={})
        course.learner("ana", email="ana@example.com")
        Learner.objects.update(language=language)
        course.configure(wording=wording)
        course.run_and_generate()
        return last(mailoutbox)

    return send


def last(mailoutbox):
    """What is due is sent; text and HTML of the last."""
    deliver()
    return mailoutbox[-1].body, mailoutbox[-1].alternatives[0][0]


def test_a_number_keeps_its_order_among_words_from_the_right(sent):
    text, html = sent("ar")
    number = shown(Credential.objects.get().verification_id)
    assert f"\u2066{number}\u2069" in text
    assert f'<bdi dir="ltr" style="white-space:nowrap;">{number}</bdi>' in html
    assert 'dir="rtl"' in html


def test_where_words_run_from_the_left_a_number_is_bare(sent):
    text, _ = sent("en")
    assert f"Verification number {shown(Credential.objects.get().verification_id)}\n" in text
    assert "\u2066" not in text


def test_an_issuer_s_name_and_a_type_s_words_run_as_they_are_written(sent):
    _, html = sent("en", body="أحسنت.")
    assert html.count("<bdi>جامعة الاختبار</bdi>") == 2
    assert 'dir="auto"' in html.partition("أحسنت.")[0].rpartition("<p")[2]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_letters_that_join_are_not_set_apart(sent, language):
    assert "letter-spacing" not in sent(language)[1]


def test_each_mail_says_why_it_is_sent(course, sent, mailoutbox):
    text, html = sent()
    assert "You receive this message because <bdi>جامعة الاختبار</bdi> issued a credential" in html
    assert (PROMISE in text, PROMISE in html) == (True, True)
    correct.reissue(Credential.objects.get(), name="Ana Vidal")
    generate()
    text, html = last(mailoutbox)
    assert "You receive this message because <bdi>جامعة الاختبار</bdi> corrected your credential" in html
    assert (PROMISE in text, PROMISE in html) == (True, True)
    asked = wishes.ask_for_name(Credential.objects.get(current=True), "Ana V.")
    wishes.refuse(asked, "It is as in your passport.")
    text, html = last(mailoutbox)
    assert "because you asked for another name on your credential" in html
    assert (PROMISE in text, PROMISE in html) == (False, False)
    assert all("See your credential" in each for each in (text, html))
    assert not any("this one message" in mail.alternatives[0][0] for mail in mailoutbox)


def test_text_has_no_gaps(sent):
    text, _ = sent()
    assert "\n\n\n" not in text
