"""The service beside an LMS, by the real command: what the how-to says, against a real server over HTTP."""

import json

import pytest

from tests.services import lms_http
from tests.services.lms_http import CERT101, serving

DECLARATIONS = f"""\
assets: [{{slug: plain, file: plain.pdf}}]
types:
  - name: Completion
    processor: completion-and-grades
    processor_options: {{required_completion: 0.9, required_grades: {{total: pass, Final Exam: 0.5}}}}
    generators:
      certificate: {{generator: pdf, options: {{template: plain}}}}
configurations:
  - {{context: "{CERT101}", type: Completion, enabled: true}}
"""


@pytest.fixture
def server():
    with serving(lms_http.generated(60)) as running:
        yield running


@pytest.fixture
def beside(site, server):
    site.environment |= {
        "CONFERRAL_LMS": "rest",
        "CONFERRAL_PLUGINS": json.dumps({"rest": server.settings(tries=2), "pdf": {"fallback_fonts": ["built-in"]}}),
    }
    site.ok("migrate", "--verbosity", "0")
    return site


def test_a_course_of_the_lms_is_issued_stored_and_mailed(beside, server):
    checked = beside("lms", "check", CERT101, "--json")
    found = {each["name"]: each["ok"] for each in json.loads(checked.stdout)}
    assert checked.returncode == 1  # nothing carries out schedules yet
    assert [name for name, ok in found.items() if not ok] == ["beat", "workers"]
    beside.write("credentials.yaml", DECLARATIONS)
    beside.ok("apply", "credentials.yaml")
    (dry,) = beside.json("run", "--dry-run")
    outcomes = {each["username"]: (each["outcome"], each["reason"]) for each in dry["learners"]}
    assert outcomes["learner000000"] == ("excluded", "enrolled as audit, which gets none")
    assert outcomes["learner000003"][0] == "issue"
    assert outcomes["learner000001"][0] == "not yet"
    (report,) = beside.json("run")
    assert (report["status"], report["evaluated"], report["issued"], report["mailed"]) == ("finished", 60, 18, 18)
    (again,) = beside.json("run")
    assert (again["issued"], again["already"]) == (0, 18)
    # The context's name, organisation and dates are the LMS's, and stay with the credential.
    assert beside.rows("select distinct context_name, context_organisation from conferral_credential") == [
        ("Certificates 101", "Example")
    ]


def test_what_goes_wrong_is_said_in_one_line_and_the_next_run_completes(beside, server):
    beside.write("credentials.yaml", DECLARATIONS)
    beside.ok("apply", "credentials.yaml")
    for how, said in (
        (lms_http.status(200), "JSON was expected, and text/html came"),
        (lms_http.status(500), "the LMS answered 500"),
        (lms_http.truncated, "broke off"),
    ):
        server.fail("/gradebook/", how, times=9, after=1)  # the policy is read, and no page
        failed = beside("run", "--json")
        server.faults.clear()
        (report,) = json.loads(failed.stdout)
        assert failed.returncode == 1
        assert said in report["error"]
        assert "Traceback" not in failed.stderr
        assert (report["status"], report["issued"]) == ("failed", 0)
    assert beside.rows("select count(*) from conferral_credential") == [(0,)]
    (report,) = beside.json("run")
    assert (report["status"], report["issued"]) == ("finished", 18)


def test_an_lms_that_is_no_lms_is_told(beside, server):
    server.campus.courses.clear()
    beside.write("credentials.yaml", DECLARATIONS)
    refused = beside("apply", "credentials.yaml")
    assert refused.returncode == 1
    assert f"configurations[0]: context: '{CERT101}' is not known to 'An LMS over HTTP'" in refused.stderr


def test_a_setting_that_is_wrong_is_told_without_the_secret(site):
    site.environment |= {
        "CONFERRAL_LMS": "rest",
        "CONFERRAL_PLUGINS": json.dumps(
            {"rest": {"url": "lms.example.org", "client_id": "x", "client_secret": "hush"}}
        ),
    }
    site.ok("migrate", "--verbosity", "0")
    refused = site("lms", "check")
    assert refused.returncode == 1
    assert "CONFERRAL_PLUGINS: rest.url" in refused.stderr
    assert "hush" not in refused.stderr + refused.stdout
