"""What staff ask for on the pages: runs with progress, dry runs, decisions about what is held, awards, lists."""

import json
import re
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import strip_tags

from conferral.issuance import configure, dry_run, guards, reissue, release
from conferral.issuance import run as runs
from conferral.issuance.generate import generate
from conferral.models import (
    Act,
    Candidate,
    Credential,
    CredentialArtifact,
    CredentialAsset,
    CredentialConfiguration,
    Delivery,
    DryRun,
    Learner,
    Reissue,
    RosterEntry,
    Run,
)
from tests.conftest import COURSE, Course
from tests.faces.test_admin import text_of

pytestmark = pytest.mark.usefixtures("silent_broker")
OTHER = "course-v1:Test+OTHER+2026"


def at(name, *args):
    return reverse(f"conferral-staff:conferral_{name}", args=args)


def ask(client, obj, what, **values):
    return client.post(at(f"{obj._meta.model_name}_ask", obj.pk, what), values, follow=True)


def said(response):
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def saved(course):
    return course.configure()


@pytest.fixture
def theirs(course):
    """A configuration of somebody else's course."""
    configure.save_context(OTHER, name="Another", organisation="Test")
    other = Course(key=OTHER, type_name="Other")
    other.learner("zoe")
    return other.configure()


@pytest.fixture
def held(course, saved):
    """A run that holds three."""
    CredentialConfiguration.objects.update(guards={"learners": 0, "share": 0})
    course.learners(3)
    runs.ask(saved, by=None)
    return runs.run_asked(Run.objects.get().pk)


# Runs


def test_a_run_is_asked_for_and_followed(course, saved, teacher):
    course.learners(3)
    page = teacher.get(at("credentialconfiguration_ask", saved.pk, "run"))
    assert "Nobody gets two" in text_of(page)
    response = ask(teacher, saved, "run", notify="on")
    run = Run.objects.get()
    assert response.redirect_chain[-1][0] == at("run_change", run.pk)
    assert (run.by, run.trigger, run.notify) == (teacher.user, "person", True)
    assert "It is about to begin." in text_of(response)
    assert teacher.get(at("run_progress", run.pk)).json()["going_on"] is True
    runs.run_asked(run.pk)
    told = teacher.get(at("run_progress", run.pk)).json()
    assert (told["going_on"], told["evaluated"], told["said"]) == (False, 3, "finished")
    row = text_of(teacher.get(at("run_changelist")))
    assert "teacher" in row
    assert Credential.objects.count() == 3


def test_a_run_that_goes_on_tells_how_far_it_is_and_is_cancelled(saved, teacher):
    run = runs.ask(saved, by=teacher.user)
    Run.objects.filter(pk=run.pk).update(status="running", active=True, evaluated=500, expected=1000)
    told = teacher.get(at("run_progress", run.pk)).json()
    assert "500 learners looked at" in told["said"]
    assert told["share"] == 0.5
    assert "<progress" in text_of(teacher.get(at("run_change", run.pk)))
    assert "cancelled" in said(ask(teacher, run, "cancel"))[0]
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    assert "nothing to be done there any more" in said(ask(teacher, run, "cancel"))[0]


def test_what_a_run_holds_is_released(held, teacher):
    assert held.status == Run.Status.HELD
    page = text_of(teacher.get(at("run_ask", held.pk, "release")))
    assert "3 credentials are issued today" in page
    assert said(ask(teacher, held, "release", notify="on")) == ["3 credentials were released."]
    generate()
    assert Credential.objects.filter(state="available").count() == 3
    act = Act.objects.filter(verb="released", kind="run").get()
    assert act.by == teacher.user


def test_what_a_run_holds_is_refused_with_a_reason(held, teacher):
    assert "required" in str(ask(teacher, held, "refuse").context["form"].errors)
    assert said(ask(teacher, held, "refuse", reason="a wrong threshold")) == ["3 credentials were refused."]
    assert not Credential.objects.exists()
    assert Act.objects.get(verb="refused").reason == "a wrong threshold"


