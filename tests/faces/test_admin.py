"""The admin, seen from outside: who may open what, and what comes of what people write in it."""

import json
import re
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from celery import Celery, current_app
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from conferral import access, assets, models
from conferral.issuance import configure, correct, dry_run, history, reissue, removal, standstill, wishes
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.run import asked
from conferral.lms.roster import RosterGateway
from conferral.models import (
    Candidate,
    Context,
    Credential,
    CredentialArtifact,
    CredentialAsset,
    CredentialConfiguration,
    CredentialType,
    Delivery,
    Issuer,
    Learner,
    Reissue,
    Run,
    Standstill,
)
from conferral.models.verification import shown
from tests.conftest import COURSE
from tests.faces.conftest import address

PARTS = {"EditionAsset", "DryRunRow", "NameWord"}
"""What is shown with something else, or is there for searches."""
LIST = [f"admin:conferral_{name.lower()}_changelist" for name in sorted({*models.__all__} - PARTS)]
COMMITTED = pytest.mark.django_db(transaction=True)
"""Workers are woken once all is saved, which a test within one transaction never sees."""


@pytest.fixture
def broker():
    """`broker(url)`: messages go to that broker."""
    before = current_app._get_current_object()

    def at(url, *, eager=False):
        app = Celery("faces", broker=url)
        app.conf.task_always_eager = eager
        app.set_current()

    yield at
    before.set_current()


@pytest.fixture(autouse=True)
def _in_memory(broker):
    broker("memory://")


@pytest.fixture
def operator(person):
    return person("operator", is_staff=True, is_superuser=True)


@pytest.fixture
def instructor(person):
    return person("instructor", *access.TEACHERS_MAY)


@pytest.fixture
def person(person, django_user_model):
    """As in the other faces, where nobody is a superuser."""

    def signed_in(username, *rights, is_staff=False, is_superuser=False):
        client = person(username, *rights)
        if is_staff:
            django_user_model.objects.filter(pk=client.user.pk).update(is_staff=True, is_superuser=is_superuser)
        return client

    return signed_in


def page(name, *args):
    return reverse(f"admin:conferral_{name}", args=args)


def add(client, model, /, **values):
    return client.post(page(f"{model}_add"), values, follow=True)


def when(text):
    """The fields of a schedule: `every 7 days`, `weekly 1,3 03:00`, `0 3 1 * *`, `2026-05-12T09:00`, or nothing."""
    match text.split():
        case []:
            return {"when_how": "hand"}
        case ["every", number, unit]:
            return {"when_how": "every", "when_number": number, "when_unit": unit.rstrip("s")}
        case ["weekly", days, time]:
            return {"when_how": "weekly", "when_days": days.split(","), "when_time": time}
        case [at] if "-" in at:
            return {"when_how": "once", "when_at": at}
        case _:
            return {"when_how": "crontab", "when_crontab": text}


def change(client, obj, /, **values):
    """What a person sends who opened the page and changed those fields."""
    address = page(f"{obj._meta.model_name}_change", obj.pk)
    form = client.get(address).context["adminform"].form
    present = {}
    for bound in form:
        value = bound.value()
        shown_as = bound.field.widget.format_value(value) if hasattr(bound.field.widget, "format_value") else value
        if bound.widget_type == "adminsplitdatetime":
            continue
        if value is False or shown_as is None:
            continue
        if isinstance(value, dict) and "how" in value:
            present |= {f"{bound.html_name}_{part}": each for part, each in value.items()}
            continue
        present[bound.html_name] = "on" if value is True else shown_as
    return client.post(address, present | values, follow=True)


def act(client, name, action, *objects):
    """Chosen in the list, and confirmed where a page asks."""
    chosen = {"action": action, "_selected_action": [one.pk for one in objects]}
    response = client.post(page(f"{name}_changelist"), chosen, follow=True)
    if name != "credentialconfiguration" or "button" not in response.context:
        return response
    return client.post(page(f"{name}_changelist"), chosen | {"confirmed": response.context["button"]}, follow=True)


def errors(response):
    """Of the form, by field; empty when it was saved."""
    context = response.context
    form = context["adminform"].form if "adminform" in context else context.get("form")
    return {name: [str(each) for each in found] for name, found in form.errors.items()} if form else {}


def said(response):
    return [str(message) for message in response.context["messages"]]


def text_of(response):
    return unescape(response.content.decode())


def configuration(**changes):
    return {
        "context_key": COURSE,
        "type": CredentialType.objects.get(name="Completion").pk,
        "enabled": "on",
        "time_zone": "Europe/Paris",
        **when("every 7 days"),
    } | changes


@pytest.fixture
def kind(course):
    """A type without a configuration."""
    configure.save_type(
        "Completion",
        processor="completion",
        processor_options={"required_completion": 0.8},
        generators={"certificate": {"generator": "text"}},
    )
    return CredentialType.objects.get()


# Who may open what


def test_every_model_is_there():
    registered = {model.__name__ for model in admin.site._registry if model._meta.app_label == "conferral"}
    assert registered == set(models.__all__) - PARTS
    assert registered | PARTS == {model.__name__ for model in apps.get_app_config("conferral").get_models()}


def test_nobody_comes_in_without_being_staff(stranger, person):
    for client in (stranger, person("ana")):
        for name in LIST:
            assert client.get(reverse(name)).status_code == 302


def test_staff_without_rights_see_nothing(person):
    client = person("secretary", is_staff=True)
    assert [client.get(reverse(name)).status_code for name in LIST] == [403] * len(LIST)


