"""How long other people's code may take where nobody can interrupt it: in the threads of a web server."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conferral import journal
from conferral.issuance import limit
from conferral.issuance.limit import TookTooLong, within


@pytest.fixture
def elsewhere():
    """Does something in a thread that is not the main one, as a web server does."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda call: pool.submit(call).result(10)


def test_what_is_made_in_time_is_returned_in_any_thread(elsewhere):
    assert within(5, "making", lambda: 1) == 1
    assert elsewhere(lambda: within(5, "making", lambda: 1)) == 1


def test_what_it_raises_is_raised(elsewhere):
    with pytest.raises(TimeoutError, match="its own"):
        elsewhere(lambda: within(5, "making", lambda: (_ for _ in ()).throw(TimeoutError("its own"))))


def test_what_hangs_is_left_behind_and_so_many_at_most(elsewhere, monkeypatch):
    monkeypatch.setattr(limit, "_left", [])
    ends = threading.Event()
    try:
        for _ in range(limit.MOST_LEFT):
            with pytest.raises(TookTooLong, match=r"making took longer than 0\.01 s"):
                elsewhere(lambda: within(0.01, "making", ends.wait))
        with pytest.raises(TookTooLong, match="making is not begun, for 8 others hang"):
            elsewhere(lambda: within(0.01, "making", ends.wait))
    finally:
        ends.set()
    for thread in limit._left:
        thread.join(5)
    assert elsewhere(lambda: within(5, "making", lambda: 1)) == 1


def test_in_the_main_thread_it_is_interrupted():
    with pytest.raises(TookTooLong):
        within(0.05, "making", lambda: time.sleep(60))


def test_it_is_as_discreet_there(elsewhere):
    def hidden():
        with journal.hiding("Zoraida"):
            return within(5, "making", lambda: journal.discreet("Zoraida"))

    assert elsewhere(hidden) == journal.HIDDEN
