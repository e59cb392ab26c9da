"""The example package is installed, used, and uninstalled again, as an operator would, with the real commands."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

PACKAGE = Path(__file__).parents[2] / "examples" / "conferral-example"
COURSE = "course-v1:Demo+CS101+2026"
DECLARED = f"""\
issuers: [{{slug: demo, name: Demo University, url: "https://demo.example"}}]
contexts: [{{key: "{COURSE}", name: Introduction to Computing, organisation: Demo}}]
types:
  - name: Best Two
    processor: best-of
    processor_options: {{count: 2, required_average: 0.8}}
    generators:
      badge: {{generator: svg-badge, options: {{text: "{{context}}: {{evidence.best_average}}", colour: "#14532d"}}}}
configurations: [{{context: "{COURSE}", type: Best Two, enabled: true}}]
"""
ROSTER = """\
username,name,grade:Exam,grade:Homework,grade:Lab
ana,Ana Ñandú,0.9,0.7,0.1
bo,Bo <& Co>,1,0.59,0
cy,Łukasz & Söhne,0.85,0.8,0.9
"""


class Site:
    """A service of its own with nothing but its home directory; `plugins` is where packages are installed."""

    def __init__(self, folder):
        self.folder = folder
        self.plugins = folder / "site-packages"
        self.installed = False

    def run(self, *command):
        # A clean environment: neither this test run's settings nor anybody's own.
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "SYSTEMROOT") if name in os.environ}
        environment = kept | {
            "HOME": str(self.folder),
            "CONFERRAL_HOME": str(self.folder / "var"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            **({"PYTHONPATH": str(self.plugins)} if self.installed else {}),
        }
        return subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    def conferral(self, *arguments, code=0):
        ended = self.run(Path(sys.executable).with_name("conferral"), *arguments)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout

    def install(self):
        pip = ["-m", "pip", "--disable-pip-version-check", "install", "--no-deps", "--no-build-isolation", "--no-index"]
        ended = self.run(sys.executable, *pip, "--target", self.plugins, PACKAGE)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        self.installed = True


def files_of_the_package():
    return sorted(path for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "declared.yaml").write_text(DECLARED, encoding="utf-8")
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8")
    site = Site(folder)
    before = files_of_the_package()
    site.install()
    assert files_of_the_package() == before, "building left files in the tree"
    return site


@pytest.fixture(scope="module")
def issued(site):
    """What the first run says, once everything is declared and imported."""
    site.conferral("migrate", "-v0")
    site.conferral("apply", "declared.yaml")
    site.conferral("roster", "import", COURSE, "roster.csv")
    (report,) = json.loads(site.conferral("run", "--json"))
    return report


def test_both_plugins_are_listed_with_their_options(site):
    listed = json.loads(site.conferral("plugins", "--json"))
    described = {one["name"]: one for group in ("processors", "generators") for one in listed[group]}
    assert described["best-of"]["package"] == described["svg-badge"]["package"] == "conferral-example 1.0"
    assert described["best-of"]["label"] == "Best grades"
    assert not described["best-of"]["error"] + described["svg-badge"]["error"]
    assert set(described["best-of"]["schema"]["properties"]) == {"count", "required_average", "leave_out"}
    assert set(described["svg-badge"]["schema"]["properties"]) == {"text", "colour"}


def test_the_rule_issues_to_those_whose_best_grades_suffice(site, issued):
    assert (issued["status"], issued["error"], issued["problems"]) == ("finished", "", [])
    assert [issued[figure] for figure in ("evaluated", "eligible", "issued", "failed")] == [3, 2, 2, 0]
    credentials = json.loads(site.conferral("credentials", "--json"))
    assert {one["username"]: one["state"] for one in credentials} == {"ana": "available", "cy": "available"}


def test_the_badge_is_stored_as_it_was_made(site, issued):
    for credential in json.loads(site.conferral("credentials", "--json")):
        (artifact,) = credential["artifacts"]
        content = Path(artifact["path_or_url"]).read_bytes()
        assert (artifact["filename"], artifact["media_type"]) == ("badge.svg", "image/svg+xml")
        assert (artifact["sha256"], artifact["size"]) == (sha256(content).hexdigest(), len(content))
        root = ET.fromstring(content)
        texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
        average = {"ana": "80%", "cy": "87.5%"}[credential["username"]]
        assert texts == [credential["name"], f"Introduction to Computing: {average}"]
        assert [element.get("href") for element in root.iter() if element.tag.endswith("}a")] == [credential["url"]]


def test_a_misspelt_option_is_refused_and_named(site, issued):
    (site.folder / "wrong.yaml").write_text(DECLARED.replace("count:", "cuont:"), encoding="utf-8")
    refused = site.run(Path(sys.executable).with_name("conferral"), "apply", "wrong.yaml")
    assert refused.returncode == 1
    assert "processor_options.cuont: unknown key; known here: count, leave_out, required_average" in refused.stderr


def test_the_package_passes_its_own_tests(site):
    ended = site.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", PACKAGE)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout


def test_without_the_package_runs_fail_clearly_and_the_rest_goes_on(site, issued):
    before = site.conferral("credentials", "--json")
    site.installed = False
    try:
        (report,) = json.loads(site.conferral("run", "--json", code=1))
        assert report["status"] == "failed"
        assert report["issued"] == 0
        assert report["error"].startswith("processor: 'best-of' is not installed; installed: ")
        assert "\n" not in report["error"]
        assert site.conferral("credentials", "--json") == before
        for credential in json.loads(before):
            shown = json.loads(site.conferral("show", credential["verification_id"], "--json"))
            (fact,) = shown["evidence"]["facts"]
            assert (fact["key"], fact["required"], fact["met"]) == ("best_average", "0.8", True)
            assert shown["evidence"]["processor"] == "best-of"
            site.conferral("show", credential["verification_id"])
    finally:
        site.installed = True
    (report,) = json.loads(site.conferral("run", "--json"))
    assert (report["status"], report["already"], report["issued"]) == ("finished", 2, 0)
