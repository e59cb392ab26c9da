"""Forecast: what a run would come to now, for somebody who waits for the answer; nothing is written."""

import time
from dataclasses import dataclass

from conferral.issuance import dry_run
from conferral.models import CredentialConfiguration

PATIENCE = 10.0
"""Seconds after which no further page of learners is looked at."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The figures of a dry run, as far as it came; whether that was all; and why the run would be held, if so."""

    figures: dict[str, int]
    whole: bool
    why_held: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def evaluated(self) -> int:
        """Learners looked at."""
        return self.figures.get("evaluated", 0)


def forecast(configuration: CredentialConfiguration, seconds: float = PATIENCE) -> Forecast:
    """What a run of the configuration would come to, saved or not; a ConferralError says why it could not run.

    It stops after the page of learners during which the time is over: then it is not the whole.
    """
    until, whole = time.monotonic() + seconds, True
    rows = dry_run.Rows(configuration)
    for _page in rows.pages():
        if time.monotonic() > until:
            whole = False
            break
    found = rows.forecast
    return Forecast(found.figures | {"not_yet": found.not_yet}, whole, found.why_held, found.remarks)
