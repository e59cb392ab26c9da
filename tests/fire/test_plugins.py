"""Rules and designs of other people that raise, hang, leak, answer rubbish, or are gone."""

import re
import time

import pytest

from conferral.issuance.generate import GROWTH
from tests.acceptance.conftest import COURSE
from tests.fire.ground import PATIENCE, megabytes

LEARNERS = 60
MOST_KIB = 768_000
"""Of a worker's process, between two batches: as the service's settings have it."""
PATIENT = {"CONFERRAL_PLUGIN_SECONDS": "2", "CONFERRAL_LEASE_SECONDS": "6"}


def among(site, generator, odd, learners=LEARNERS, *, named="Learner {}"):
    """Everybody has a name of their own, and one has the odd one; the design is that generator's."""
    declarations = site.declarations()
    site.write(
        "credentials.yaml", re.sub(r"\{generator: pdf, options: .*\}\}", f"{{generator: {generator}}}", declarations)
    )
    rows = [f"learner-{one},learner-{one}@example.com,{named.format(one)},1\n" for one in range(learners - 1)]
    site.write("roster.csv", "username,email,name,completion\n" + "".join(rows) + f"odd,odd@example.com,{odd},1\n")
    site.ok("apply", "credentials.yaml")
    site.ok("roster", "import", COURSE, "roster.csv")


def beside(site, name, processor, generator):
    """Another type of that course."""
    types, _, configurations = site.declarations().partition("configurations:")
    line = configurations.strip().removeprefix("- ")
    site.write(
        "credentials.yaml",
        f"{types}  - name: {name}\n    processor: {processor}\n    generators: {{certificate: {generator}}}\n"
        f"configurations:\n  - {line}\n  - {line.replace('type: Completion', f'type: {name}')}\n",
    )
    site.ok("apply", "credentials.yaml")


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


def test_a_design_that_hangs_with_everybody_leaves_the_worker_to_others(fire, tell):
    """One worker: were each of them tried for two seconds, the other type's would wait for two minutes."""
    site = fire("mysql", "rabbitmq", LEARNERS, CONFERRAL_RETRY_SECONDS="600", CONFERRAL_BATCH_SIZE="20", **PATIENT)
    among(site, "hanging", "Hang", named="Hang {}")
    beside(site, "Attendance", "completion", "{generator: text}")
    site.worker(concurrency=1)
    site.make_due()
    site.wait(lambda: by_type(site).get(("Attendance", "available")) == LEARNERS, "the other type's", nudging=1)
    assert by_type(site) == {("Completion", "pending"): LEARNERS, ("Attendance", "available"): LEARNERS}
    said = "select count(*) from conferral_credentialartifact where last_error like '{}%'"
    tried, waits = said.format("making certificate took longer than 2 s"), said.format("it waits, for making others")
    assert (site.number(tried), site.number(waits)) == (2, LEARNERS - 2)
    tell(f"2 of {LEARNERS} were tried, the others wait with the reason; {LEARNERS} of another type were made")


def test_a_rule_that_nobody_can_interrupt_loses_its_process_and_nothing_else(fire, tell):
    """Its runs issue nothing and say so, with growing pauses between them; another type of the course goes on."""
    site = fire("postgresql", "redis", LEARNERS, CONFERRAL_RETRY_SECONDS="1", **PATIENT)
    among(site, "text", "Odd")
    beside(site, "Attendance", "stuck", "{generator: text}")
    site.worker()
    site.make_due()
    said = "select error from conferral_run where status = 'lost' and error like '%3 times in a row%'"
    site.wait(lambda: site.rows(said), "the reason", nudging=1)
    ((error,),) = site.rows(said)
    assert error.startswith(
        "the process that ran it ended without closing it, 3 times in a row (learners looked at: 0): "
    )
    site.wait(lambda: by_type(site) == {("Completion", "available"): LEARNERS}, "the other type's", nudging=1)
    assert site.number("select min(attempts) from conferral_run where error like '%3 times in a row%'") == 3
    site.assert_files(LEARNERS)
    tell(f"3 runs lost their processes, which is told; {LEARNERS} of another type were issued")


