"""Python begins with this where it is on the path: processes then have the clock that a file sets, and it goes on."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import time_machine

PATH = os.environ.get("CONFERRAL_TESTS_CLOCK", "")
READY = threading.Event()


def follow():
    """Sets the clock again whenever the file says something else."""
    path, said = Path(PATH), ""
    traveller = None
    while True:
        now = path.read_text(encoding="ascii")
        if now and now != said:
            said = now
            set_at, _, instant = now.partition(" ")
            if traveller:
                traveller.stop()
            late = timedelta(seconds=monotonic() - float(set_at))
            traveller = time_machine.travel(datetime.fromisoformat(instant).astimezone(UTC) + late, tick=True)
            traveller.start()
            READY.set()
        sleep(0.05)


def start():
    """In a thread of its own; once the clock is set."""
    READY.clear()
    threading.Thread(target=follow, daemon=True).start()
    READY.wait(10)


if PATH:
    start()
    os.register_at_fork(after_in_child=start)
