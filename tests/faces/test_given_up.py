"""Mails that were given up: tried again, many at once, from their list, from their own page, from that of their run."""

import pytest
from django.urls import reverse
from django.utils import timezone

from conferral.issuance import configure
from conferral.models import Act, Credential, CredentialArtifact, Delivery, Run
from tests.conftest import Course
from tests.faces.test_admin import text_of

pytestmark = pytest.mark.usefixtures("silent_broker")
OTHER = "course-v1:Test+OTHER+2026"


def at(name, *args):
    return reverse(f"conferral-staff:conferral_{name}", args=args)


def said(response):
    return [str(message) for message in response.context["messages"]]


def give_up(**which):
    Delivery.objects.filter(**which).update(state="failed", next_try=None, attempts=9, last_error="the server is away")


@pytest.fixture
def mails(course):
    """Three mails of the course that were given up; their credentials are ready."""
    course.learners(3)
    course.configure()
    course.run_and_generate()
    give_up()
    return list(Delivery.objects.order_by("pk"))


@pytest.fixture
def theirs(course):
    """One of somebody else's course."""
    configure.save_context(OTHER, name="Another", organisation="Test")
    other = Course(key=OTHER, type_name="Other")
    other.learner("zoe", email="zoe@example.com")
    other.configure()
    other.run_and_generate()
    give_up(credential__context_key=OTHER)
    return Delivery.objects.get(credential__context_key=OTHER)


def choose(client, *mails):
    """The action of the list, for those; the page that it leads to."""
    values = {"action": "retry", "_selected_action": [mail.pk for mail in mails]}
    return client.post(at("delivery_changelist"), values, follow=True)


def confirm(client, *mails):
    return client.post(at("delivery_retry"), {"ids": ",".join(str(mail.pk) for mail in mails)}, follow=True)


def waiting():
    return set(Delivery.objects.filter(state="pending", attempts=0, last_error="").values_list("pk", flat=True))


def test_several_are_tried_again_from_their_list(mails, teacher):
    first, second, third = mails
    asked = choose(teacher, first, second)
    assert "Try 2 mails again" in text_of(asked)
    assert not waiting()
    assert said(confirm(teacher, first, second)) == ["2 mails are tried again."]
    assert waiting() == {first.pk, second.pk}
    third.refresh_from_db()
    assert third.state == "failed"
    acts = Act.objects.filter(verb="tried again", kind="credential")
    assert {act.object_id for act in acts} == {first.credential_id, second.credential_id}
    assert {act.by for act in acts} == {teacher.user}


def test_what_nobody_should_get_any_more_is_left_and_said(mails, teacher):
    sent, revoked, wanted = mails
    Delivery.objects.filter(pk=sent.pk).update(state="sent")
    Credential.objects.filter(pk=revoked.credential_id).update(revoked=timezone.now())
    told = said(confirm(teacher, *mails))
    assert told[-1] == "1 mail is tried again."
    assert sum("nothing has failed that could be tried again" in each for each in told) == 2
    assert waiting() == {wanted.pk}


def test_one_is_tried_again_from_its_page(mails, teacher):
    address = f"{at('delivery_retry')}?ids={mails[0].pk}"
    page = at("delivery_change", mails[0].pk)
    assert address in text_of(teacher.get(page))
    assert "Try 1 mail again" in text_of(teacher.get(address))
    confirm(teacher, mails[0])
    assert waiting() == {mails[0].pk}
    assert address not in text_of(teacher.get(page))


def test_whoever_may_only_look_tries_nothing_again(mails, person):
    watcher = person("watcher", "view_delivery")
    page = watcher.get(at("delivery_changelist"))
    assert 'value="retry"' not in text_of(page)
    assert f"?ids={mails[0].pk}" not in text_of(watcher.get(at("delivery_change", mails[0].pk)))
    assert confirm(watcher, *mails).status_code == 403
    assert not waiting()


def test_the_right_to_try_again_is_enough(mails, person):
    helper = person("helper", "view_delivery", "retry_credential")
    assert said(confirm(helper, *mails)) == ["3 mails are tried again."]


def test_those_of_other_courses_are_nobodys_to_try_again(mails, theirs, teacher):
    choose(teacher, theirs)
    assert said(confirm(teacher, theirs)) == ["No mail was chosen."]
    assert confirm(teacher, mails[0], theirs).status_code == 200
    assert waiting() == {mails[0].pk}


def test_as_many_at_once_as_a_mail_server_that_was_down_leaves(mails, teacher, monkeypatch):
    monkeypatch.setattr("conferral.admin.records.AT_ONCE", 2)
    assert said(choose(teacher, *mails)) == ["Choose 2 mails at most."]


def test_the_page_of_a_run_counts_them_and_tries_them_again(mails, theirs, teacher):
    run = Run.objects.get(configuration=mails[0].credential.configuration)
    page = text_of(teacher.get(at("run_change", run.pk)))
    listed = f"{at('delivery_changelist')}?run={run.pk}&state=mend"
    assert f'<a href="{listed}"><strong>3</strong> <span>of them could not be mailed</span></a>' in page
    assert teacher.get(listed).context["cl"].result_count == 3
    ask = at("run_ask", run.pk, "retry")
    assert "3 mails were given up. They are tried again now." in text_of(teacher.get(ask))
    assert said(teacher.post(ask, follow=True)) == ["Tried again: 3 mails."]
    assert waiting() == {mail.pk for mail in mails}
    assert "could not be mailed" not in text_of(teacher.get(at("run_change", run.pk)))
    assert "nothing to be done there any more" in said(teacher.post(ask, follow=True))[0]


def test_files_and_mails_of_a_run_are_tried_again_together_a_bounded_number_at_once(mails, teacher, monkeypatch):
    monkeypatch.setattr("conferral.admin.runs.AT_ONCE", 1)
    Delivery.objects.filter(pk=mails[0].pk).delete()
    failed = mails[0].credential
    Credential.objects.filter(pk=failed.pk).update(state="failed")
    CredentialArtifact.objects.filter(credential=failed).update(state="failed", next_try=None)
    run = Run.objects.get()
    ask = at("run_ask", run.pk, "retry")
    page = text_of(teacher.get(ask))
    assert "1 credential could not be made. It is tried again now." in page
    assert "2 mails were given up. The first 1 are tried again now; ask again for the next." in page
    assert said(teacher.post(ask, follow=True)) == ["Tried again: 1 file, 1 mail. 1 mail is left; ask again for it."]
    assert said(teacher.post(ask, follow=True)) == ["Tried again: 1 mail."]


def test_whoever_may_not_see_mails_is_told_how_many_and_led_to_none(mails, person):
    page = text_of(person("watcher", "view_run").get(at("run_change", Run.objects.get().pk)))
    assert "<strong>3</strong> of them could not be mailed</li>" in page
    assert at("delivery_changelist") not in page


def test_a_page_does_not_offer_to_try_again_what_was_sent_again_since(mails, teacher):
    path = at("credential_change", mails[0].credential_id)
    assert "Try again what failed" in text_of(teacher.get(path))
    Delivery.objects.create(credential_id=mails[0].credential_id, purpose="issued", sequence=2, state="sent")
    assert "Try again what failed" not in text_of(teacher.get(path))
