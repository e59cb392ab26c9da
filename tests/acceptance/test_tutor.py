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


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """What `tutor config save` writes with the plugin enabled."""
    tutor = ROOT / ".venv-services/bin/tutor"
    if not tutor.exists():
        assert not os.environ.get("CI"), "Tutor is missing: make .venv-services"
        pytest.skip("Tutor is not installed: make .venv-services")
    home = tmp_path_factory.mktemp("tutor")
    plugins = home / "plugins"
    plugins.mkdir()
    shutil.copy(PLUGIN, plugins)
    places = os.environ | {"TUTOR_ROOT": str(home / "root"), "TUTOR_PLUGINS_ROOT": str(plugins)}

    def run(*arguments):
        ended = subprocess.run([tutor, *arguments], env=places, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    run("plugins", "enable", "conferral")
    run("config", "save", "--set", "CONFERRAL_PACKAGE=conferral==0.1.0")
    return home / "root/env"


def test_the_image_has_the_package_and_fonts(environment):
    text = (environment / "build/openedx/Dockerfile").read_text()
    assert "$PIP_COMMAND install 'conferral==0.1.0'" in text
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


def test_files_are_where_no_web_server_looks(environment):
    text = (environment / "apps/openedx/settings/lms/production.py").read_text()
    compile(text, "production.py", "exec")
    (patch,) = [part for part in text.split("\n\n") if 'STORAGES["conferral"]' in part]
    for backend, expected in (
        ("django.core.files.storage.FileSystemStorage", "/openedx/media-private/conferral"),
        ("storages.backends.s3.S3Storage", None),
    ):
        storages = {"default": {"BACKEND": backend}}
        exec(patch, {"STORAGES": storages})
        assert storages.get("conferral", {}).get("OPTIONS", {}).get("location") == expected