def everything(issued):
    """At least one of each."""
    configure.save_issuer("site", name="Test University")
    standstill.pause("an exercise")
    Delivery.objects.get_or_create(credential=issued, purpose="issued")
    history.record("looked at", issued, by="the command line")
    Candidate.objects.create(configuration=issued.configuration, learner=issued.learner, verdict="always")
    dry_run.start(issued.configuration, by=None)
    wishes.ask_for_name(issued, "Ana Vidal")
    models.Reissue.objects.create(configuration=issued.configuration, reason="x", asked=timezone.now())


def pages_of(model_admin):
    name = f"admin:conferral_{model_admin.opts.model_name}"
    yield f"{name}_changelist", ()
    yield f"{name}_change", (model_admin.model._default_manager.first().pk,)
    yield f"{name}_history", (model_admin.model._default_manager.first().pk,)


def test_a_superuser_opens_every_page(issued, operator):
    everything(issued)
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label != "conferral":
            continue
        for name, args in pages_of(model_admin):
            assert operator.get(reverse(name, args=args)).status_code == 200, name
        added = operator.get(reverse(f"admin:conferral_{model._meta.model_name}_add")).status_code
        deleted = operator.get(page(f"{model._meta.model_name}_delete", args_of(model))).status_code
        editable = {CredentialConfiguration, CredentialType, CredentialAsset, Issuer, Context}
        assert (added, deleted) == {
            True: (200, 200),
            # The stop is there already.
            False: (403, 200) if model is Standstill else (403, 403),
        }[model in editable], model


def args_of(model):
    return model._default_manager.first().pk


def test_who_may_only_look_sees_every_page_and_changes_nothing(issued, person):
    everything(issued)
    viewer = person("viewer", *(f"view_{name.lower()}" for name in models.__all__))
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label == "conferral":
            for name, args in pages_of(model_admin):
                assert viewer.get(reverse(name, args=args)).status_code == 200, name
            assert viewer.get(page(f"{model._meta.model_name}_add")).status_code == 403
    response = viewer.get(page("credential_changelist"))
    assert "Revoke…" not in text_of(response)
    assert viewer.get(page("credential_revoke"), {"ids": issued.pk}).status_code == 403
    assert viewer.post(f"{page('credential_revoke')}?ids={issued.pk}", {"reason": "x"}).status_code == 403


def test_an_instructor_configures_and_makes_no_types(kind, instructor):
    assert add(instructor, "credentialconfiguration", **configuration()).status_code == 200
    assert CredentialConfiguration.objects.get().schedule == {"every": "7 days"}
    assert instructor.get(page("credentialtype_add")).status_code == 403
    assert instructor.get(page("credentialtype_change", kind.pk)).status_code == 200
    assert instructor.post(page("credentialtype_change", kind.pk), {"name": "x"}).status_code == 403
    assert instructor.get(page("credentialconfiguration_delete", args_of(CredentialConfiguration))).status_code == 403


# Configurations


def test_a_configuration_is_saved_with_its_times(kind, instructor):
    response = add(instructor, "credentialconfiguration", **configuration(**when("0 3 * * 1"), printed='{"hours": 40}'))
    assert "was added successfully" in said(response)[0]
    saved = CredentialConfiguration.objects.get()
    assert (saved.schedule, saved.time_zone, saved.enabled) == ({"crontab": "0 3 * * 1"}, "Europe/Paris", True)
    assert saved.fields == {"hours": 40}
    assert (saved.next_run_at is not None, saved.periodic_task.enabled) == (True, True)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.is_addition()) == (str(saved.pk), True)
    shown_there = text_of(instructor.get(page("credentialconfiguration_change", saved.pk)))
    next_ones = r"\d+ \w+\.? \d{4}, 03:00 Europe/Paris"
    assert len(re.findall(next_ones, shown_there)) == 1  # the form tells the others


@pytest.mark.parametrize(
    ("written", "schedule", "words"),
    [
        ("every 7 days", {"every": "7 days"}, "every 7 days"),
        ("every 1 day", {"every": "1 day"}, "every day"),
        ("every 1 hour", {"every": "1 hour"}, "every hour"),
        ("every 10080 minutes", {"every": "10080 minutes"}, "every 10080 minutes"),
        ("weekly 1 3:00", {"crontab": "0 3 * * 1"}, "Monday at 03:00"),
        ("weekly 4,0,1 23:59:00", {"crontab": "59 23 * * 0,1,4"}, "Mon, Thu, Sun at 23:59"),
        ("0 3 1 * *", {"crontab": "0 3 1 * *"}, "0 3 1 * *"),
        ("2099-05-12T09:00", {"at": "2099-05-12T09:00:00+02:00"}, "once on 2099-05-12 09:00"),
        ("2099-01-12T09:00:30Z", {"at": "2099-01-12T09:00:30+00:00"}, "once on 2099-01-12 10:00:30"),
        ("", {}, "by hand"),
    ],
)
def test_when_is_read_back_as_it_was_chosen(kind, operator, written, schedule, words):
    assert errors(add(operator, "credentialconfiguration", **configuration(**when(written)))) == {}
    saved = CredentialConfiguration.objects.get()
    assert saved.schedule == schedule
    assert words in text_of(operator.get(page("credentialconfiguration_changelist")))
    assert errors(change(operator, saved)) == {}
    saved.refresh_from_db()
    assert saved.schedule == schedule


def test_the_form_begins_with_every_day(kind, instructor):
    form = instructor.get(page("credentialconfiguration_add")).context["adminform"].form
    begun = form["when"].value()
    assert (begun["how"], begun["number"], begun["unit"]) == ("every", "1", "day")
    assert form["time_zone"].value() == settings.TIME_ZONE