def test_failures_are_told_and_tried_again(course, saved, teacher):
    course.learner("ana", name="Ana Ñandú")
    course.run_and_generate()
    Delivery.objects.all().delete()
    Credential.objects.update(state="failed")
    CredentialArtifact.objects.update(state="failed", next_try=None, last_error="the storage said no")
    run = Run.objects.get()
    page = text_of(teacher.get(at("run_change", run.pk)))
    assert "the storage said no" in page
    assert "Ana Ñandú" in page
    assert at("credential_ask", Credential.objects.get().pk, "name") in page
    assert f"{at('credential_changelist')}?run__id__exact={run.pk}&is=failed" in page
    assert said(ask(teacher, run, "retry")) == ["Tried again: 1 file."]
    generate()
    assert Credential.objects.get().state == "available"
    Run.objects.update(status="failed", error="the LMS did not answer")
    response = ask(teacher, run, "again")
    assert response.redirect_chain[-1][0] == at("run_change", Run.objects.last().pk)
    assert Run.objects.count() == 2


def test_a_run_is_told_in_words_and_leads_to_what_it_issued(course, theirs, saved, teacher):
    CredentialConfiguration.objects.filter(pk=saved.pk).update(time_zone="Asia/Tokyo")
    course.learners(12)
    course.run_and_generate()
    run = Run.objects.get()
    page = text_of(teacher.get(at("run_change", run.pk)))
    assert "Asia/Tokyo" in page
    assert f"run {run.pk} of" not in page
    assert "What a person should look at" not in page
    issued = f"{at('credential_changelist')}?run__id__exact={run.pk}"
    assert f'<a href="{issued}"><strong>12</strong> <span>issued</span></a>' in page
    assert teacher.get(issued).context["cl"].result_count == 12
    CredentialArtifact.objects.update(state="failed")
    Credential.objects.update(state="failed")
    page = text_of(teacher.get(at("run_change", run.pk)))
    assert "All that failed" in page
    assert page.count(">Correct name<") == 10


def figures(client, run):
    """What stands in large figures on a run's page, by what is said of it."""
    page = text_of(client.get(at("run_change", run.pk)))
    return {said: count for count, said in re.findall(r"<strong>([^<]+)</strong> (?:<span>)?(\w[^<]+)<", page)}


def test_a_run_tells_the_figures_that_say_something(course, saved, teacher):
    course.learners(3)
    course.learner("bo", completion="0.5")
    course.run_and_generate()
    first = Run.objects.get()
    assert figures(teacher, first) == {"looked at": "4", "qualified": "3", "issued": "3"}
    course.run()
    again = figures(teacher, Run.objects.last())
    assert again == {"looked at": "4", "qualified": "3", "have one already": "3", "issued": "0"}
    Run.objects.filter(pk=first.pk).update(evaluated=1234567, failed=2, error="the LMS did not answer")
    Credential.objects.filter(learner__key="learner-0").update(state="failed")
    told = figures(teacher, first)
    assert (told["looked at"], told["of them could not be made"]) == ("1,234,567", "1")
    assert told["cannot be decided about"] == "2"
    with translation.override("es"):
        assert "1.234.567" in figures(teacher, first).values()


def test_what_is_empty_or_technical_stays_out_of_the_way(course, saved, held, teacher):
    rows = teacher.get(at("run_change", held.pk)).context["adminform"].fieldsets
    assert rows[0][1]["fields"][-1] == "other_runs"
    assert not {"what_went_wrong", "to_be_looked_at"} & {*rows[0][1]["fields"]}
    assert ("collapse" in rows[1][1]["classes"], rows[1][1]["fields"]) == (True, ["tried", "tried_next"])
    Run.objects.filter(pk=held.pk).update(status="failed", error="the LMS did not answer", remarks="late")
    page = text_of(teacher.get(at("run_change", held.pk)))
    assert "the LMS did not answer" in page
    assert "late" in page
    assert "Pk" not in strip_tags(teacher.get(at("run_changelist")).content.decode())


def test_whoever_may_not_see_credentials_is_led_to_none(course, saved, person):
    course.learners(1)
    course.run_and_generate()
    page = text_of(person("watcher", "view_run").get(at("run_change", Run.objects.get().pk)))
    assert "<strong>1</strong> issued</li>" in page
    assert at("credential_changelist") not in page


def test_more_failures_than_are_tried_at_once_are_told_and_the_next_time_takes_the_next(
    course, saved, teacher, monkeypatch
):
    monkeypatch.setattr("conferral.admin.runs.AT_ONCE", 2)
    course.learners(5)
    course.run_and_generate()
    Credential.objects.update(state="failed")
    CredentialArtifact.objects.update(state="failed", next_try=None)
    run = Run.objects.get()
    page = text_of(teacher.get(at("run_ask", run.pk, "retry")))
    assert "5 credentials could not be made. The first 2 are tried again now; ask again for the next." in page
    assert "3 credentials are left; ask again for the next." in said(ask(teacher, run, "retry"))[0]
    assert Credential.objects.filter(state="pending").count() == 2
    assert "1 credential is left; ask again for it." in said(ask(teacher, run, "retry"))[0]
    assert "1 credential could not be made. It is tried again now." in text_of(
        teacher.get(at("run_ask", run.pk, "retry"))
    )
    assert "left" not in said(ask(teacher, run, "retry"))[0]
    assert not Credential.objects.filter(state="failed").exists()


