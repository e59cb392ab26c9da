"""The command as an operator uses it: in a process of its own, from nothing."""

import hashlib
import json
from pathlib import Path

from tests.acceptance.conftest import COURSE

ROSTER = [("ana", "Ana Ñandú", "0.8"), ("bo", "Bo", "0.795"), ("chi", "Chi", "1")]


def test_from_a_roster_to_certificates_on_disk(site):
    site.set_up(ROSTER)

    (dry,) = site.json("run", "--dry-run")
    assert {one["username"]: one["outcome"] for one in dry["learners"]} == {
        "ana": "issue",
        "bo": "not yet",
        "chi": "issue",
    }
    why = next(one for one in dry["learners"] if one["username"] == "bo")
    assert why["reason"] == "completion 79.5 % (80 % required)"
    assert why["facts"] == [{"key": "completion", "actual": "0.795", "required": "0.8", "met": False, "step": ""}]
    assert site.json("credentials") == []

    (run,) = site.json("run")
    figures = {
        name: run[name]
        for name in ("context", "type", "status", "evaluated", "eligible", "already", "issued", "failed")
    }
    assert figures == {
        "context": COURSE,
        "type": "Completion",
        "status": "finished",
        "evaluated": 3,
        "eligible": 2,
        "already": 0,
        "issued": 2,
        "failed": 0,
    }
    assert run["seconds"] > 0

    issued = site.json("credentials", "T101")
    assert {(one["username"], one["name"], one["state"]) for one in issued} == {
        ("ana", "Ana Ñandú", "available"),
        ("chi", "Chi", "available"),
    }
    for credential in issued:
        assert credential["url"] == f"http://localhost:8000/c/{credential['verification_id']}"
        (artifact,) = credential["artifacts"]
        content = Path(artifact["path_or_url"]).read_bytes()
        assert content.startswith(b"%PDF-")
        assert (artifact["size"], artifact["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert (artifact["slot"], artifact["generator"], artifact["filename"]) == (
            "certificate",
            "pdf",
            "certificate.pdf",
        )

    (again,) = site.json("run", COURSE, "--type", "Completion")
    assert (again["already"], again["issued"]) == (2, 0)

    typed = issued[0]["verification_id"].replace("-", "").lower().replace("0", "o")
    shown = site.json("show", typed)
    assert shown["evidence"]["facts"][0]["actual"] == "0.8"
    assert shown["edition"]["generators"]["certificate"]["options"]["template"] == "plain"


def test_applying_again_changes_nothing_and_a_dry_run_shows_the_difference(site):
    site.set_up(ROSTER)
    assert "0 changed, 4 as declared already" in site.ok("apply", "credentials.yaml")
    text = (site.path / "credentials.yaml").read_text().replace("0.8", "0.9")
    site.write("credentials.yaml", text)
    shown = site.ok("apply", "credentials.yaml", "--dry-run")
    assert "~ type Completion" in shown
    assert "{'required_completion': 0.8} → {'required_completion': 0.9}" in shown
    assert "1 would change, 3 as declared already" in shown
    assert "1 would change" in site.ok("apply", "credentials.yaml", "--dry-run")
    assert "1 changed" in site.ok("apply", "credentials.yaml")


def test_a_dry_run_leaves_no_file_behind(site):
    site.set_up(ROSTER)
    before = sorted(path for path in site.home.rglob("*") if path.is_file() and "sqlite" not in path.name)
    (site.path / "plain.pdf").write_bytes((site.path / "plain.pdf").read_bytes() + b"\n")
    assert "~ asset plain" in site.ok("apply", "credentials.yaml", "--dry-run")
    after = sorted(path for path in site.home.rglob("*") if path.is_file() and "sqlite" not in path.name)
    assert before == after


def test_a_home_without_tables_says_what_to_do(site):
    done = site("run")
    assert done.returncode == 1
    assert done.stderr == "Error: the database is not up to date; run `conferral migrate` first\n"


def test_the_command_runs_djangos_commands_too(site):
    assert "conferral" in site.ok("showmigrations", "conferral")
    assert "no changes" in site.ok("makemigrations", "--check", "--dry-run").lower()
    assert site.ok("--help").startswith("usage: conferral")


def test_settings_come_from_the_environment_and_a_wrong_one_is_named(site):
    site.environment["CONFERRAL_PUBLIC_URL"] = "https://awards.example/"
    site.set_up(ROSTER)
    site.ok("run")
    assert site.json("credentials")[0]["url"].startswith("https://awards.example/c/")
    for name, value, says in (
        ("CONFERRAL_PAGE_SIZE", "many", "CONFERRAL_PAGE_SIZE: 'many' is not accepted"),
        ("CONFERRAL_STORAGE", '{"BACKEND": "no.such.Storage"}', "storage 'conferral' is not set up right"),
        ("CONFERRAL_STORAGE", '{"OPTIONS": {"key": "hush"}}', "its value is not accepted: BACKEND is missing"),
    ):
        wrong = dict(site.environment)
        site.environment[name] = value
        done = site("run")
        site.environment = wrong
        assert done.returncode == 1
        assert says in done.stderr
        assert "hush" not in done.stderr
        assert done.stderr.count("\n") == 1


def test_plugins_are_listed_with_their_options(site):
    site.ok("migrate", "--verbosity", "0")
    listed = site.json("plugins")
    assert {one["name"] for one in listed["processors"]} >= {"completion", "grades", "completion-and-grades", "listed"}
    pdf = next(one for one in listed["generators"] if one["name"] == "pdf")
    assert "template" in pdf["schema"]["properties"]
    broken = next(one for one in listed["generators"] if one["name"] == "unloadable")
    assert "cannot be loaded" in broken["error"]
    assert [one["name"] for one in listed["gateways"]] == ["breaking", "platform", "rest", "roster"]


def test_a_run_of_one_broken_configuration_does_not_stop_the_others(site):
    site.set_up(ROSTER)
    more = """
  - {context: "course-v1:Test+T102+2026", type: Completion, enabled: true}
"""
    text = (site.path / "credentials.yaml").read_text() + more
    text = text.replace("types:", '  - {key: "course-v1:Test+T102+2026", name: More}\ntypes:', 1)
    site.write("credentials.yaml", text)
    site.ok("apply", "credentials.yaml")
    site.environment["CONFERRAL_LMS"] = "breaking"
    done = site("run", "--json")
    assert done.returncode == 1
    broken, fine = json.loads(done.stdout)
    assert (broken["status"], broken["error"]) == ("failed", "ConnectionError: the LMS is away")
    assert (fine["status"], fine["evaluated"]) == ("finished", 0)