def test_a_design_that_leaks_loses_its_process(fire, tell):
    """Twenty megabytes with each certificate, and nothing is set: a batch alone would take 2,000 MB."""
    learners = 120
    site = fire("postgresql", "redis", learners, CONFERRAL_BATCH_SIZE="100")
    among(site, "leaking", "Odd", learners)
    site.worker(concurrency=1)
    site.make_due()
    largest = {}
    end = time.monotonic() + PATIENCE
    while states(site) != {"available": learners}:
        assert time.monotonic() < end, site.log()
        for child in site.pool():
            largest[child.pid] = max(largest.get(child.pid, 0), megabytes(child))
        time.sleep(0.02)
    most = max(largest.values())
    # Who is below Celery's limit may begin another batch, and grow in it: as far as a batch lets it, and one more.
    assert most < (MOST_KIB * 1024 + GROWTH) / 1e6 + 50
    assert len(largest) >= 3
    tell(f"{learners * 20} MB leaked: {len(largest)} processes one after the other, the largest had {most:.0f} MB")


@pytest.fixture
def uninstalled(fire):
    """Two types, of which one has a design of another package's; and the environment without that package."""

    def make(**more):
        site = fire("postgresql", "redis", LEARNERS, CONFERRAL_RETRY_SECONDS="1", **more)
        among(site, "text", "Odd")
        beside(site, "Attendance", "completion", "{generator: pdf, options: {template: plain}}")
        there = site.environment["PYTHONPATH"]
        return site, there, there.replace(str(plugins_folder(there)), "")

    return make


BY_TYPE = """
    select name, conferral_credential.state, count(*) from conferral_credential
    join conferral_edition on conferral_edition.id = edition_id
    join conferral_credentialtype on conferral_credentialtype.id = type_id
    group by name, conferral_credential.state
"""


def by_type(site):
    """How many credentials, by their type and state."""
    return {(name, state): count for name, state, count in site.rows(BY_TYPE)}


def test_a_package_that_was_uninstalled_comes_back(uninstalled, tell):
    """Runs fail with that reason and issue nothing, another type's go on; when it is back, the next one issues."""
    site, there, without = uninstalled()
    site.environment["PYTHONPATH"] = without
    worker = site.worker()
    site.make_due()
    reason = "select count(*) from conferral_run where error like '%''text'' is not installed; installed: pdf'"
    site.wait(lambda: site.number(reason), "the reason", nudging=1)
    site.wait(lambda: by_type(site) == {("Attendance", "available"): LEARNERS}, "the other type's", nudging=1)
    site.kill(worker)
    site.environment["PYTHONPATH"] = there
    site.worker()
    site.wait(lambda: site.done(2 * LEARNERS), "all certificates and mails", nudging=1)
    site.assert_right(2 * LEARNERS)
    tell(f"its runs failed with the reason and issued nothing; {LEARNERS} of another type were issued; then all were")


def test_a_package_is_uninstalled_between_issuing_and_making(uninstalled, tell):
    """What was issued with it waits with the reason, another type's are made; when it is back, it is made."""
    site, there, without = uninstalled()
    issuing = site.worker("--queues", "conferral")
    site.make_due()
    finished = "select count(*) from conferral_run where status = 'finished'"
    site.wait(lambda: site.number(finished) == 2, "both runs", nudging=1)
    site.kill(issuing)
    assert by_type(site) == {("Attendance", "pending"): LEARNERS, ("Completion", "pending"): LEARNERS}
    site.environment["PYTHONPATH"] = without
    making = site.worker()
    waits = """
        select count(*) from conferral_credentialartifact where state = 'pending' and attempts > 0
        and next_try is not null and last_error like '%''text'' is not installed; installed: pdf'
    """
    site.wait(lambda: site.number(waits) == LEARNERS, "all of them to have the reason", nudging=1)
    expected = {("Attendance", "available"): LEARNERS, ("Completion", "pending"): LEARNERS}
    site.wait(lambda: by_type(site) == expected, "the other type's", nudging=1)
    site.kill(making)
    site.environment["PYTHONPATH"] = there
    site.worker()
    site.wait(lambda: site.done(2 * LEARNERS), "all certificates and mails", nudging=1)
    site.assert_right(2 * LEARNERS)
    tell(f"{LEARNERS} that were issued waited with the reason; {LEARNERS} of another type were made; then all were")


def plugins_folder(path):
    (found,) = [part for part in path.split(":") if part.endswith("tests/plugins")]
    return found