def test_what_cannot_be_tried_again_is_not_counted_as_if_it_were(course, saved, teacher):
    course.learners(3)
    course.run_and_generate()
    Credential.objects.update(state="failed")
    CredentialArtifact.objects.update(state="failed", next_try=None)
    Credential.objects.filter(learner__key="learner-0").update(revoked=datetime(2026, 1, 1, tzinfo=UTC))
    Learner.objects.filter(key="learner-1").update(retired=datetime(2026, 1, 1, tzinfo=UTC))
    run = Run.objects.get()
    assert "1 credential could not be made." in text_of(teacher.get(at("run_ask", run.pk, "retry")))
    assert said(ask(teacher, run, "retry")) == ["Tried again: 1 file."]
    assert "nothing to be done there any more" in said(ask(teacher, run, "retry"))[0]


def test_lists_are_narrowed_to_one_configuration(course, saved, theirs, teacher):
    course.learners(1)
    course.run()
    dry_run.start(saved, by=None)
    release.allow(saved, ["learner-0"], by=None, reason="x")
    for name in ("run", "dryrun", "candidate", "credential"):
        mine = teacher.get(at(f"{name}_changelist"), {"configuration__id__exact": saved.pk})
        assert mine.context["cl"].result_count == 1, name
        assert COURSE in text_of(mine)
        other = teacher.get(at(f"{name}_changelist"), {"configuration__id__exact": theirs.pk})
        assert other.context["cl"].result_count == 0
        assert OTHER not in text_of(other)
    assert teacher.get(at("dryrun_changelist"), {"q": COURSE}).context["cl"].result_count == 1
    found = teacher.get(at("candidate_changelist"), {"verdict": "never"}).context["cl"].result_count
    assert found == 0


def test_runs_files_and_mails_say_how_often_they_were_tried_and_when_they_are_again(course, saved, person):
    operator = person("operator", "view_run", "view_credential", "view_credentialartifact", "view_delivery")
    course.learner("ana", email="ana@example.org")
    course.run_and_generate()
    soon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    for model in (Run, CredentialArtifact, Delivery):
        model.objects.update(attempts=7, next_try=soon)
    pages = [at("run_change", Run.objects.get().pk), at("credential_change", Credential.objects.get().pk)]
    run, credential = (" ".join(strip_tags(text_of(operator.get(page))).split()) for page in pages)
    assert re.search(r"Attempts: 7 Next attempt: 2 Nov. 2026", run), run
    assert len(re.findall(r"\b7 Nov\. 2, 2026", credential)) == 2, credential


# Dry runs


def test_a_dry_run_says_who_and_why(course, saved, teacher):
    course.learner("ana", name="Ana Ñandú", email="ana@example.com")
    course.learner("bo", name="Bo", completion="0.5")
    course.learner("cy", name="=HYPERLINK(1)")
    response = ask(teacher, saved, "dry")
    asked = DryRun.objects.get()
    assert response.redirect_chain[-1][0] == at("dryrun_change", asked.pk)
    dry_run.carry_out(asked.pk)
    page = " ".join(text_of(teacher.get(at("dryrun_change", asked.pk))).split())
    assert "<strong>2</strong> would get one now" in page
    assert "<strong>1</strong> of them cannot be mailed" in page
    assert "Content completed: 50% (at least 80%)" in page

    def rows(**query):
        return [row.learner for row in teacher.get(at("dryrun_change", asked.pk), query).context["rows"]]

    assert rows() == ["ana", "bo", "cy"]
    assert rows(q="bo") == ["bo"]
    assert rows(outcome="not yet") == ["bo"]
    assert rows(unmailed="on") == ["cy"]
    assert rows(o="name") == ["cy", "ana", "bo"]

    def table(**query):
        lines = b"".join(teacher.get(at("dryrun_csv", asked.pk), query).streaming_content).decode("utf-8-sig")
        return [line.split(",") for line in lines.splitlines()]

    assert [line[0] for line in table(outcome="issue")] == ['"Username"', '"ana"', '"cy"']
    assert '"\'=HYPERLINK(1)"' in table(outcome="issue")[2]
    assert not Credential.objects.exists()