def test_what_happened_already_can_still_be_saved(course, operator):
    past = (timezone.now() - timedelta(days=3)).isoformat()
    saved = course.configure()
    CredentialConfiguration.objects.update(schedule={"at": past})
    saved.refresh_from_db()
    assert errors(change(operator, saved, printed='{"hours": 2}')) == {}
    saved.refresh_from_db()
    assert (saved.schedule, saved.fields) == ({"at": past}, {"hours": 2})


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        (when("99 3 * * 1"), "when", "'99 3 * * 1' is not accepted: write minute, hour"),
        (when("0 0 30 2 *"), "when", "'0 0 30 2 *' never fires"),
        (when("sometimes"), "when", "'sometimes' is not accepted: write minute, hour"),
        ({"when_how": "crontab"}, "when", "Write minute, hour, day of the month"),
        (when("every 0 weeks"), "when", "Write a number from 1 to 9999"),
        (when("every 10000 weeks"), "when", "Write a number from 1 to 9999"),
        (when("every 2 aeons"), "when", "choose a unit"),
        ({"when_how": "weekly", "when_time": "03:00"}, "when", "Check at least one day"),
        (when("weekly 1 25:00"), "when", "write the time like 03:00"),
        (when("weekly 9 03:00"), "when", "Check at least one day"),
        ({"when_how": "sometimes"}, "when", "Choose when it runs"),
        (when("2099-05-12"), "when", "is no date and time; write it like"),
        (when("2099-13-12T09:00"), "when", "is no date and time"),
        (when("2001-01-01T09:00"), "when", "This is past"),
        ({"time_zone": "Mars/Phobos"}, "time_zone", "“Mars/Phobos” is no time zone; choose one"),
        ({"context_key": "CS101"}, "context_key", "This is no key; it looks like course-v1"),
        ({"context_key": "course-v1:No+Such+1"}, "context_key", "There is none with this key."),
        ({"context_key": "course-v1:A+B+\x07"}, "context_key", "a control character (U+0007)"),
        ({"processor_options": '{"required": 1}'}, "processor_options", "processor_options.required: unknown key"),
        ({"processor_options": "{"}, "processor_options", "Enter a valid JSON."),
        ({"processor_options": "[1]"}, "processor_options", "Write names with values in curly brackets"),
        ({"processor_options": '{"a": 1, "a": 2}'}, "processor_options", "a is there twice"),
        ({"processor_options": '{"a": NaN}'}, "processor_options", "NaN is no number"),
        ({"processor_options": '{"a": "\\u0000"}'}, "processor_options", "cannot be stored"),
        ({"processor_options": "[" * 100_000}, "processor_options", "This is not accepted as JSON"),
        ({"step_options": '{"course-v1:A+B+C": {}}'}, "step_options", "is no step of"),
        ({"step_options": '{"course-v1:A+B+C": 1}'}, "step_options", "Write names with curly brackets each"),
        ({"generators": '{"certificate": {"generator": "gold"}}'}, "generators", "'gold' is not installed"),
        ({"printed": '{"hours": [1]}'}, "printed", "hours: this cannot be printed"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(kind, operator, changes, field, says):
    response = add(operator, "credentialconfiguration", **configuration(**changes))
    found = errors(response)
    assert list(found) == [field]
    assert len(found[field]) == 1
    assert says in found[field][0]
    assert not CredentialConfiguration.objects.exists()


def test_a_second_configuration_of_the_same_is_refused(course, operator):
    course.configure()
    found = errors(add(operator, "credentialconfiguration", **configuration()))
    assert "is configured in this course already" in found["__all__"][0]
    assert CredentialConfiguration.objects.get().schedule == {}


def test_what_it_is_for_stays(course, operator):
    saved = course.configure()
    assert errors(change(operator, saved, context_key="course-v1:Other+O1+1", **when("every 2 hours"))) == {}
    saved.refresh_from_db()
    assert (saved.context_key, saved.schedule) == (COURSE, {"every": "2 hours"})


def test_switching_on_and_off(course, instructor):
    saved = course.configure(schedule={"every": "1 day"}, step_options={}, time_zone="Europe/Paris")
    assert said(act(instructor, "credentialconfiguration", "disable", saved)) == ["1 configuration was switched off."]
    off = CredentialConfiguration.objects.get()
    assert (off.enabled, off.next_run_at, off.schedule) == (False, None, {"every": "1 day"})
    assert said(act(instructor, "credentialconfiguration", "enable", saved)) == ["1 configuration was switched on."]
    on = CredentialConfiguration.objects.get()
    assert (on.enabled, on.next_run_at is not None, on.time_zone) == (True, True, "Europe/Paris")


def test_a_list_asks_before_anything_is_done(course, instructor):
    course.learners(3)
    saved = course.configure(schedule={"every": "1 day"})
    course.run()
    address = page("credentialconfiguration_changelist")
    for action, button in (("run_now", "Run 1 configuration"), ("disable", "Disable 1 configuration")):
        chosen = {"action": action, "_selected_action": [saved.pk], "select_across": "1"}
        asked = instructor.post(address, chosen)
        assert f'value="{button}"' in text_of(asked)
        assert "(3 learners at its last run)" in text_of(asked)
        assert 'name="select_across" value="1"' in text_of(asked)
    assert Run.objects.count() == 1
    assert CredentialConfiguration.objects.get().enabled


def test_one_that_cannot_run_stays_off_and_says_why(course, instructor):
    saved = course.configure()
    CredentialConfiguration.objects.update(enabled=False, processor_options={"required": 1})
    told = said(act(instructor, "credentialconfiguration", "enable", saved))
    assert "unknown key" in told[0]
    assert not CredentialConfiguration.objects.get().enabled


def test_one_that_has_issued_stays(course, operator):
    course.learner("ana")
    saved = course.configure()
    course.run_and_generate()
    response = operator.post(page("credentialconfiguration_delete", saved.pk), {"post": "yes"}, follow=True)
    assert "has issued 1 credentials; switch it off instead" in said(response)[0]
    assert CredentialConfiguration.objects.exists()


def test_one_that_has_issued_nothing_goes_with_its_runs(course, operator):
    saved = course.configure(schedule={"every": "1 day"})
    course.run()
    response = operator.post(page("credentialconfiguration_delete", saved.pk), {"post": "yes"}, follow=True)
    assert "was deleted successfully" in said(response)[0]
    assert not CredentialConfiguration.objects.exists()
    assert not Run.objects.exists()
    assert LogEntry.objects.get().is_deletion()


def test_many_are_never_deleted_at_once(course, operator):
    saved = course.configure()
    for name in ("credentialconfiguration", "credentialtype", "context"):
        actions = operator.get(page(f"{name}_changelist")).context["action_form"]
        assert actions is None or "delete_selected" not in dict(actions.fields["action"].choices)
    assert CredentialConfiguration.objects.get() == saved


@COMMITTED
def test_run_now(course, instructor, broker):
    broker("memory://", eager=True)
    course.learner("ana")
    saved = course.configure()
    told = said(act(instructor, "credentialconfiguration", "run_now", saved))
    run = Run.objects.get()
    link = f'<a href="{page("run_change", run.pk)}">'
    assert f"{link}A run was asked for</a>: {saved}" in told[0]
    assert run.status == Run.Status.FINISHED
    assert Credential.objects.get().state == Credential.State.AVAILABLE
    row = text_of(instructor.get(page("credentialconfiguration_changelist")))
    assert f"{link}finished, 1 issued" in row
    every = page("run_changelist") + f"?configuration__id__exact={saved.pk}"
    assert f'<a class="conferral-all" href="{every}">All runs…</a>' in text_of(
        instructor.get(page("credentialconfiguration_change", saved.pk))
    )
    assert list(instructor.get(every).context["cl"].queryset) == [run]


@COMMITTED
def test_run_now_without_a_broker_waits_for_the_sweep(course, instructor, broker):
    broker("amqp://guest@127.0.0.1:1//")
    saved = course.configure()
    told = said(act(instructor, "credentialconfiguration", "run_now", saved))
    assert any("it runs at the next sweep" in each for each in told)
    assert asked() == [Run.objects.get(configuration=saved).pk]


def test_run_now_of_what_stands_still_or_is_off(course, instructor):
    saved = course.configure()
    CredentialConfiguration.objects.update(enabled=False)
    assert "is switched off; enable it first" in said(act(instructor, "credentialconfiguration", "run_now", saved))[0]
    standstill.pause("an exercise")
    assert "Conferral is paused since" in said(act(instructor, "credentialconfiguration", "run_now", saved))[0]


# Types


def credential_type(**changes):
    return {
        "name": "Attendance",
        "processor": "completion",
        "processor_options": '{"required_completion": 0.5}',
        "generators": '{"certificate": {"generator": "text"}}',
        "printed": '{"hours": 40}',
        "printed_date": "issued",
        "kinds": ["course"],
        "years": "2",
        "subject": "Yours: {type}",
    } | changes


def test_a_type_is_saved(db, operator):
    assert errors(add(operator, "credentialtype", **credential_type())) == {}
    saved = CredentialType.objects.get()
    assert (saved.kinds, saved.fields, saved.validity) == (["course"], {"hours": 40}, {"years": 2})
    assert saved.wording == {"subject": "Yours: {type}"}
    form = operator.get(page("credentialtype_change", saved.pk)).context["adminform"].form
    assert form["generators"].value() == json.dumps({"certificate": {"generator": "text"}}, indent=2)
    assert errors(change(operator, saved, years="", body="Dear {name}")) == {}
    saved.refresh_from_db()
    assert (saved.validity, saved.wording) == ({}, {"subject": "Yours: {type}", "body": "Dear {name}"})
    others = {"translations": {"ar": {"subject": "لك: {type}"}}}
    CredentialType.objects.update(wording=saved.wording | others)
    saved.refresh_from_db()
    assert errors(change(operator, saved, body="")) == {}
    saved.refresh_from_db()
    assert saved.wording == {"subject": "Yours: {type}"} | others


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"processor_options": '{"required_completion": 2}'}, "processor_options", "2 is not accepted: write a share"),
        ({"processor": "telepathy"}, "processor", "not one of the available choices"),
        ({"generators": '{"certificate": {"generator": "gold"}}'}, "generators", "'gold' is not installed"),
        ({"generators": '{"certificate": "pdf"}'}, "generators", "Write names with curly brackets each"),
        ({"printed": '{"hours": null}'}, "printed", "hours: this cannot be printed"),
        ({"locale": "klingon"}, "locale", "'klingon' is not known"),
        ({"subject": "{nobody}"}, "subject", "nobody"),
        ({"body": "{nobody}"}, "body", "nobody"),
        ({"years": "-1"}, "years", "greater than or equal to 0"),
        ({"name": "Completion"}, "name", "already exists"),
        ({"name": ""}, "name", "required"),
    ],
)
def test_a_wrong_type_is_refused_at_its_field(kind, operator, changes, field, says):
    found = errors(add(operator, "credentialtype", **credential_type(**changes)))
    assert list(found) == [field]
    assert says in found[field][0]
    assert CredentialType.objects.get() == kind


