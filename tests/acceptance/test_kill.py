"""`kill -9` at ten moments of a run: the next run completes it, nobody twice, nobody lost."""

import hashlib
import signal
import time
from email import message_from_bytes

import pytest

LEARNERS = 120
MOMENTS = 10


def make(site):
    site.set_up([(f"learner-{number}", f"Learner {number}", "1") for number in range(LEARNERS)])
    site.environment |= {"CONFERRAL_PAGE_SIZE": "10", "CONFERRAL_BATCH_SIZE": "10"}


def wait_for_the_run(site, process):
    while not site.rows("select 1 from conferral_run"):
        assert process.poll() is None


def wait_for_progress(site, process, share):
    """Until so much of all that is to be issued and made is done; by the clock a machine that is busy would be late."""
    while progress(site) < share * 2 * LEARNERS and process.poll() is None:
        time.sleep(0.001)


def progress(site):
    ((issued,),) = site.rows("select count(*) from conferral_credential")
    ((stored,),) = site.rows("select count(*) from conferral_credentialartifact where state = 'stored'")
    return issued + stored


@pytest.mark.parametrize("half", ["early", "late"])
def test_killed_at_ten_moments(site, tmp_path, half):
    make(site)
    moments = range(MOMENTS // 2) if half == "early" else range(MOMENTS // 2, MOMENTS)
    interrupted = set()
    for moment in moments:
        killed = site.copy(tmp_path / f"killed-{moment}")
        process = killed.start("run", "--json")
        wait_for_the_run(killed, process)
        # The first ones fall into issuing, the others into generating.
        wait_for_progress(killed, process, moment / MOMENTS)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        ((status,),) = killed.rows("select status from conferral_run")
        ((stored,),) = killed.rows("select count(*) from conferral_credentialartifact where state = 'stored'")
        ((issued,),) = killed.rows("select count(*) from conferral_credential")
        interrupted.add((status, issued, stored))

        killed.ok("run", "--json")
        assert_complete(killed)
    assert len(interrupted) > 1, interrupted
    assert any(stored < LEARNERS for *_, stored in interrupted)


def assert_complete(site):
    """Read straight from the database and the disk."""
    holders = site.rows("select learner_id, state from conferral_credential where current")
    assert len(holders) == len({learner for learner, _ in holders}) == LEARNERS
    assert {state for _, state in holders} == {"available"}
    files = site.rows("select storage_name, sha256 from conferral_credentialartifact")
    assert len({name for name, _ in files}) == LEARNERS
    for name, sha256 in files:
        assert hashlib.sha256((site.home / "files" / name).read_bytes()).hexdigest() == sha256
    assert not site.rows("select 1 from conferral_run where active")
    folder = site.home / "files"
    there = {str(path.relative_to(folder)) for path in (folder / "credentials").rglob("*") if path.is_file()}
    assert there == {name for name, _ in files}
    mails = [message_from_bytes(path.read_bytes())["Message-ID"] for path in (site.home / "mail").glob("*.eml")]
    assert len(set(mails)) == LEARNERS
    assert len(mails) <= LEARNERS + 1  # the one that was on its way when the process was killed