def test_rows_of_a_dry_run_are_sorted_by_their_headings_in_the_table_for_spreadsheets_too(
    course, saved, teacher, settings
):
    settings.CONFERRAL_PAGE_SIZE = 2
    for username, name in (("ana", "Same"), ("bo", "Same"), ("cy", "Other"), ("di", "Same")):
        course.learner(username, name=name)
    course.run()
    course.learner("eve", name="Zoe", completion="0.5")
    asked = dry_run.carry_out(dry_run.start(saved, by=None).pk)
    page = teacher.get(at("dryrun_change", asked.pk), {"q": "", "o": "name"})
    assert "Content completed: 100% (at least 80%)" in text_of(page)
    assert text_of(page).count("Content completed: 100% (at least 80%)") == 4  # once for each who has one
    headings = {str(word): (how, query) for word, how, query in page.context["columns"]}
    assert headings["Name"] == ("ascending", "q=&o=-name")
    assert headings["Username"] == ("", "q=&o=learner")
    for order, wanted in (
        ("-learner", ["eve", "di", "cy", "bo", "ana"]),
        ("name", ["cy", "ana", "bo", "di", "eve"]),
        ("-name", ["eve", "ana", "bo", "di", "cy"]),
        ("nonsense", ["ana", "bo", "cy", "di", "eve"]),
    ):
        shown = teacher.get(at("dryrun_change", asked.pk), {"o": order}).context["rows"]
        assert [row.learner for row in shown] == wanted
        lines = b"".join(teacher.get(at("dryrun_csv", asked.pk), {"o": order}).streaming_content).decode().splitlines()
        assert [line.split(",")[0].strip('"') for line in lines[1:]] == wanted
        assert {line.split(",")[2] for line in lines[1:]} == {'"has one"', '"not yet"'}
    with translation.override("es"):
        streamed = teacher.get(at("dryrun_csv", asked.pk), headers={"Accept-Language": "es"}).streaming_content
    told = b"".join(streamed).decode().splitlines()
    assert "Nombre de usuario" in told[0]
    assert '"todavía no","Contenido completado: 50' in told[-1]


def test_the_table_of_a_dry_run_has_its_name_in_any_script(operator):
    key = "course-v1:Demo+数学+2026"
    configure.save_context(key, name="Mathematics", organisation="Demo")
    asked = dry_run.start(Course(key).configure(), by=None)
    disposition = unquote(operator.get(at("dryrun_csv", asked.pk))["Content-Disposition"])
    assert disposition == f"attachment; filename*=utf-8''dry-run-数学-{asked.pk}.csv"


def test_a_first_run_expects_as_many_as_the_dry_run_looked_at(course, saved):
    course.learners(3)
    dry_run.carry_out(dry_run.start(saved, by=None).pk)
    assert runs.ask(saved, by=None).expected == 3
    assert dry_run.start(saved, by=None).expected == 3


def test_a_run_comes_to_the_figures_of_the_dry_run(course, saved, teacher):
    course.learners(5)
    course.learner("not-yet", completion="0.1")
    ask(teacher, saved, "dry")
    forecast = dry_run.carry_out(DryRun.objects.get().pk).figures
    ask(teacher, saved, "run")
    run = runs.run_asked(Run.objects.get().pk)
    for figure in ("evaluated", "issued", "already", "held"):
        assert getattr(run, figure) == forecast[figure], figure


def test_a_dry_run_is_stopped(saved, teacher):
    ask(teacher, saved, "dry")
    asked = DryRun.objects.get()
    teacher.post(at("dryrun_cancel", asked.pk))
    asked.refresh_from_db()
    assert asked.status == DryRun.Status.CANCELLED


def test_a_page_of_rows_costs_the_same_among_many(course, saved, teacher, django_assert_max_num_queries):
    course.learners(120)
    ask(teacher, saved, "dry")
    asked = dry_run.carry_out(DryRun.objects.get().pk)
    with django_assert_max_num_queries(14):
        assert len(teacher.get(at("dryrun_change", asked.pk), {"p": 2}).context["rows"]) == 50


# Assets


DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>'


@pytest.fixture
def designer(person):
    return person("designer", *(f"{verb}_credentialasset" for verb in ("add", "view", "change")))


def upload(client, content, **more):
    sent = {"slug": "plain", "description": "", "file": SimpleUploadedFile("plain.pdf", content), **more}
    return client.post(at("credentialasset_add"), sent, follow=True)


