"""The example package is installed, used, and uninstalled again, as an operator would, with the real commands."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.acceptance.conftest import Site

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
pytestmark = pytest.mark.xdist_group("example")  # the package is installed once

ROSTER = """\
username,name,email,grade:Exam,grade:Homework,grade:Lab
ana,Ana Ñandú,ana@example.com,0.9,0.7,0.1
bo,Bo <& Co>,bo@example.com,1,0.59,0
cy,Łukasz & Söhne,cy@example.com,0.85,0.8,0.9
"""


def files_of_the_package():
    return sorted(path for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts)


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """A migrated site that has Conferral and nothing else."""
    path = tmp_path_factory.mktemp("site")
    unwanted = ("CONFERRAL", "DJANGO", "DATABASE", "PYTEST", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environment |= {"CONFERRAL_HOME": str(path / "var"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    site = Site(path, environment)
    site.write("declared.yaml", DECLARED)
    site.write("roster.csv", ROSTER)
    site.ok("migrate", "--verbosity", "0")
    return site


@pytest.fixture(scope="module")
def site(without):
    """The same site, with the example package installed."""
    target = without.path / "site-packages"
    before = files_of_the_package()
    options = ["--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index", "--target", target]
    python(without, "-m", "pip", "install", *options, PACKAGE)
    assert files_of_the_package() == before, "building left files in the tree"
    return Site(without.path, without.environment | {"PYTHONPATH": str(target)})


@pytest.fixture(scope="module")
def issued(site):
    """What the first run says, once everything is declared and imported."""
    site.ok("apply", "declared.yaml")
    site.ok("roster", "import", COURSE, "roster.csv")
    (report,) = site.json("run")
    return report


def python(site, *arguments):
    command = [sys.executable, *(str(argument) for argument in arguments)]
    done = subprocess.run(
        command, cwd=site.path, env=site.environment, check=False, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_both_plugins_are_listed_with_their_options(site):
    listed = site.json("plugins")
    described = {one["name"]: one for group in ("processors", "generators") for one in listed[group]}
    assert described["best-of"]["package"] == described["svg-badge"]["package"] == "conferral-example 1.0"
    assert described["best-of"]["label"] == "Best grades"
    assert not described["best-of"]["error"] + described["svg-badge"]["error"]
    assert set(described["best-of"]["schema"]["properties"]) == {"count", "required_average", "leave_out"}
    assert set(described["svg-badge"]["schema"]["properties"]) == {"text", "colour"}


def test_the_rule_issues_to_those_whose_best_grades_suffice(site, issued):
    assert (issued["status"], issued["error"], issued["problems"]) == ("finished", "", [])
    assert [issued[figure] for figure in ("evaluated", "eligible", "issued", "failed")] == [3, 2, 2, 0]
    credentials = site.json("credentials")
    assert {one["username"]: one["state"] for one in credentials} == {"ana": "available", "cy": "available"}


@pytest.mark.usefixtures("issued")
def test_the_badge_is_stored_as_it_was_made(site):
    for credential in site.json("credentials"):
        (artifact,) = credential["artifacts"]
        content = Path(artifact["path_or_url"]).read_bytes()
        assert (artifact["filename"], artifact["media_type"]) == ("badge.svg", "image/svg+xml")
        assert (artifact["sha256"], artifact["size"]) == (sha256(content).hexdigest(), len(content))
        root = ET.fromstring(content)
        texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
        average = {"ana": "80%", "cy": "87.5%"}[credential["username"]]
        assert texts == [credential["name"], f"Introduction to Computing: {average}"]
        assert [element.get("href") for element in root.iter() if element.tag.endswith("}a")] == [credential["url"]]


@pytest.mark.usefixtures("issued")
def test_a_misspelt_option_is_refused_and_named(site):
    site.write("wrong.yaml", DECLARED.replace("count:", "cuont:"))
    refused = site("apply", "wrong.yaml")
    assert refused.returncode == 1
    assert "processor_options.cuont: unknown key; known here: count, leave_out, required_average" in refused.stderr


def test_the_package_passes_its_own_tests(site):
    assert " passed" in python(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", PACKAGE)


@pytest.mark.usefixtures("issued")
def test_without_the_package_runs_fail_clearly_and_the_rest_goes_on(site, without):
    before = site.json("credentials")
    failed = without("run", "--json")
    assert failed.returncode == 1
    (report,) = json.loads(failed.stdout)
    assert (report["status"], report["issued"]) == ("failed", 0)
    assert report["error"].startswith("processor: 'best-of' is not installed; installed: ")
    assert "\n" not in report["error"]

    assert without.json("credentials") == before
    shown = without.json("show", before[0]["verification_id"])
    (fact,) = shown["evidence"]["facts"]
    assert shown["evidence"]["processor"] == "best-of"
    assert (fact["key"], fact["required"], fact["met"]) == ("best_average", "0.8", True)
    assert before[0]["name"] in without.ok("show", before[0]["verification_id"])

    (report,) = site.json("run")
    assert (report["status"], report["already"], report["issued"]) == ("finished", 2, 0)
