"""Conferral as a plugin of the LMS: what the platform's own plugin machinery makes of it."""

import re
import subprocess
import sys
import types

import pytest
from django.core.management import call_command
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from django.test import override_settings
from django.urls import Resolver404, clear_url_caches, path, resolve, reverse
from django_celery_beat.models import PeriodicTask
from edx_django_utils.plugins import (
    connect_plugin_receivers,
    get_plugin_apps,
    get_plugin_url_patterns,
    get_plugins_view_context,
)
from edx_django_utils.plugins.plugin_settings import add_plugins

from campus import Campus, account_of
from conferral import storage
from conferral.api import health
from conferral.issuance import configure
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.run import run
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Delivery, Learner
from openedx.core.djangoapps.user_api.accounts import signals
from tests.lms import story

LMS = "lms.djangoapp"


def settings_of(stage, **site):
    """The settings module of an LMS after its plugins have had their say."""
    module = types.ModuleType(f"lms_settings_{stage}")
    module.INSTALLED_APPS = ["django.contrib.auth"]
    for name, value in site.items():
        setattr(module, name, value)
    sys.modules[module.__name__] = module
    add_plugins(module.__name__, LMS, stage)
    return module


def test_the_platform_finds_the_app():
    assert "conferral.apps.ConferralConfig" in get_plugin_apps(LMS)
    assert get_plugin_apps("cms.djangoapp") == []


def test_common_settings():
    made = settings_of("common", CELERYBEAT_SCHEDULE={"mine": {}})
    assert "django_celery_beat" in made.INSTALLED_APPS
    # The LMS's Celery app reads settings without a namespace.
    assert made.CELERYBEAT_SCHEDULER == "conferral.beat:Scheduler"
    assert set(made.CELERYBEAT_SCHEDULE) == {"mine", "conferral.sweep", "conferral.daily"}
    assert made.CONFERRAL_LMS == "platform"


def test_what_the_site_has_set_stays():
    made = settings_of("common", CELERYBEAT_SCHEDULER="another", INSTALLED_APPS=["django_celery_beat"])
    assert made.CELERYBEAT_SCHEDULER == "another"
    assert made.INSTALLED_APPS.count("django_celery_beat") == 1


def test_files_in_the_site_s_bucket_are_private_and_their_links_signed():
    default = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "lms"}}
    made = settings_of("production", LMS_ROOT_URL="https://lms.example.org", STORAGES={"default": default})
    options = made.STORAGES["conferral"]["OPTIONS"]
    assert (options["default_acl"], options["querystring_auth"], options["custom_domain"]) == ("private", True, None)
    assert options["bucket_name"] == "lms"
    assert made.STORAGES["default"] == default
    assert made.CONFERRAL_PUBLIC_URL == "https://lms.example.org/conferral"


def test_a_storage_that_the_site_has_named_counts():
    """An entry of STORAGES would count before it."""
    own = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "own"}}
    default = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    made = settings_of("production", STORAGES={"default": default}, CONFERRAL_STORAGE=own)
    assert "conferral" not in made.STORAGES
    assert made.CONFERRAL_STORAGE["OPTIONS"] == {"bucket_name": "own"}


def test_a_site_that_names_its_storage_in_the_old_way_keeps_it():
    """Django refuses STORAGES beside DEFAULT_FILE_STORAGE."""
    made = settings_of("production", DEFAULT_FILE_STORAGE="storages.backends.s3boto3.S3Boto3Storage")
    assert not hasattr(made, "STORAGES")
    assert made.CONFERRAL_STORAGE["OPTIONS"]["default_acl"] == "private"


def test_files_without_a_bucket_have_a_folder_among_the_media(settings, tmp_path):
    made = settings_of("production", STORAGES={})
    settings.STORAGES = settings.STORAGES | {"conferral": made.STORAGES["conferral"]}
    settings.MEDIA_ROOT = str(tmp_path)  # set later than ours, as Tutor does
    name = storage.put(b"content", folder="files", suffix=".txt")
    assert (tmp_path / "conferral" / name).read_bytes() == b"content"


