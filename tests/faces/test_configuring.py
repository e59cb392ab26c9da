"""Configuring in one visit: the form answers while it is filled in, with scripts and without."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conferral.issuance import configure, dry_run, preview
from conferral.issuance.run import run_if_due
from conferral.models import Credential, CredentialConfiguration, CredentialType, RosterEntry
from tests.conftest import COURSE
from tests.faces.test_admin import text_of, when

OTHER = "course-v1:Test+OTHER+2026"
ADD = "credentialconfiguration_add"


def at(name, *args):
    return reverse(f"conferral-staff:conferral_{name}", args=args)


@pytest.fixture
def filled(course, template):
    """The form as somebody has filled it in, not saved."""
    configure.save_asset("plain", "plain.pdf", template)
    configure.save_type(
        "Completion",
        processor="completion",
        processor_options={"required_completion": 0.8},
        generators={"certificate": {"generator": "pdf", "options": {"template": "plain"}}},
    )
    return {
        "context_key": COURSE,
        "type": str(CredentialType.objects.get().pk),
        "time_zone": "Europe/Paris",
        **when("weekly 1,3 03:00"),
    }


def ask(client, part, values, key="new"):
    return client.post(at("credentialconfiguration_live", key, part), values)


# The key


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (COURSE, "Testing"),
        ("course-v1:Test+T101+2027", f"There is none with this key. Did you mean {COURSE}?"),
        ("course-v1:Tset+T101+2026", f"Did you mean {COURSE}?"),
        ("T101", "This is no key; it looks like course-v1:Demo+CS101+2026."),
    ],
)
def test_a_key_is_explained_at_once(filled, person, typed, says):
    operator = person("operator", "add_credentialconfiguration")
    assert says in text_of(ask(operator, "key", filled | {"context_key": typed}))


def test_a_teacher_is_told_of_their_courses_alone(filled, teacher):
    configure.save_context(OTHER, name="Secret seminar", organisation="Test")
    said = text_of(ask(teacher, "key", filled | {"context_key": OTHER}))
    assert "You do not teach this one" in said
    assert "Secret" not in said
    assert "Did you mean course-v1:Test+T101+2026?" in text_of(ask(teacher, "key", {"context_key": COURSE[:-1]}))


def test_keys_are_suggested_by_name_and_key(filled, teacher, person):
    configure.save_context(OTHER, name="Secret seminar", organisation="Test")
    operator = person("operator", "add_credentialconfiguration", "view_credentialconfiguration")

    def suggested(client, text):
        return [
            each["key"] for each in client.get(at("credentialconfiguration_suggest"), {"q": text}).json()["results"]
        ]

    assert suggested(operator, "secret") == [OTHER]
    assert suggested(operator, "t101") == [COURSE]
    assert suggested(operator, "Test+") == [OTHER, COURSE]
    assert suggested(teacher, "") == [COURSE]
    assert suggested(teacher, "secret") == []
    # Without scripts: the first of them are in the page.
    assert f'<option value="{COURSE}">Testing</option>' in text_of(teacher.get(at(ADD)))
    assert OTHER not in text_of(teacher.get(at(ADD)))


# The times


def test_the_next_runs_are_shown_in_its_time_zone(filled, teacher):
    said = text_of(ask(teacher, "times", filled))
    assert "Mon, Wed at 03:00" in said
    assert said.count("<time>") == 5
    assert said.count("03:00</time>") == 5
    assert "Europe/Paris" in said
    assert "once it is enabled" in said
    assert "runs by hand alone" in text_of(ask(teacher, "times", filled | when("")))


def test_times_are_shown_whatever_else_is_wrong(filled, teacher):
    assert text_of(ask(teacher, "times", filled | {"context_key": "x", "type": ""})).count("<time>") == 5
    said = text_of(ask(teacher, "times", filled | when("0 0 30 2 *")))
    assert "never fires" in said


# Opening and closing with the course


def ends(course, end, start=None):
    configure.save_context(course.key, name="Testing", organisation="Test", start=start, end=end)


def test_the_next_runs_are_those_between_opening_and_closing(course, filled, teacher):
    now = timezone.now()
    ends(course, now + timedelta(days=10))
    daily = filled | when("every 1 day") | {"opens": "after_end", "opens_days": "0", "stop": "2"}
    said = text_of(ask(teacher, "times", daily))
    assert said.count("<time>") == 3
    assert said.count("</time> (the last)") == 1
    assert "(the last)" in said.split("<time>")[3]
    assert "Opens " in said
    assert "Closes " in said
    assert "UTC" not in said.replace("Europe/Paris", "")
    # What is wrong with the rules, or not known yet, is said in their place.
    assert "Write how many days after" in text_of(ask(teacher, "times", daily | {"opens_days": ""}))
    assert "it stops before it opens" in text_of(ask(teacher, "times", daily | {"opens_days": "5"}))
    unknown = text_of(ask(teacher, "times", daily | {"context_key": ""}))
    assert "is known once the course is" in unknown
    assert unknown.count("<time>") == 5


def test_a_course_without_an_end_is_handled_and_said(course, filled, teacher):
    sent = filled | {"enabled": "on", "stop": "30"}
    remark = "Without an end date it never closes by itself"
    assert remark in text_of(ask(teacher, "times", sent))
    assert remark in text_of(ask(teacher, "now", sent))
    told = [str(each) for each in teacher.post(at(ADD), sent, follow=True).context["messages"]]
    assert remark in told
    asked = dry_run.start(CredentialConfiguration.objects.get(), by=None)
    assert dry_run.carry_out(asked.pk).remarks == remark[0].lower() + remark[1:]
    opens = filled | {"opens": "after_end", "opens_days": "1"}
    said = text_of(ask(teacher, "times", opens))
    assert "Without an end date it does not open" in said
    assert "There is no run to come." in said
    assert "9000" not in said


def test_what_closed_by_itself_says_why_on_its_page_and_in_the_list(course, teacher):
    saved = course.configure()
    ends(course, datetime(2026, 3, 1, tzinfo=UTC))
    configure.save_configuration(
        COURSE, "Completion", enabled=True, schedule={"every": "1 day"}, opening={"stop": 3}, time_zone="Asia/Tokyo"
    )
    address = at("credentialconfiguration_change", saved.pk)
    open_still = text_of(teacher.get(address))
    assert "Asia/Tokyo (the last)" in open_still
    assert "Closes 4 March 2026, 09:00 Asia/Tokyo; the first run from then on is the last." in open_still
    CredentialConfiguration.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    run_if_due(saved.pk)
    why = "closed on "
    said = text_of(teacher.get(address))
    assert f"None: {why}" in said
    assert "its time ended on 4 March 2026, 3 days after the end of the course." in said
    assert "it runs by hand alone" not in said
    assert why in text_of(teacher.get(at("credentialconfiguration_changelist")))
    values = {"enabled": "on", "time_zone": "Asia/Tokyo", "stop": "3", **when("every 1 day")}
    shown = text_of(ask(teacher, "times", values, saved.pk))
    assert "<time>" not in shown
    assert "Closed on " in shown


# Who would get one now


def test_who_would_get_one_now(course, filled, teacher):
    course.learner("ana", email="ana@example.com")
    course.learner("bo")
    course.learner("cy", completion="0.5")
    said = " ".join(text_of(ask(teacher, "now", filled)).split())
    assert "<strong>2</strong> would get one now" in said
    assert "<strong>1</strong> of them cannot be mailed" in said
    assert "<strong>1</strong> not yet" in said
    assert not Credential.objects.exists()
    assert not CredentialConfiguration.objects.exists()


def test_who_has_one_is_counted_as_such(course, teacher):
    course.learners(3)
    saved = course.configure()
    course.run()
    course.learner("new")
    values = {"time_zone": "UTC", **when("")}
    said = text_of(ask(teacher, "now", values, saved.pk))
    assert "<strong>3</strong> have one already" in said
    assert "<strong>1</strong> would get one now" in said


def test_a_large_course_is_looked_at_as_long_as_somebody_waits(course, filled, teacher, settings, monkeypatch):
    from conferral.issuance import forecast

    settings.CONFERRAL_PAGE_SIZE = 2
    monkeypatch.setattr(forecast.forecast, "__defaults__", (0,))
    course.learners(5)
    assert "That is of the first 2 learners" in text_of(ask(teacher, "now", filled))


def test_what_is_wrong_is_said_instead(filled, teacher):
    assert "Course, lesson or pathway: This field is required." in text_of(
        ask(teacher, "now", filled | {"context_key": ""})
    )
    RosterEntry.objects.all().delete()
    assert "<strong>0</strong> would get one now" in text_of(ask(teacher, "now", filled))


# How it looks


def test_the_certificate_is_shown_as_a_picture(filled, teacher):
    said = text_of(ask(teacher, "picture", filled | {"sample": "Ana Ñandú"}))
    assert 'src="data:image/webp;base64,' in said
    assert 'alt="The credential of Ana Ñandú, as it is now"' in said


def test_a_learner_is_shown_by_name_to_those_who_know_them(course, filled, teacher):
    configure.save_context(OTHER, name="Another", organisation="Test")
    course.learner("ana", name="Ana Ñandú")
    course.key = OTHER
    course.learner("zoe", name="Zoe Secret")
    assert "Ana Ñandú" in text_of(ask(teacher, "picture", filled | {"sample": "ana"}))
    assert "Zoe Secret" not in text_of(ask(teacher, "picture", filled | {"sample": "zoe"}))


def test_a_learner_is_shown_with_what_they_have_reached(course, filled, teacher, monkeypatch):
    course.learner("ana", "0.65", name="Ana Ñandú")
    made = []
    make = preview.Drafts.make
    monkeypatch.setattr(preview.Drafts, "make", lambda self, request: made.append(request) or make(self, request))
    said = text_of(ask(teacher, "picture", filled | {"sample": "ana"}))
    assert "not yet · Content completed: 65% (at least 80%)" in said
    assert [fact.actual for fact in made[-1].snapshot.evidence] == ["0.65"]
    assert made[-1].snapshot.name == "Ana Ñandú"
    for other in ("Ana Ñandú", "nobody", ""):
        assert "not yet" not in text_of(ask(teacher, "picture", filled | {"sample": other}))
        assert [fact.actual for fact in made[-1].snapshot.evidence] != ["0.65"]
    course.learner("bo", "0.9", name="Bo")
    assert "would be issued · Content completed: 90% (at least 80%)" in text_of(
        ask(teacher, "picture", filled | {"sample": "bo"})
    )


def test_before_the_course_is_chosen_the_type_is_shown(filled, teacher):
    assert "data:image/webp" in text_of(ask(teacher, "picture", filled | {"context_key": ""}))
    assert "Choose a credential type" in text_of(ask(teacher, "picture", {}))


# Who may ask


@pytest.mark.parametrize("part", ["key", "times", "now", "picture"])
def test_parts_are_for_those_who_may_configure(course, filled, teacher, person, part):
    saved = course.configure()
    configure.save_context(OTHER, name="Another", organisation="Test")
    configure.save_configuration(OTHER, "Completion")
    theirs = CredentialConfiguration.objects.get(context_key=OTHER)
    assert ask(teacher, part, filled, saved.pk).status_code == 200
    assert ask(teacher, part, filled, theirs.pk).status_code == 403
    assert ask(teacher, part, filled, 999).status_code == 403
    for client in (Client(), person("learner"), person("viewer", "view_credentialconfiguration")):
        assert ask(client, part, filled).status_code in (302, 403)
        assert ask(client, part, filled, saved.pk).status_code in (302, 403)
    assert teacher.get(at("credentialconfiguration_live", "new", part)).status_code == 404
    assert ask(teacher, "nothing", filled).status_code == 404
    refused = Client(enforce_csrf_checks=True)
    refused.force_login(teacher.user)
    assert ask(refused, part, filled).status_code == 403


# Without scripts


def test_a_trial_shows_everything_and_saves_nothing(course, filled, teacher):
    course.learner("ana")
    page = teacher.post(at(ADD), filled | {"_try": "1"})
    said = text_of(page)
    assert "Nothing is saved yet" in said
    assert "would get one now" in said
    assert "data:image/webp" in said
    assert said.count("<time>") == 5
    assert "Please correct" not in said
    assert not CredentialConfiguration.objects.exists()
    # As it was filled in, to be saved next.
    assert page.context["adminform"].form["when"].value()["days"] == ["1", "3"]


def test_a_trial_of_what_is_wrong_says_so(filled, teacher):
    said = text_of(teacher.post(at(ADD), filled | {"_try": "1", "context_key": "course-v1:No+Such+1"}))
    assert "You do not teach this one" in said
    assert said.count("<time>") == 5


def test_a_mistyped_key_is_refused_as_it_is_told(filled, person):
    """Without scripts nobody is told while typing."""
    operator = person("operator", "add_credentialconfiguration")
    refused = operator.post(at(ADD), filled | {"context_key": "course-v1:Test+T101+2027"})
    assert refused.context["adminform"].form.errors == {
        "context_key": [f"There is none with this key. Did you mean {COURSE}?"]
    }


def test_saved_in_one_visit(filled, teacher):
    assert teacher.post(at(ADD), filled | {"enabled": "on"}).status_code == 302
    saved = CredentialConfiguration.objects.get()
    assert (saved.schedule, saved.enabled) == ({"crontab": "0 3 * * 1,3"}, True)
    assert saved.next_run_at is not None
