"""Messages between versions: what another version wrote is dropped, but for beat's ticks, and nothing breaks."""

import pytest

from conferral import tasks
from conferral.issuance.generate import Batch
from conferral.issuance.sweep import Waiting


@pytest.fixture
def swept(monkeypatch):
    """How often the sweep was carried out."""
    done = []
    monkeypatch.setattr(tasks, "look_around", lambda: done.append(1) or Waiting([], 0, 0))
    return done


def got(task, said, *arguments):
    """As a worker does with what a message says."""
    task.push_request(**said)
    try:
        task(*arguments)
    finally:
        task.pop_request()


@pytest.mark.parametrize(("said", "runs"), [({}, 1), ({"conferral_version": 1}, 1), ({"conferral_version": 2}, 0)])
def test_a_message_of_another_version_is_dropped(monkeypatch, said, runs):
    asked = []
    monkeypatch.setattr(tasks, "carry_out", asked.append)
    got(tasks.dry_run, said, 7)
    assert asked == [7] * runs


@pytest.mark.parametrize("version", [1, 2])
def test_what_beat_sends_is_obeyed_whichever_version_beat_is_of(swept, monkeypatch, version):
    """Else nothing would be made good until an old beat is restarted."""
    days = []
    monkeypatch.setattr(tasks, "once_a_day", lambda: days.append(1))
    got(tasks.sweep, {"conferral_version": version})
    got(tasks.daily, {"conferral_version": version})
    assert (swept, days) == ([1], [1])


def test_messages_say_their_version(monkeypatch):
    seen = {}
    monkeypatch.setattr("celery.Task.apply_async", lambda self, *arguments, **named: seen.update(named))
    tasks.generate.delay()
    assert seen["headers"] == {"conferral_version": tasks.VERSION}


def test_what_the_sweep_asks_for_waits_in_a_late_queue_and_what_goes_on_from_there_gives_way(monkeypatch):
    """A queue that is shared may always be late by minutes; and others are not to wait for thousands of ours."""
    sent = []
    monkeypatch.setattr(
        "celery.Task.apply_async",
        lambda task, *_, **named: sent.append((task.name, named.get("expires", task.expires))),
    )
    waiting = Waiting([5], artifacts=1000, messages=1)
    monkeypatch.setattr(tasks, "look_around", lambda: waiting)
    tasks.sweep()
    assert sent[0] == ("conferral.run_if_due", 900)
    assert [each for name, each in sent if name == "conferral.generate"] == [900, *[60] * 9]
    assert [each for name, each in sent if name == "conferral.deliver"] == [900]
    assert tasks.sweep.expires == 900
    sent.clear()
    monkeypatch.setattr(tasks, "generate_batch", lambda: Batch(artifacts=100, messages=3))
    tasks.generate()
    assert sent == [("conferral.deliver", 60), ("conferral.generate", 60)]