def test_settings_of_the_platform_s_tests():
    assert settings_of("test").CONFERRAL_PUBLIC_URL == "http://testserver/conferral"


def test_the_pages_are_below_conferral_and_the_api_beside_the_platform_s():
    urls = types.ModuleType("lms_urls")
    urls.urlpatterns = get_plugin_url_patterns(LMS)
    sys.modules["lms_urls"] = urls
    with override_settings(ROOT_URLCONF="lms_urls"):
        clear_url_caches()
        assert resolve("/conferral/c/K7QF-2M9X-4TBD-HW33").view_name == "conferral:credential"
        assert resolve("/api/conferral/v1/credentials/K7QF-2M9X-4TBD-HW33/").view_name == "conferral:verify"
        assert resolve("/conferral/mine/").view_name == "conferral:mine"
        assert reverse("conferral:check") == "/conferral/check/"
        assert reverse("admin:index", current_app="conferral-staff") == "/conferral/staff/"
        for other in ("/", "/c/X", "/api/", "/user/retire/", "/conferral/user/retire/", "/health/live", "/metrics"):
            with pytest.raises(Resolver404):
                resolve(other)
    clear_url_caches()
    assert get_plugins_view_context(LMS, "course_dashboard") == {"plugins": {}}


@pytest.fixture
def in_the_lms(settings):
    """The addresses of an LMS, with what it has of its own to sign out."""
    urls = types.ModuleType("lms_with_sign_out")
    urls.urlpatterns = [*get_plugin_url_patterns(LMS), path("logout", lambda request: HttpResponse(), name="logout")]
    sys.modules[urls.__name__] = urls
    settings.ROOT_URLCONF, settings.LOGIN_URL = urls.__name__, "/login"
    settings.CONFERRAL_LMS = "platform"
    settings.CONFERRAL_PUBLIC_URL = "http://testserver/conferral"


@pytest.mark.django_db
def test_every_page_for_learners_and_strangers(in_the_lms, client):
    """Each is there, has one headline, and leads to pages that are there."""
    course = Campus(story.COURSE, story.POLICY, story.SUBSECTIONS)
    for username, done in (("ana", 28), ("bo", 7)):
        course.learner(username, name="Ana Ñandú")
        course.complete(username, done)
    configure.save_type(
        "Course",
        processor="completion",
        processor_options={"required_completion": 0.5},
        generators={"certificate": {"generator": "text"}},
    )
    configure.save_configuration(story.COURSE, "Course", enabled=True)
    run(CredentialConfiguration.objects.get(), trigger="command")
    generate()
    credential = Credential.objects.get()
    page = f"/conferral/c/{credential.verification_id}"
    public = ["/conferral/", "/conferral/check/", "/conferral/check/?id=K7QF-2M9X-4TBD-HW33", page]
    progress = f"/conferral/mine/progress/{CredentialConfiguration.objects.get().pk}/"
    mine = {"ana": [page, f"{page}/holder/name/", f"{page}/holder/wishes/"], "bo": [progress]}
    for username in (None, "ana", "bo"):
        client.logout()
        if username:
            client.force_login(account_of(username))
        Learner.objects.filter(key=username).update(user=account_of(username) if username else None)
        for address in [*public, *(["/conferral/mine/", *mine[username]] if username else [])]:
            answer = client.get(address, follow=True)
            said = answer.content.decode()
            assert answer.status_code == (404 if "?id=" in address else 200), address
            assert len(re.findall("<h1[ >]", said)) == 1, address
            assert ('href="/logout"' in said, "/login?next=" in said) == (bool(username), not username), address
            for link in set(re.findall(r'(?:href|action)="(/conferral/[^"?#]*)', said)):
                assert resolve(link), (address, link)
    assert 'href="/conferral/staff/"' in client.get("/conferral/").content.decode()


