"""What staff do with credentials: what the pages that ask say, how many they count, what the record shows."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import translation

from conferral import access
from conferral.admin.corrections import CORRECTIONS
from conferral.admin.renaming import ASKS
from conferral.issuance import configure, correct, make, reissue, release, wishes
from conferral.models import Credential, Learner
from tests.conftest import COURSE
from tests.faces.test_pages import text_of

pytestmark = pytest.mark.usefixtures("silent_broker")


@pytest.fixture
def instructor(person):
    return person("instructor", *access.TEACHERS_MAY)


@pytest.fixture
def held(course):
    """Credentials of two learners that wait to be looked at."""
    course.learners(2)
    course.configure()
    configure.save_configuration(COURSE, "Completion", enabled=True, guards={"review": True})
    course.run()
    return list(Credential.objects.order_by("pk"))


def page(name, *args):
    return reverse(f"admin:conferral_{name}", args=args)


def act(client, action, *credentials):
    """Chosen in the list."""
    chosen = {"action": action, "_selected_action": [one.pk for one in credentials]}
    return client.post(page("credential_changelist"), chosen, follow=True)


def said(response):
    return [str(message) for message in response.context["messages"]]


def readonly(response):
    """What the page of a record shows, by field."""
    found = re.findall(r'field-(\w+)">.*?<div class="readonly">(.*?)</div>', text_of(response), re.DOTALL)
    return {name: text.strip() for name, text in found}


def test_the_button_names_those_to_which_it_is_done(held, instructor):
    release.release_each([held[0].pk], by=instructor.user)
    asked = act(instructor, "release", *held)
    seen = text_of(asked)
    assert 'value="Release 1 credential"' in seen
    assert "1 cannot be: it is not held." in seen
    assert asked.context["ids"] == str(held[1].pk)
    assert [row[-1] for row in asked.context["chosen"]] == ["", "it is not held"]
    release.release_each([held[1].pk], by=instructor.user)
    seen = text_of(act(instructor, "release", *held))
    assert "2 cannot be: it is not held." in seen
    assert 'type="submit" class="default"' not in seen
    assert 'name="notify"' not in seen


def test_mails_are_counted_by_who_can_be_written_to(course, instructor):
    course.learners(4)
    course.configure()
    course.run_and_generate()
    all_ = list(Credential.objects.order_by("pk"))
    Learner.objects.filter(pk__in=[all_[2].learner_id, all_[3].learner_id]).update(email="somebody@example.com")
    correct.revoke(all_[2], "copied")
    seen = text_of(act(instructor, "resend", *all_))
    assert 'value="Send 1 mail"' in seen
    assert "3 cannot be: the learner has no e-mail address (2), it was revoked (1)." in seen


@pytest.mark.parametrize("name", ["release", "refuse", "revoke", "reissue", "resend", "retry"])
def test_so_many_are_asked_about_at_once(held, name, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        CORRECTIONS[name].cannot(list(Credential.objects.select_related("learner", "edition__type")))


def test_what_is_held_has_no_day_of_issue_and_no_other_name(held, instructor):
    one = held[0]
    asks = instructor.get(page("credential_change", one.pk)).context["asks"]
    assert "Correct name" not in [str(each.title) for _, each in asks]
    assert "nothing to be done" in said(instructor.get(page("credential_ask", one.pk, "name"), follow=True))[0]
    listed = instructor.get(page("credential_changelist"))
    assert '<td class="field-issued_on">-</td>' in text_of(listed)
    dates = readonly(instructor.get(page("credential_change", one.pk)))
    assert (dates["issued_at"], dates["expires_at"]) == ("-", "-")
    assert dates["earned_at"] != "-"


@pytest.mark.parametrize(
    ("printed", "day"), [("issued", "13 May 2026"), ("earned", "1 May 2026"), ("end", "1 Jun 2026")]
)
def test_the_day_that_is_kept_is_the_one_that_is_printed(course, instructor, printed, day):
    course.learners(1)
    course.configure()
    configure.save_type(
        "Completion", processor="completion", processor_options={"required_completion": 0.8}, printed_date=printed
    )
    configure.save_configuration(COURSE, "Completion", enabled=True, time_zone="Europe/Paris")
    course.run_and_generate()
    Credential.objects.update(
        issued=datetime(2026, 5, 12, 23, 30, tzinfo=UTC),
        earned=datetime(2026, 4, 30, 22, 30, tzinfo=UTC),
        context_end=datetime(2026, 5, 31, 22, 0, tzinfo=UTC),
    )
    one = Credential.objects.get()
    with translation.override("en-gb"):
        assert f"It keeps {day};" in str(ASKS["name"].explain(one))
    dates = readonly(instructor.get(page("credential_change", one.pk)))
    assert dates["issued_at"] == "13 May 2026, 01:30 Europe/Paris"


def test_a_credential_is_shown_as_a_picture(issued, instructor):
    seen = text_of(instructor.get(page("credential_change", issued.pk)))
    assert '<img src="data:image/webp' in seen
    assert "<figcaption>The certificate</figcaption>" in seen
    correct.reissue(issued, name="Ana Vidal")
    assert "data:image/webp" not in text_of(instructor.get(page("credential_change", issued.pk)))


def test_a_design_that_breaks_leaves_the_page_as_it_is(issued, instructor, monkeypatch):
    monkeypatch.setattr(make, "prepare", lambda *_: 1 / 0)
    assert "ZeroDivisionError" in text_of(instructor.get(page("credential_change", issued.pk)))


def test_what_is_issued_again_is_told_in_figures(issued, instructor):
    Learner.objects.update(name="Ana Vidal")
    wish = reissue.Wish(issued.configuration, "current", names=True, notify=False)
    asked_ = reissue.start(wish, by=instructor.user, reason="a name was wrong")
    reissue.carry_out(asked_.pk)
    response = instructor.get(page("reissue_change", asked_.pk))
    assert [(each.count, each.said) for each in response.context["figures"]] == [("1", "in all"), ("1", "issued again")]
    told = readonly(response)
    assert (told["written_to"], told["name_taken"]) == ("no", "as the accounts have it now")
    assert told["design"].startswith("as of ")
    assert asked_.edition.sha256[:12] not in text_of(response)
    assert "icon-no" not in text_of(response)


def test_without_scripts_it_is_said(issued, instructor):
    assert "Your browser runs no scripts" in text_of(instructor.get(page("credential_ask", issued.pk, "name")))


def test_a_wish_is_approved_with_both_pictures(issued, instructor):
    asked = wishes.ask_for_name(issued, "Ana Vidal")
    address = page("namerequest_approve")
    seen = text_of(instructor.get(address, {"ids": asked.pk}))
    assert seen.count("data:image/webp") == 2
    assert "The credential of Ana Vidal, as it is now" in seen
    assert 'value="Approve 1 request"' in seen


def test_what_the_account_says_stands_beneath_the_name(issued, instructor):
    response = instructor.get(page("credential_ask", issued.pk, "name"))
    assert {part["after"]: part["url"] for part in response.context["live"]} == {
        "name": page("credential_account", issued.pk),
        "picture": page("credential_picture", issued.pk),
    }
    picture = text_of(instructor.post(page("credential_picture", issued.pk), {"name": "Ana Vidal"}))
    assert "conferral-problem" not in picture
    assert "The credential of Ana Vidal" in picture


def test_what_is_held_is_said_not_to_be_issued_again(held, instructor):
    asked = act(instructor, "reissue", *held)
    assert [(way.to_reissue, way.unchanged, way.cannot) for way in asked.context["numbers"]] == [(0, 0, "2 held")] * 3
    seen = text_of(asked)
    assert seen.count("disabled>") == 4
    assert 'class="results conferral-scroll" tabindex="0" role="region"' in seen