def test_a_type_that_breaks_what_uses_it_is_refused(course, operator):
    saved = course.configure(kinds=["course"]).type
    found = errors(change(operator, saved, kinds=["pathway"]))
    assert "configuration course-v1:Test+T101+2026" in found["__all__"][0]
    saved.refresh_from_db()
    assert saved.kinds == ["course"]


def test_a_type_is_renamed(course, operator):
    saved = course.configure().type
    assert errors(change(operator, saved, name="Attendance", printed='{"hours": 2}')) == {}
    saved.refresh_from_db()
    assert (saved.name, saved.fields) == ("Attendance", {"hours": 2})
    assert CredentialType.objects.count() == 1


def test_a_rule_that_is_not_installed_any_more_stays_visible(kind, operator):
    CredentialType.objects.update(processor="telepathy")
    assert "telepathy (not installed)" in text_of(operator.get(page("credentialtype_changelist")))
    response = operator.get(page("credentialtype_change", kind.pk))
    assert ("telepathy", "telepathy (not installed)") in response.context["adminform"].form.fields["processor"].choices
    kind.refresh_from_db()
    assert "'telepathy' is not installed" in errors(change(operator, kind))["processor"][0]


def test_a_type_in_use_stays(course, operator):
    saved = course.configure().type
    response = operator.post(page("credentialtype_delete", saved.pk), {"post": "yes"}, follow=True)
    assert "is used by 1 configurations" in said(response)[0]
    removal.delete_configuration(COURSE, "Completion")
    operator.post(page("credentialtype_delete", saved.pk), {"post": "yes"})
    assert not CredentialType.objects.exists()


