"""Beat's scheduler: django-celery-beat's, which goes on when the clock is set back.

Of a task that was sent at an hour that has not come yet, the original waits until it has: an hour, or a day of a
machine that began with a wrong date. A restart does not help, for the hour is in the database.
"""

import time
from typing import Any

from celery.utils.time import maybe_make_aware
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry


class Entry(ModelEntry):  # type: ignore[misc]  # it has no types
    """A periodic task that was never sent in the future."""

    last_run_at: Any

    def is_due(self) -> Any:
        """Whether it is due, and in how many seconds to look again."""
        now = self._default_now()
        if maybe_make_aware(self.last_run_at) > maybe_make_aware(now):
            self.last_run_at = now
        return super().is_due()


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Looks at all its tasks anew when the clock was set back: their order is that of instants."""

    Entry = Entry
    _looked = 0.0

    def tick(self, *arguments: Any, **named: Any) -> Any:
        """One round; in how many seconds the next one is."""
        now = time.time()
        if now < self._looked:
            self._heap_invalidated = True
        self._looked = now
        return super().tick(*arguments, **named)
