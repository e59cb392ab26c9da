"""The Tutor plugin of the documentation, rendered by Tutor itself: no Docker is needed for that."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
PLUGIN = ROOT / "docs/how-to/tutor/conferral.py"
BEAT = ["celery", "--app=lms.celery", "beat", "--loglevel=info", "--pidfile="]


SERVICES = ROOT / ".venv-services/bin"
INIT_TASKS = """
import sys, tutor.commands.cli
from tutor import config, env, hooks
hooks.Actions.CORE_READY.do()
hooks.Actions.PROJECT_ROOT_READY.do(sys.argv[1])
values = config.load(sys.argv[1])
for service, task in hooks.Filters.CLI_DO_INIT_TASKS.iterate():
    print(service, env.render_str(values, task).split())
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """What `tutor config save` writes with the plugin enabled."""
    return rendered(tmp_path_factory.mktemp("tutor"), "conferral")


@pytest.fixture(scope="module")
def environment_with_minio(tmp_path_factory):
    """The same of a site that keeps its files in MinIO."""
    return rendered(tmp_path_factory.mktemp("bucket"), "minio", "conferral")


def rendered(home, *enabled):
    tutor = SERVICES / "tutor"
    if not tutor.exists():
        assert not os.environ.get("CI"), "Tutor is missing: make .venv-services"
        pytest.skip("Tutor is not installed: make .venv-services")
    plugins = home / "plugins"
    plugins.mkdir()
    shutil.copy(PLUGIN, plugins)
    places = os.environ | {"TUTOR_ROOT": str(home / "root"), "TUTOR_PLUGINS_ROOT": str(plugins)}

    def run(*arguments):
        ended = subprocess.run(arguments, env=places, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    known = {line.split()[0] for line in run(tutor, "plugins", "list").splitlines()}
    if not known.issuperset(enabled):
        assert not os.environ.get("CI"), "Tutor's minio plugin is missing: rm -r .venv-services; make .venv-services"
        pytest.skip("Tutor's minio plugin is not installed: rm -r .venv-services; make .venv-services")
    run(tutor, "plugins", "enable", *enabled)
    run(tutor, "config", "save", "--set", "CONFERRAL_PACKAGE=conferral==0.1.0")
    (home / "root/env/init").write_text(run(SERVICES / "python", "-c", INIT_TASKS, home / "root"))
    return home / "root/env"


def test_the_image_has_the_package_and_fonts(environment):
    text = (environment / "build/openedx/Dockerfile").read_text()
    # Tutor 20 has no PIP_COMMAND.
    assert "${PIP_COMMAND:-pip} install 'conferral==0.1.0'" in text
    assert "apt install -y fonts-noto-core fonts-noto-cjk" in text
    # After what the platform pins, so that pip sees it; before assets are collected, so that ours are among them.
    assert text.index("edx/base.txt") < text.index("conferral==0.1.0") < text.index("collectstatic")


def test_beat_runs_beside_the_lms(environment):
    services = yaml.safe_load((environment / "local/docker-compose.prod.yml").read_text())["services"]
    assert services["lms-beat"]["command"] == BEAT
    assert services["lms-beat"]["image"] == services["lms-worker"]["image"]
    assert services["lms-beat"]["environment"] == services["lms-worker"]["environment"]


def test_one_beat_runs_in_kubernetes(environment):
    found = yaml.safe_load_all((environment / "k8s/deployments.yml").read_text())
    deployments = {one["metadata"]["name"]: one["spec"] for one in found if one}
    beat, worker = (deployments[name]["template"]["spec"]["containers"][0] for name in ("lms-beat", "lms-worker"))
    assert beat["args"] == BEAT
    assert (beat["image"], beat["env"], beat["volumeMounts"]) == (
        worker["image"],
        worker["env"],
        worker["volumeMounts"],
    )
    assert (deployments["lms-beat"]["replicas"], deployments["lms-beat"]["strategy"]) == (1, {"type": "Recreate"})


S3 = "storages.backends.s3boto3.S3Boto3Storage"
FOLDER = "django.core.files.storage.FileSystemStorage"
PRIVATE = {"location": "conferral", "default_acl": "private", "querystring_auth": True, "custom_domain": None}


def settings_after(environment, stage, **before):
    """What our part of the LMS's settings makes of what was set before it."""
    text = (environment / f"apps/openedx/settings/lms/{stage}.py").read_text()
    compile(text, f"{stage}.py", "exec")
    lines = text.splitlines()
    ours = [number for number, line in enumerate(lines) if "conferral" in line.lower()]
    settings = {"LMS_ROOT_URL": "http://lms:8000", **before}
    exec("\n".join(lines[ours[0] : ours[-1] + 1]), settings)
    return settings


@pytest.mark.parametrize("stage", ["production", "development"])
def test_files_are_where_no_web_server_looks(environment, stage):
    made = settings_after(environment, stage, STORAGES={"default": {"BACKEND": FOLDER}})
    assert made["STORAGES"]["conferral"] == {
        "BACKEND": FOLDER,
        "OPTIONS": {"location": "/openedx/media-private/conferral"},
    }
    assert made.get("CONFERRAL_PUBLIC_URL") == ("http://lms:8000/conferral" if stage == "development" else None)


def test_a_bucket_that_another_plugin_has_chosen_is_used_and_private(environment):
    """Conferral's own settings have run before that plugin's, and have chosen a folder."""
    default = {"BACKEND": S3, "OPTIONS": {"bucket_name": "lms"}}
    made = settings_after(environment, "production", STORAGES={"default": default, "conferral": {"BACKEND": FOLDER}})
    assert made["STORAGES"]["conferral"] == {"BACKEND": S3, "OPTIONS": {"bucket_name": "lms", **PRIVATE}}
    assert default["OPTIONS"] == {"bucket_name": "lms"}


def test_up_to_teak_a_site_names_its_storage_in_the_old_way(environment):
    for backend, expected in ((FOLDER, {"location": "/openedx/media-private/conferral"}), (S3, PRIVATE)):
        made = settings_after(environment, "production", DEFAULT_FILE_STORAGE=backend)
        assert "STORAGES" not in made  # Django refuses both
        assert made["CONFERRAL_STORAGE"] == {"BACKEND": backend, "OPTIONS": expected}


def test_beside_minio_files_have_a_bucket_of_their_own(environment_with_minio):
    """The minio plugin lets everybody read the site's."""
    made = settings_after(environment_with_minio, "production", STORAGES={"default": {"BACKEND": S3}})
    own = {"bucket_name": "conferral", "default_acl": None}
    assert made["STORAGES"]["conferral"] == {"BACKEND": S3, "OPTIONS": PRIVATE | own}
    tasks = (environment_with_minio / "init").read_text().splitlines()
    assert [task.endswith("'mc', 'mb', '--ignore-existing', 'minio/conferral']") for task in tasks].count(True) == 1


def test_launch_migrates_by_itself_and_needs_no_minio(environment):
    tasks = (environment / "init").read_text()
    assert "'./manage.py', 'lms', 'migrate'" in tasks
    assert "minio" not in tasks