@pytest.fixture
def used(course, template):
    configure.save_asset("plain", "plain.pdf", template)
    course.learner("ana")
    course.configure(generators={"certificate": {"generator": "pdf", "options": {"template": "plain"}}})
    course.run_and_generate()
    return template


def test_a_new_version_is_looked_at_before_it_is_activated(used, designer):
    response = upload(designer, used + b"\n%")
    waiting = CredentialAsset.objects.get(version=2)
    assert response.redirect_chain[-1][0] == at("credentialasset_ask", waiting.pk, "activate")
    page = text_of(response)
    assert "New credentials are made with it once you activate it" in page
    assert "1 type uses it. 1 issued and 0 pending keep version 1." in page
    assert page.count("data:image/webp") == 2
    assert not waiting.current
    assert said(ask(designer, waiting, "activate", on="")) == ["New credentials are made with version 2."]
    assert CredentialAsset.objects.get(current=True) == waiting


def test_who_may_only_upload_is_not_sent_on_to_what_they_may_not_see(used, person):
    response = upload(person("dean", "add_credentialasset"), used + b"\n%")
    assert response.status_code == 200
    assert response.redirect_chain[-1][0] == reverse("conferral-staff:index")
    assert len(said(response)) == 1
    assert CredentialAsset.objects.filter(version=2, current=None).exists()


def test_a_new_version_says_how_many_more_types_use_it(course, used, designer):
    for number in range(4):
        configure.save_type(
            f"Type {number}",
            processor="completion",
            processor_options={"required_completion": 1},
            generators={"certificate": {"generator": "pdf", "options": {"template": "plain"}}},
        )
    page = text_of(upload(designer, used + b"\n%"))
    assert page.count("data:image/webp") == 6
    assert "and 2 more" in page


def overriding(generators):
    configure.save_type("Bare", processor="completion", processor_options={"required_completion": 1})
    configure.save_configuration(COURSE, "Bare", enabled=False, generators=generators, fields={"room": "B 7"})


def test_a_new_version_is_counted_and_shown_where_designs_of_a_course_use_it(course, template, designer, person):
    configure.save_asset("plain", "plain.pdf", template)
    room = {"text": "{field.room}", "y": 100}
    overriding({"certificate": {"generator": "pdf", "options": {"template": "plain", "elements": {"room": room}}}})
    page = text_of(upload(designer, template + b"\n%"))
    assert "1 configuration uses it in designs of its own." in page
    assert "0 types" not in page
    assert COURSE not in page, "whoever may not see a configuration is told how many there are, and not which"
    assert "and 1 more" in page
    rights = ("activate_credentialasset", "view_credentialasset", "view_credentialconfiguration")
    waiting = CredentialAsset.objects.get(version=2)
    page = text_of(person("dean", *rights).get(at("credentialasset_ask", waiting.pk, "activate")))
    assert f"<h2>{COURSE} · Bare</h2>" in page
    assert page.count("data:image/webp") == 2
    assert "conferral-problem" not in page
    assert "and 1 more" not in page


def test_a_new_version_of_a_logo_is_shown_as_the_logo(course, designer):
    configure.save_asset("logo", "logo.svg", DRAWING)
    configure.save_issuer("site", name="Test", logo="logo")
    sent = {"slug": "logo", "file": SimpleUploadedFile("logo.svg", DRAWING.replace(b"h1v1", b"h1v2"))}
    page = text_of(upload(designer, b"", **sent))
    assert "1 issuer has it as its logo." in page
    assert "<h2>Logo</h2>" in page
    assert page.count("data:image/svg+xml") == 2


def test_a_new_version_that_nothing_uses(course, template, designer):
    configure.save_asset("plain", "plain.pdf", template)
    assert "Nothing uses it." in text_of(upload(designer, template + b"\n%"))


def test_versions_are_found_by_whether_they_are_current(used, designer):
    upload(designer, used + b"\n%")

    def found(chosen):
        response = designer.get(at("credentialasset_changelist"), {"current": chosen})
        return [one.version for one in response.context["cl"].result_list]

    assert (found("yes"), found("no"), found("")) == ([1], [2], [2, 1])


def test_an_assets_page_names_the_first_of_many_that_use_it(course, operator):
    configure.save_asset("logo", "logo.svg", DRAWING)
    for number in range(25):
        configure.save_issuer(f"issuer-{number:02}", name="Test", organisation=f"O{number}", logo="logo")
    page = text_of(operator.get(at("credentialasset_change", CredentialAsset.objects.get().pk)))
    assert "25 issuers have it as their logo." in page
    assert "the issuer 'issuer-19'" in page
    assert "issuer-20" not in page
    assert "and 5 more" in page


