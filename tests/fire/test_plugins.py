"""Rules and designs of other people that raise, hang, leak, answer rubbish, or are gone."""

import re
import time

import pytest

from tests.acceptance.conftest import COURSE
from tests.fire.ground import megabytes

LEARNERS = 60
PATIENT = {"CONFERRAL_PLUGIN_SECONDS": "2", "CONFERRAL_LEASE_SECONDS": "6"}


def among(site, generator, odd):
    """Everybody has a name of their own, and one has the odd one; the design is that generator's."""
    declarations = site.declarations()
    site.write(
        "credentials.yaml", re.sub(r"\{generator: pdf, options: .*\}\}", f"{{generator: {generator}}}", declarations)
    )
    rows = [f"learner-{number},learner-{number}@example.com,Learner {number},1\n" for number in range(LEARNERS - 1)]
    site.write("roster.csv", "username,email,name,completion\n" + "".join(rows) + f"odd,odd@example.com,{odd},1\n")
    site.ok("apply", "credentials.yaml")
    site.ok("roster", "import", COURSE, "roster.csv")


def states(site):
    return dict(site.rows("select state, count(*) from conferral_credential group by state"))


@pytest.mark.parametrize(
    ("generator", "odd", "says"),
    [
        ("buggy", "Bug", "the generator raised KeyError('oops')"),
        ("buggy", "Nothing", "the generator made nothing"),
        ("hanging", "Hang", "given up after 3 tries: making certificate took longer than 2 s"),
        ("hanging", "Deep", "given up: the worker stopped 3 times while making it"),
    ],
    ids=["raises", "rubbish", "hangs", "hangs in compiled code"],
)
def test_a_design_fails_for_one_learner_alone(fire, tell, generator, odd, says):
    site = fire("postgresql", "redis", LEARNERS, CONFERRAL_ATTEMPTS="3", **PATIENT)
    among(site, generator, odd)
    site.worker()
    site.make_due()
    site.wait(lambda: states(site) == {"available": LEARNERS - 1, "failed": 1}, "all but one", nudging=1)
    ((said,),) = site.rows("select last_error from conferral_credentialartifact where state = 'failed'")
    assert said == says
    site.wait(lambda: len(site.mails.received) == LEARNERS - 1, "the others' mails", nudging=1)
    assert "odd@example.com" not in site.mails.recipients
    ended = site.log_count("exited with") + site.log_count("WorkerLostError")
    assert (ended > 0) == (odd == "Deep")
    tell(f"{generator}, {odd}: 1 of {LEARNERS} failed: {said}")


def test_a_design_that_leaks_loses_its_process(fire, tell):
    """Twenty megabytes with each certificate: sixty of them would be more than a process may have."""
    site = fire("postgresql", "redis", LEARNERS, CONFERRAL_BATCH_SIZE="5")
    among(site, "leaking", "Odd")
    site.worker("--max-memory-per-child", "300000", concurrency=1)
    site.make_due()
    most, processes = 0, set()
    while states(site) != {"available": LEARNERS}:
        for child in site.pool():
            processes.add(child.pid)
            most = max(most, megabytes(child))
        time.sleep(0.02)
    assert most < 600
    assert len(processes) > 2
    tell(f"{LEARNERS * 20} MB leaked: {len(processes)} processes one after the other, the largest had {most:.0f} MB")


def test_a_package_that_was_uninstalled_comes_back(fire, tell):
    """Runs fail with that reason and issue nothing; when it is back, the next one issues."""
    site = fire("postgresql", "redis", LEARNERS, CONFERRAL_RETRY_SECONDS="1")
    among(site, "text", "Odd")
    there = site.environment["PYTHONPATH"]
    worker = site.worker()
    site.environment["PYTHONPATH"] = there.replace(str(plugins_folder(there)), "")
    without = site.worker()
    site.kill(worker)
    site.make_due()
    reason = "select count(*) from conferral_run where error like '%''text'' is not installed; installed: pdf'"
    site.wait(lambda: site.number(reason), "the reason", nudging=1)
    assert states(site) == {}
    site.kill(without)
    site.environment["PYTHONPATH"] = there
    site.worker()
    site.wait(lambda: site.done(LEARNERS), "all certificates and mails", nudging=1)
    site.assert_right(LEARNERS, repeats=0)
    tell("the run failed with the reason and issued nothing; when the package came back, the next one issued")


def plugins_folder(path):
    (found,) = [part for part in path.split(":") if part.endswith("tests/plugins")]
    return found
