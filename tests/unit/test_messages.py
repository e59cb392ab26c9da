"""Messages between versions: what another version wrote is dropped, and nothing breaks."""

import pytest

from conferral import tasks
from conferral.issuance.sweep import Waiting


@pytest.fixture
def swept(monkeypatch):
    """How often the sweep was carried out."""
    done = []
    monkeypatch.setattr(tasks, "look_around", lambda: done.append(1) or Waiting([], 0, 0))
    return done


@pytest.mark.parametrize(("said", "runs"), [({}, 1), ({"conferral_version": 1}, 1), ({"conferral_version": 2}, 0)])
def test_a_message_of_another_version_is_dropped(swept, said, runs):
    tasks.sweep.push_request(**said)  # as a worker does with what a message says
    try:
        tasks.sweep()
    finally:
        tasks.sweep.pop_request()
    assert len(swept) == runs


def test_messages_say_their_version(monkeypatch):
    seen = {}
    monkeypatch.setattr("celery.Task.apply_async", lambda self, *arguments, **named: seen.update(named))
    tasks.generate.delay()
    assert seen["headers"] == {"conferral_version": tasks.VERSION}