# Assets, issuers, contexts


def upload(client, content, *, slug="classic", name="classic.pdf"):
    return add(client, "credentialasset", slug=slug, file=SimpleUploadedFile(name, content), description="Classic")


def files_in_storage():
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"]) / "assets"
    return {path for path in root.rglob("*") if path.is_file()}


def test_an_upload_and_its_next_version(operator, template):
    before = files_in_storage()
    assert errors(upload(operator, template)) == {}
    assert "no new version was made" in said(upload(operator, template))[0]
    assert errors(upload(operator, template + b"\n%")) == {}
    assert list(CredentialAsset.objects.order_by("pk").values_list("version", "current")) == [(1, True), (2, None)]
    assert len(files_in_storage() - before) == 2
    version = CredentialAsset.objects.first()
    assert operator.post(page("credentialasset_change", version.pk), {"description": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("content", "upload_as", "field", "says"),
    [
        (b"%PDF-1.7 broken", {}, "file", "classic.pdf "),
        (b"MZ", {"name": "classic.exe"}, "file", "does not end in one of"),
        (b"\x89PNG", {"name": "logo.png"}, "file", "is not a PNG, JPEG or SVG picture"),
        (b"", {}, "file", "empty"),
        (b"x", {"slug": "Not a slug"}, "slug", "Write lower-case letters"),
    ],
)
def test_a_hostile_upload_is_refused_at_its_field(operator, content, upload_as, field, says):
    before = files_in_storage()
    found = errors(upload(operator, content, **upload_as))
    assert list(found) == [field]
    assert says in found[field][0]
    assert not CredentialAsset.objects.exists()
    assert files_in_storage() == before


def test_too_large_an_upload_is_refused_before_it_is_read(operator, monkeypatch):
    monkeypatch.setattr(assets, "MAX_BYTES", 10)
    monkeypatch.setattr(assets, "upload", None)
    assert "too large; at most 10" in errors(upload(operator, b"x" * 11))["file"][0]


def test_an_asset_in_use_stays_and_another_goes_with_its_versions(issued, operator, template):
    used = CredentialAsset.objects.get()
    response = operator.post(page("credentialasset_delete", used.pk), {"post": "yes"}, follow=True)
    assert "is used by the type 'Completion'" in said(response)[0]
    upload(operator, template)
    upload(operator, template + b"\n%")
    other = CredentialAsset.objects.filter(slug="classic").first()
    asked = text_of(operator.get(page("credentialasset_delete", other.pk)))
    assert "classic (version 1)" in asked
    assert "classic (version 2)" in asked
    operator.post(page("credentialasset_delete", other.pk), {"post": "yes"})
    assert CredentialAsset.objects.get() == used


def test_an_issuer(db, operator):
    assert errors(add(operator, "issuer", slug="site", name="Test University", primary="#1b2a4e")) == {}
    saved = Issuer.objects.get()
    assert saved.colours == {"primary": "#1b2a4e"}
    for changes, field, says in (
        ({"primary": "blue"}, "primary", "'blue' is not accepted"),
        ({"sender": "nobody"}, "sender", "'nobody' is not accepted"),
        ({"logo": "gone"}, "logo", "not one of the available choices"),
    ):
        found = errors(change(operator, saved, **changes))
        assert list(found) == [field]
        assert says in found[field][0]
    found = errors(add(operator, "issuer", slug="other", name="Other"))
    assert "'site' is the issuer without an organisation already" in found["organisation"][0]
    assert errors(change(operator, saved, name="Another", slug="other")) == {}
    saved.refresh_from_db()
    assert (saved.slug, saved.name) == ("site", "Another")
    operator.post(page("issuer_delete", saved.pk), {"post": "yes"})
    assert not Issuer.objects.exists()


def test_a_course_and_a_pathway(db, operator):
    course = {"key": COURSE, "name": "Testing", "kind": "course", "percentage": "59.5"}
    assert errors(add(operator, "context", **course, start_0="2026-01-10", start_1="09:00")) == {}
    saved = Context.objects.get()
    assert (str(saved.pass_mark), saved.start) == (
        "0.5950",
        datetime(2026, 1, 10, 9, tzinfo=timezone.get_default_timezone()),
    )
    form = operator.get(page("context_change", saved.pk)).context["adminform"].form
    assert str(form["percentage"].value()) == "59.50"
    pathway = {"key": "path-v1:Test+P+2026+All", "name": "Path", "kind": "pathway"}
    assert "A pathway has steps" in errors(add(operator, "context", **pathway))["steps"][0]
    assert "not a declared course" in errors(add(operator, "context", **pathway, steps="course-v1:A+B+C"))["steps"][0]
    assert errors(add(operator, "context", **pathway, steps=COURSE)) == {}
    assert Context.objects.get(kind="pathway").steps == [COURSE]
    assert "'nonsense' is not a key" in errors(add(operator, "context", **course | {"key": "nonsense"}))["key"][0]
    assert "less than or equal to 100" in errors(change(operator, saved, percentage="101"))["percentage"][0]
    response = operator.post(page("context_delete", saved.pk), {"post": "yes"}, follow=True)
    assert "is a step of path-v1:Test+P+2026+All" in said(response)[0]


def test_the_emergency_stop(db, operator):
    add(operator, "standstill", reason="an exercise")
    stop = standstill.standing()
    assert stop.reason == "an exercise"
    assert add(operator, "standstill", reason="twice").status_code == 403
    operator.post(page("standstill_delete", stop.pk), {"post": "yes"})
    assert standstill.standing() is None


# Credentials


def correct_by(client, how, /, *credentials, **values):
    ids = ",".join(str(one.pk) for one in credentials)
    return client.post(f"{page(f'credential_{how}')}?ids={ids}", values, follow=True)


def test_a_credential_in_words(issued, instructor):
    seen = text_of(instructor.get(page("credential_change", issued.pk)))
    assert shown(issued.verification_id) in seen
    assert f'{address(issued)}"' in seen
    assert "Content completed: 100% (at least 80%)" in seen
    assert "ready" in seen
    assert "certificate.pdf" in seen
    assert 'name="_save"' not in seen


@pytest.mark.parametrize(
    "typed",
    [shown, lambda stored: shown(stored).lower(), lambda stored: f" {shown(stored).replace('-', ' ')} ", str.lower],
)
def test_a_credential_is_found_by_its_number(course, instructor, typed):
    course.learners(3)
    course.configure()
    course.run_and_generate()
    wanted = Credential.objects.all()[1]
    response = instructor.get(page("credential_changelist"), {"q": typed(wanted.verification_id)})
    assert list(response.context["cl"].result_list) == [wanted]


@pytest.mark.parametrize("typed", ["ñandú", "ana", "ana@example"])
def test_a_credential_is_found_by_its_recipient(issued, instructor, typed):
    Learner.objects.filter(key="bo").delete()
    response = instructor.get(page("credential_changelist"), {"q": typed})
    assert list(response.context["cl"].result_list) in ([issued], [])
    assert list(instructor.get(page("credential_changelist"), {"q": "zoe"}).context["cl"].result_list) == []


@pytest.mark.parametrize("state", ["held", "pending", "available", "failed", "revoked", "replaced", "expired"])
def test_lists_are_narrowed_by_state(course, instructor, state):
    course.learners(2)
    course.configure()
    course.run_and_generate()
    one = Credential.objects.first()
    others = {"held", "pending", "available", "failed", "revoked", "replaced", "expired"} - {state}
    changes = {
        "revoked": {"revoked": timezone.now()},
        "replaced": {"current": None},
        "expired": {"expires": timezone.now()},
    }
    Credential.objects.filter(pk=one.pk).update(**changes.get(state, {"state": state}))

    def listed(which):
        return set(instructor.get(page("credential_changelist"), {"is": which}).context["cl"].result_list)

    assert one in listed(state)
    assert not any(one in listed(other) for other in others)


@pytest.mark.parametrize("count", [1, 20])
def test_queries_do_not_grow_with_the_list(course, operator, django_assert_max_num_queries, count):
    course.learners(count)
    course.configure()
    course.run_and_generate()
    for name in ("credential", "credentialartifact", "delivery", "learner", "rosterentry", "run"):
        with django_assert_max_num_queries(8):
            assert operator.get(page(f"{name}_changelist")).status_code == 200
    for number in range(count):
        configure.save_type(f"Type {number}", processor="completion", processor_options={"required_completion": 1})
        configure.save_configuration(COURSE, f"Type {number}")
    for name in ("credentialconfiguration", "credentialtype"):
        with django_assert_max_num_queries(8):
            assert operator.get(page(f"{name}_changelist")).status_code == 200


def test_revoking_asks_for_the_reason_and_names_the_number(issued, instructor):
    asked = act(instructor, "credential", "revoke", issued)
    assert shown(issued.verification_id) in text_of(asked)
    assert "required" in errors(correct_by(instructor, "revoke", issued))["reason"][0]
    assert Credential.objects.get().revoked is None
    response = correct_by(instructor, "revoke", issued, reason="not her own work")
    assert said(response) == ["1 credential was revoked."]
    revoked = Credential.objects.get()
    assert (revoked.revoked_reason, revoked.revoked_by) == ("not her own work", instructor.user)
    assert LogEntry.objects.get().change_message == "Revoked."


def test_revoking_twice_says_so(issued, instructor):
    correct_by(instructor, "revoke", issued, reason="not her own work")
    response = correct_by(instructor, "revoke", issued, reason="again")
    assert "was revoked on" in said(response)[0]
    assert Credential.objects.get().revoked_reason == "not her own work"


@COMMITTED
def test_reissuing_one_with_the_right_name(issued, instructor, broker):
    deliver()
    broker("memory://", eager=True)
    response = correct_by(instructor, "reissue", issued, name="Ana Vidal", design="same", notify="on")
    assert said(response) == ["1 credential was reissued."]
    new = Credential.objects.get(current=True)
    assert (new.recipient_name, new.supersedes, new.state) == ("Ana Vidal", issued, Credential.State.AVAILABLE)
    assert new.deliveries.get().purpose == Delivery.Purpose.CORRECTED
    assert response.redirect_chain[-1][0] == page("credential_change", new.pk)
    response = correct_by(instructor, "reissue", issued, name="Ana Vidal", design="same")
    assert "was replaced by" in said(response)[0]


def buttons(response):
    """Of the ways to issue again: what stands on each, and whether it can be pressed."""
    found = re.findall(r'data-way="(\w+)" value="([^"]+)"( disabled)?', text_of(response))
    return {way: (said_, not off) for way, said_, off in found}


def test_reissuing_several_asks_for_no_name(course, instructor):
    course.learners(2)
    course.configure()
    course.run_and_generate()
    both = list(Credential.objects.all())
    asked = act(instructor, "credential", "reissue", *both)
    assert "name" not in asked.context["form"].fields
    Learner.objects.filter(key="learner-0").update(name="Lea")
    counted = instructor.get(page("credential_reissue"), {"ids": f"{both[0].pk},{both[1].pk}"})
    assert [(way.to_reissue, way.unchanged) for way in counted.context["numbers"]] == [(0, 2), (1, 1), (1, 1)]
    assert buttons(counted) == {
        "design": ("Reissue 0 credentials", False),
        "names": ("Reissue 1 credential", True),
        "both": ("Reissue 1 credential", True),
        "none": ("Reissue 0 credentials", False),
    }
    assert "reason" in errors(correct_by(instructor, "reissue", *both, design="same", names="on"))
    response = correct_by(instructor, "reissue", *both, design="same", names="on", reason="a name was wrong")
    assert said(response) == ["1 credential is issued again."]
    reissue.carry_out(Reissue.objects.get().pk)
    new = Credential.objects.filter(current=True)
    assert {one.recipient_name: one.notify for one in new} == {"Lea": False, "Learner-1": True}
    told = text_of(instructor.get(page("credential_history", new.get(recipient_name="Lea").pk)))
    assert "a name was wrong" in told


def test_reissuing_more_than_an_address_names(course, instructor):
    course.learners(101)
    course.configure()
    course.run_and_generate()
    Learner.objects.update(name="Somebody")
    asked = act(instructor, "credential", "reissue", *Credential.objects.all())
    assert [way.to_reissue for way in asked.context["numbers"]] == [0, 101, 101]
    sent = {"ids": asked.context["ids"], "design": "same", "names": "on", "reason": "all names were wrong"}
    instructor.post(asked.context["address"], sent)
    assert len(Reissue.objects.get().selection) == 101


def test_many_are_asked_about_and_the_number_is_told(course, instructor):
    course.learners(101)
    course.configure()
    course.run_and_generate()
    asked = act(instructor, "credential", "revoke", *Credential.objects.all())
    assert "Revoke 101 credentials" in text_of(asked)
    assert "and 1 more" in text_of(asked)
    sent = {"ids": asked.context["ids"], "reason": "a leaked exam"}
    assert said(instructor.post(asked.context["address"], sent, follow=True)) == ["101 credentials were revoked."]


@pytest.fixture
def held(course):
    """Credentials of two learners that wait to be looked at."""
    course.learners(2)
    course.configure()
    configure.save_configuration(COURSE, "Completion", enabled=True, guards={"review": True})
    course.run()
    return list(Credential.objects.order_by("pk"))


def test_each_that_is_held_is_released_or_refused(held, course, instructor):
    run = Run.objects.get()
    seen = text_of(instructor.get(page("run_change", run.pk)))
    assert f"{page('credential_changelist')}?run__id__exact={run.pk}&is=held" in seen
    offered = instructor.get(page("credential_change", held[0].pk)).context["asks"]
    assert [str(each.title) for _, each in offered] == ["Release", "Refuse"]
    assert "Release 1 credential" in text_of(act(instructor, "credential", "release", held[0]))
    assert said(correct_by(instructor, "release", held[0], notify="on")) == ["1 credential was released."]
    assert "reason" in errors(correct_by(instructor, "refuse", held[1]))
    assert said(correct_by(instructor, "refuse", held[1], reason="copied")) == ["1 credential was refused."]
    assert Credential.objects.get().state == Credential.State.PENDING
    run.refresh_from_db()
    assert (run.status, run.held, run.issued) == (Run.Status.FINISHED, 0, 1)
    assert {act.by for act in history.of(run) if "some" in act.verb} == {instructor.user}
    assert "is not held" in said(correct_by(instructor, "release", held[0]))[0]


def test_who_did_what_is_told_on_every_object(issued, instructor, person):
    correct_by(instructor, "resend", issued)
    CredentialArtifact.objects.update(state=CredentialArtifact.State.FAILED, next_try=None)
    correct_by(instructor, "retry", issued)
    correct_by(instructor, "reissue", issued, name="Ana Vidal", design="same", reason="married")
    told = text_of(instructor.get(page("credential_history", issued.pk)))
    for act in history.of(issued).filter(kind="credential"):
        assert act.by == instructor.user
    for words in ("mail sent again", "tried again", "reissued", "married", "instructor"):
        assert words in told
    assert "created" in text_of(instructor.get(page("credentialconfiguration_history", issued.configuration_id)))
    stranger = person("somebody", "view_run")
    assert stranger.get(page("credential_history", issued.pk)).status_code == 302


def test_the_history_is_searched_and_leads_to_its_objects(issued, operator, person):
    correct.revoke(issued, "copied", by=operator.user)

    def found(**query):
        return {(act.kind, act.verb) for act in operator.get(page("act_changelist"), query).context["cl"].result_list}

    assert found(q=shown(issued.verification_id)) == found(q="ana") == {("credential", "revoked")}
    assert found(q=COURSE) == {("credentialconfiguration", "created")}
    assert ("credential", "revoked") in found(q="operator")
    assert found(kind="credential") == {("credential", "revoked")}
    seen = text_of(operator.get(page("act_changelist"), {"kind": "credential"}))
    assert f'href="{page("credential_change", issued.pk)}"' in seen
    assert page("credential_change", issued.pk) not in text_of(
        person("auditor", "view_act").get(page("act_changelist"))
    )


@COMMITTED
def test_writing_again(issued, instructor, broker, mailoutbox):
    deliver()
    broker("memory://", eager=True)
    assert "Send 1 mail" in text_of(act(instructor, "credential", "resend", issued))
    assert said(correct_by(instructor, "resend", issued)) == ["1 mail is sent again."]
    assert len(mailoutbox) == 2
    Learner.objects.update(email="")
    assert "the learner has no e-mail address" in said(correct_by(instructor, "resend", issued))[0]


def test_trying_again_what_failed(issued, instructor):
    assert "nothing has failed" in said(correct_by(instructor, "retry", issued))[0]
    Delivery.objects.all().delete()
    Credential.objects.update(state=Credential.State.FAILED)
    CredentialArtifact.objects.update(state=CredentialArtifact.State.FAILED, next_try=None)
    assert said(correct_by(instructor, "retry", issued)) == ["1 credential is tried again."]
    generate()
    assert Credential.objects.get().state == Credential.State.AVAILABLE


@COMMITTED
def test_without_a_broker_the_sweep_does_it(issued, instructor, broker):
    broker("amqp://guest@127.0.0.1:1//")
    response = correct_by(instructor, "resend", issued)
    assert response.status_code == 200
    assert any("the work is done by the next sweep" in each for each in said(response))
    assert Delivery.objects.filter(state=Delivery.State.PENDING).exists()


def test_only_what_makes_sense_is_offered(issued, instructor):
    def offered():
        return [str(each.title) for _, each in instructor.get(page("credential_change", issued.pk)).context["asks"]]

    reissued = "Reissue with the current design"
    assert offered() == ["Correct name", "Send the mail again", reissued, "Revoke"]
    correct.revoke(issued, "not her own work")
    assert offered() == [reissued]
    correct.reissue(issued)
    assert offered() == []


@pytest.mark.parametrize("ids", ["", "x", "999999", "1;drop", "٣"])
def test_nothing_chosen_is_said(issued, instructor, ids):
    response = instructor.get(page("credential_revoke"), {"ids": ids}, follow=True)
    assert said(response) == ["No credential was chosen."]


def test_a_name_is_text(issued, instructor):
    Credential.objects.update(recipient_name="<img src=x onerror=alert(1)>", evidence={"facts": []})
    for address_ in (page("credential_changelist"), page("credential_change", issued.pk)):
        assert b"<img src=x" not in instructor.get(address_).content
    assert b"<img src=x" not in act(instructor, "credential", "revoke", issued).content


def test_the_account_is_asked_for_the_right_name(issued, instructor):
    def asked():
        return instructor.get(page("credential_ask", issued.pk, "name"))

    def while_typing(name):
        return text_of(instructor.post(page("credential_account", issued.pk), {"name": name}))

    still = "The imported roster still has the name “Ana Ñandú”. Correct it in the file and import it again"
    assert asked().context["form"]["name"].value() == "Ana Ñandú"
    assert still in while_typing("Ana Vidal")
    assert "<a " not in while_typing("Ana Vidal")
    assert still not in while_typing("Ana Ñandú")
    # Somebody has corrected the roster already.
    Learner.objects.update(name="Ana Vidal")
    assert asked().context["form"]["name"].value() == "Ana Vidal"
    assert "As the account of the learner has it" in text_of(asked())
    assert "still has" not in while_typing("Ana Vidal") + while_typing("Ana Ñandú")
    assert "The imported roster says “Ana Vidal”" in while_typing("Ana V")


def test_an_account_is_linked_where_it_has_a_page(issued, instructor, monkeypatch):
    monkeypatch.setattr(RosterGateway, "profile", lambda _self, learner: f"https://lms.example/u/{learner}")

    def while_typing(name):
        return text_of(instructor.post(page("credential_account", issued.pk), {"name": name}))

    link = f'<a href="https://lms.example/u/{issued.learner.key}">'
    told = while_typing("Ana Vidal")
    assert "The account of the learner still has the name “Ana Ñandú”. Correct it there too" in told
    assert link in told
    Learner.objects.update(name="Ana Vidal")
    told = while_typing("Ana V")
    assert "The account of the learner says “Ana Vidal”" in told
    assert link in told