def test_a_file_that_is_the_first_of_its_name_is_current_at_once(used, designer):
    response = upload(designer, used, slug="other")
    assert "was added successfully" in said(response)[0]
    assert CredentialAsset.objects.get(slug="other").current


def test_a_version_begins_on_a_date_in_the_sites_time_zone_and_that_is_taken_back(used, designer, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    upload(designer, used + b"\n%")
    waiting = CredentialAsset.objects.get(version=2)
    assert "The time zone is Asia/Tokyo." in text_of(designer.get(at("credentialasset_ask", waiting.pk, "activate")))
    assert "nothing to be done" in said(ask(designer, waiting, "call-off"))[0]
    told = said(ask(designer, waiting, "activate", on="2100-01-15T09:00"))
    assert told == ["Version 2 begins on 15 Jan. 2100, 09:00 Asia/Tokyo."]
    waiting.refresh_from_db()
    assert waiting.activates.isoformat() == "2100-01-15T00:00:00+00:00"
    page = text_of(designer.get(at("credentialasset_change", waiting.pk)))
    assert "15 Jan. 2100, 09:00 Asia/Tokyo" in page
    assert "Do not activate…" in page
    assert said(ask(designer, waiting, "call-off")) == ["Version 2 does not begin by itself any more."]
    waiting.refresh_from_db()
    assert waiting.activates is None
    assert Act.objects.latest("pk").verb == "not to be activated"


def test_a_file_is_seen_and_fetched_to_be_changed(used, designer, person):
    asset = CredentialAsset.objects.get()
    page = text_of(designer.get(at("credentialasset_change", asset.pk)))
    assert "data:image/webp" in page
    address = at("credentialasset_file", asset.pk)
    assert address in page
    fetched = designer.get(address)
    assert fetched.content == used
    assert fetched["Content-Disposition"] == 'attachment; filename="plain.pdf"'
    configure.save_asset("logo", "logo.svg", DRAWING)
    logo = CredentialAsset.objects.get(slug="logo")
    assert "data:image/svg+xml;base64" in text_of(designer.get(at("credentialasset_change", logo.pk)))
    assert designer.get(at("credentialasset_file", logo.pk))["Content-Type"] == "application/octet-stream"
    viewer = person("viewer", "view_credentialasset")
    seen = text_of(viewer.get(at("credentialasset_change", asset.pk)))
    assert "data:image/webp" in seen
    assert address not in seen
    assert viewer.get(address).status_code == 403


# People


def test_an_award_by_hand(course, saved, teacher):
    course.learner("ana", completion="0")
    response = ask(teacher, saved, "award", learners="ana\nnobody", reason="an oral exam", earned="2026-05-12")
    assert "1 credential was awarded." in said(response)
    assert "Take no part here, and were left out: nobody" in said(response)
    assert "Recognised: Ana (ana)" in said(response)
    made = Credential.objects.get()
    assert f"{made.earned:%Y-%m-%d}" == "2026-05-12"
    assert made.evidence["facts"][0]["key"] == "awarded by"
    assert not made.notify


def test_a_day_of_an_award_is_the_configurations_own_and_a_later_one_is_refused_at_its_field(course, saved, teacher):
    CredentialConfiguration.objects.update(time_zone="Pacific/Auckland")
    course.learner("ana", completion="0")
    for wrong in ("2062-05-12", "9999-12-31", "0026-05-12"):
        response = ask(teacher, saved, "award", learners="ana", reason="an oral exam", earned=wrong)
        (line,) = response.context["form"].errors["earned"]
        assert "is not accepted; write a day from 1900 until today" in line
        assert "in Pacific/Auckland" in line
    assert not Credential.objects.exists()
    ask(teacher, saved, "award", learners="ana", reason="an oral exam", earned="2026-05-12")
    assert Credential.objects.get().earned == datetime(2026, 5, 12, tzinfo=UTC)  # noon there


def test_lists_of_who_always_and_who_never(course, saved, teacher):
    course.learners(2)
    course.learner("far", completion="0.1")
    response = ask(teacher, saved, "always", learners="far", reason="an exception")
    assert said(response) == ["1 learner is always given one.", "Recognised: Far (far)"]
    ask(teacher, saved, "never", learners="learner-0", reason="copied")
    course.run()
    assert {one.learner.key for one in Credential.objects.all()} == {"far", "learner-1"}
    ask(teacher, saved, "rule", learners="learner-0", reason="a mistake")
    course.run()
    assert Credential.objects.count() == 3
    assert Candidate.objects.exclude(verdict="").count() == 1


def test_whoever_teaches_says_nothing_of_anybody_who_takes_no_part(course, saved, theirs, teacher):
    course.learner("ana", name="Ana Ñandú", email="ana@example.com")
    Learner.objects.filter(key="zoe").update(email="zoe@example.com", name="Zoe Ō")
    for what in ("award", "always", "never", "rule"):
        Candidate.objects.all().delete()
        if what == "rule":
            release.bar(saved, ["ana"], by=None, reason="x")
        told = [
            [each.replace(who, "…") for each in said(ask(teacher, saved, what, learners=who, reason="x"))]
            for who in ("zoe", "zoe@example.com", "nobody", "nobody@example.com")
        ]
        assert told == [["Take no part here, and were left out: …"]] * 4, what
    assert not Credential.objects.exists()
    assert not Candidate.objects.filter(learner__key="zoe").exists()
    assert teacher.get(at("learner_change", Learner.objects.get(key="zoe").pk)).status_code != 200


def test_people_are_found_by_their_address_and_named(course, saved, teacher, person):
    course.learner("ana", name="Ana Ñandú", email="ana@example.com")
    course.learner("bo", email="both@example.com")
    course.learner("cy", email="both@example.com")
    response = ask(teacher, saved, "award", learners="Ana@example.com\nana\nboth@example.com", reason="an exam")
    assert said(response) == [
        "Take no part here, and were left out: both@example.com",
        "1 credential was awarded.",
        "Recognised: Ana Ñandú (ana)",
    ]
    assert "Ana" not in LogEntry.objects.get().change_message
    everywhere = person("dean", "change_credentialconfiguration")
    assert "Not known, and left out: nobody" in said(ask(everywhere, saved, "never", learners="nobody", reason="x"))[0]


def test_who_took_part_once_can_still_be_refused(course, saved, teacher):
    course.learner("ana")
    course.run_and_generate()
    RosterEntry.objects.all().delete()
    assert "1 learner is never given one." in said(ask(teacher, saved, "never", learners="ana", reason="copied"))


def test_all_are_issued_again_after_the_numbers_were_told(course, saved, teacher):
    course.learners(3)
    course.run_and_generate()
    configure.save_type("Completion", processor="completion", processor_options={"required_completion": 0.8},
        generators={"certificate": {"generator": "text"}}, wording={"subject": "Yours"})  # fmt: skip
    page = teacher.get(at("credentialconfiguration_ask", saved.pk, "reissue"))
    assert [way.to_reissue for way in page.context["numbers"]] == [3, 0, 3]
    response = ask(teacher, saved, "reissue", design="current", reason="another wording")
    assert "3 credentials are issued again." in said(response)
    assert Reissue.objects.get().by_name == "teacher"


def test_a_reissue_is_followed_and_cancelled(course, saved, teacher, person, settings):
    settings.CONFERRAL_BATCH_SIZE = 1
    course.learners(3)
    course.run_and_generate()
    Learner.objects.update(name="Somebody")
    ask(teacher, saved, "reissue", design="same", names="on", reason="a wrong table")
    asked = Reissue.objects.get()
    assert teacher.get(at("reissue_progress", asked.pk)).json()["said"] == "It is about to begin."
    reissue.carry_out_batch(asked.pk)
    told = teacher.get(at("reissue_progress", asked.pk)).json()
    assert (told["going_on"], told["said"]) == (True, "1 of 3 are issued again.")
    assert "<progress" in text_of(teacher.get(at("reissue_change", asked.pk)))
    assert teacher.get(at("reissue_changelist"), {"q": COURSE}).context["cl"].result_count == 1
    assert person("nobody").post(at("reissue_ask", asked.pk, "cancel")).status_code in (302, 403)
    assert "1 of 3 are issued again, and stay" in text_of(teacher.get(at("reissue_ask", asked.pk, "cancel")))
    assert "was cancelled" in said(ask(teacher, asked, "cancel"))[0]
    assert not reissue.carry_out_batch(asked.pk)
    assert Act.objects.get(verb="cancelled").by == teacher.user
    assert teacher.get(at("reissue_progress", asked.pk)).json()["going_on"] is False


def test_a_reissue_is_cancelled_by_a_command_too(course, saved):
    course.learners(2)
    course.run_and_generate()
    Learner.objects.update(name="Somebody")
    asked = reissue.start(reissue.Wish(saved, names=True), by=None, reason="x")
    call_command("conferral", "cancel", COURSE, reissue=True)
    asked.refresh_from_db()
    assert asked.status == Reissue.Status.CANCELLED


# Rules in plain fields


def test_opening_and_guards_are_plain_fields(saved, teacher):
    address = at("credentialconfiguration_change", saved.pk)
    sent = {
        "enabled": "on", "time_zone": "UTC", "when_how": "hand", "opens": "after_end", "opens_days": "3", "stop": "30",
        "guard": "on", "guard_learners": "10", "guard_share": "12.5", "wait": "7", "wait_unit": "day", "review": "on",
    }  # fmt: skip
    response = teacher.post(address, sent, follow=True)
    assert said(response)[0] == "Without an end date it does not open: give the course one"
    assert "was changed successfully" in said(response)[-1]
    saved.refresh_from_db()
    assert saved.opening == {"after_end": 3, "stop": 30}
    assert saved.guards == {"learners": 10, "share": 0.125, "wait": "7 days", "review": True}
    form = teacher.get(address).context["adminform"].form
    assert (form["guard_share"].value(), form["opens"].value()) == ("12.5", "after_end")
    for wrong, field in (
        ({"wait": "soon"}, "wait"),
        ({"opens_days": ""}, "opens_days"),
        ({"stop": "1"}, "stop"),
        ({"guard_share": "120"}, "guard_share"),
    ):
        errors = teacher.post(address, sent | wrong).context["adminform"].form.errors
        assert list(errors) == [field], errors
    teacher.post(address, {"time_zone": "UTC", "when_how": "hand", "guard": "on"})
    saved.refresh_from_db()
    assert (saved.opening, saved.guards, guards.of(saved)) == ({}, {}, guards.Guards())


# Who may


def test_nothing_is_asked_of_another_course(course, theirs, teacher, person):
    run = runs.ask(theirs, by=None)
    asked = dry_run.start(theirs, by=None)
    dry_run.carry_out(asked.pk)
    clients = (teacher, Client(), person("learner"), person("viewer", "view_run", "view_credentialconfiguration"))
    for client in clients:
        for what in ("run", "dry", "award", "always", "never", "reissue"):
            path = at("credentialconfiguration_ask", theirs.pk, what)
            for response in (client.get(path), client.post(path, {"learners": "zoe", "reason": "x"})):
                assert response.status_code in (302, 403)
                assert "/login/" in response.get("Location", "/login/")
        assert client.post(at("run_ask", run.pk, "cancel"), {"reason": "x"}).status_code in (302, 403)
    for client in clients[:3]:
        for page in ("change", "csv", "progress", "cancel"):
            assert client.get(at(f"dryrun_{page}", asked.pk)).status_code in (302, 403)
        assert client.get(at("run_progress", run.pk)).status_code in (302, 403)
    run.refresh_from_db()
    assert run.status == Run.Status.ASKED
    assert not Credential.objects.exists()
    assert not Candidate.objects.exists()


def test_a_learners_page_leads_to_what_they_hold(course, saved, theirs, teacher, person):
    course.learner("zoe")
    course.run()
    theirs_run = runs.run(theirs, trigger=Run.Trigger.COMMAND)
    zoe = Learner.objects.get(key="zoe")
    mine, other = Credential.objects.get(learner=zoe, configuration=saved), Credential.objects.get(run=theirs_run)
    page = at("learner_change", zoe.pk)
    shown = teacher.get(page).content.decode()
    assert at("credential_change", mine.pk) in shown
    assert at("credential_change", other.pk) not in shown, "of somebody else's course"
    assert "Completion · Testing · " in text_of(teacher.get(page))
    everything = person("operator", "view_learner", "view_credential").get(page).content.decode()
    assert at("credential_change", other.pk) in everything
    assert at("credential_change", mine.pk) not in person("registrar", "view_learner").get(page).content.decode()


def test_nothing_unknown_is_asked(saved, teacher):
    assert teacher.get(at("credentialconfiguration_ask", saved.pk, "nothing")).status_code == 404
    assert teacher.get(at("credentialconfiguration_ask", 999, "run")).status_code == 403
    CredentialConfiguration.objects.update(enabled=False)
    assert "nothing to be done" in said(ask(teacher, saved, "run"))[0]


def test_progress_is_json(saved, teacher):
    run = runs.ask(saved, by=teacher.user)
    answer = teacher.get(at("run_progress", run.pk))
    assert json.loads(answer.content).keys() == {"going_on", "share", "said", "evaluated"}