@pytest.mark.django_db
@pytest.mark.urls("conferral.plugin.urls")
def test_health_and_figures_are_below_conferral(settings, client):
    """The platform has a `/heartbeat` of its own; and nobody reads figures who has no token."""
    health.STORAGE.forget()
    assert client.get("/conferral/health/live").status_code == 200
    assert client.get("/conferral/health/ready").json() == {"database": "ok", "storage": "ok"}
    assert client.get("/conferral/metrics").status_code == 404
    settings.CONFERRAL_METRICS_TOKEN = "a token"
    assert client.get("/conferral/metrics").status_code == 401
    answer = client.get("/conferral/metrics", HTTP_AUTHORIZATION="Bearer a token")
    assert b"conferral_credentials" in answer.content


@pytest.mark.django_db
def test_retirement_is_heard_by_the_account_s_id(settings):
    settings.CONFERRAL_LMS = "platform"
    connect_plugin_receivers(LMS)
    course = Campus(story.COURSE, story.POLICY, story.SUBSECTIONS)
    ana = course.learner("ana", name="Ana Ñandú")
    course.complete("ana", 28)
    configure.save_type(
        "Course",
        processor="completion",
        processor_options={"required_completion": 0.5},
        generators={"certificate": {"generator": "text"}},
    )
    configure.save_configuration(story.COURSE, "Course", enabled=True)
    run(CredentialConfiguration.objects.get(), trigger="command")
    generate()
    assert CredentialArtifact.objects.exclude(storage_name="").exists()
    ana.username = "retired__user_abc"  # whatever the account is called by then
    for signal in (signals.USER_RETIRE_MAILINGS, signals.USER_RETIRE_LMS_MISC, signals.USER_RETIRE_LMS_CRITICAL):
        signal.send(sender=None, user=ana, email="ana@example.com", new_email="retired@retired.invalid")
    learner = Learner.objects.get()
    assert learner.retired
    assert (learner.name, learner.email, learner.user, learner.external_id) == ("", "", None, "")
    assert not CredentialArtifact.objects.exclude(storage_name="").exists()
    assert Credential.objects.get().recipient_name == ""
    # Whoever is retired while a run is going on is not issued to again.
    ended = run(CredentialConfiguration.objects.get(), trigger="command")
    assert ended.issued == 0


@pytest.mark.django_db
def test_a_name_in_the_options_goes_too_when_nothing_was_earned(settings):
    settings.CONFERRAL_LMS = "platform"
    connect_plugin_receivers(LMS)
    bo = account_of("bo")
    configure.save_type(
        "Listed", processor="listed", processor_options={"learners": ["bo", "bo@example.com", "ana"]}, generators={}
    )
    signals.USER_RETIRE_LMS_MISC.send(sender=None, user=bo)
    listed = configure.find_type("Listed").processor_options["learners"]
    assert "ana" in listed
    assert not {"bo", "bo@example.com"} & set(listed)


@pytest.mark.django_db
def test_mail_goes_to_the_address_that_the_lms_has_now(settings, mailoutbox):
    settings.CONFERRAL_LMS = "platform"
    course = Campus(story.COURSE, story.POLICY, story.SUBSECTIONS)
    for username in ("ana", "bo", "cy"):
        course.learner(username)
        course.complete(username, 28)
    configure.save_type("Course", processor="completion", processor_options={"required_completion": 0.5}, generators={})
    configure.save_configuration(story.COURSE, "Course", enabled=True)
    run(CredentialConfiguration.objects.get(), trigger="command")
    ana, bo, cy = (account_of(username) for username in ("ana", "bo", "cy"))
    ana.email = "ana@new.example.com"
    ana.save()
    # Between the issue and the mail bo asks to be removed, and cy is gone.
    bo.email = "retired__user_abc@retired.invalid"
    bo.save()
    cy.delete()
    deliver()
    assert [mail.to for mail in mailoutbox] == [["ana@new.example.com"]]
    assert dict(Delivery.objects.values_list("credential__learner__key", "last_error")) == {
        "ana": "",
        "bo": "the learner's account is not active",
        "cy": "the learner is not known any more where the credential was earned",
    }


def test_nothing_of_the_platform_is_imported_outside_its_gateway():
    """Every module, in a process in which importing the platform fails."""
    code = """
import importlib, pkgutil, sys, django
from django.conf import settings
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("lms.", "common.", "openedx.", "xmodule", "completion", "learning_paths")):
            raise AssertionError(name)
sys.meta_path.insert(0, Refuse())
apps = ["admin", "auth", "contenttypes", "messages", "sessions"]
settings.configure(
    INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "django_celery_beat", "conferral"], SECRET_KEY="tests"
)
django.setup()
import conferral
# The service of its own has settings of its own, and is not there in an LMS.
elsewhere = ("conferral.lms.platform", "conferral.service", "conferral.migrations")
for module in pkgutil.walk_packages(conferral.__path__, "conferral.", onerror=lambda name: None):
    if not module.name.startswith(elsewhere):
        importlib.import_module(module.name)
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]


@pytest.mark.django_db(transaction=True)
def test_taking_it_away_leaves_no_periodic_task(settings):
    settings.CONFERRAL_LMS = "platform"
    Campus(story.COURSE, story.POLICY, story.SUBSECTIONS)
    configure.save_type("Course", processor="completion", generators={})
    configure.save_configuration(story.COURSE, "Course", enabled=True, schedule={"crontab": "0 3 * * *"})
    PeriodicTask.objects.create(name="somebody else's", task="theirs", crontab=PeriodicTask.objects.get().crontab)
    assert PeriodicTask.objects.filter(name__startswith="conferral:").exists()
    try:
        call_command("migrate", "conferral", "zero", verbosity=0)
        assert list(PeriodicTask.objects.values_list("name", flat=True)) == ["somebody else's"]
    finally:
        call_command("migrate", "conferral", verbosity=0)
    assert MigrationExecutor(__import__("django").db.connection).loader.applied_migrations


@pytest.mark.parametrize("module", ["lms.envs.tutor.production", "cms.envs.production"])
def test_the_console_script_refuses_inside_an_lms(module):
    command = [sys.executable, "-c", "from conferral.service.console import main; main()"]
    environment = {"DJANGO_SETTINGS_MODULE": module}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "./manage.py lms conferral" in ended.stderr


def test_tasks_are_the_lms_s_own_and_go_to_its_queue():
    """Its Celery app reads Django settings without a namespace, by their old names."""
    code = """
import types, celery
from conferral.plugin import common
settings = types.ModuleType("lms_settings")
settings.INSTALLED_APPS = []
settings.CELERY_DEFAULT_QUEUE = "edx.lms.core.default"
settings.BROKER_URL = "memory://"
common.plugin_settings(settings)
app = celery.Celery("proj")
app.config_from_object(settings)
app.set_default()
from django.conf import settings as django_settings
apps = ["django.contrib.auth", "django.contrib.contenttypes", "django_celery_beat", "conferral"]
django_settings.configure(INSTALLED_APPS=apps, SECRET_KEY="tests")
import django
django.setup()
app.autodiscover_tasks(["conferral"], force=True)
from conferral import tasks
for name in ("run_if_due", "generate", "deliver", "sweep"):
    assert f"conferral.{name}" in app.tasks, app.tasks
assert tasks.queues() == {"edx.lms.core.default"}, tasks.queues()
assert app.conf.beat_scheduler == "conferral.beat:Scheduler"
assert app.conf.beat_schedule["conferral.sweep"]["task"] == "conferral.sweep"
assert app.conf.beat_sync_every == 1
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
