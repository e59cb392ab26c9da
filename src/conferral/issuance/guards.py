"""Guards: what holds back what a run would issue, before anybody sees it: too many at once, too early, unseen."""

from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from pydantic import Field

from conferral import schedules
from conferral.contract import Options, Phrase, Share
from conferral.contract.options import parse
from conferral.models import CredentialConfiguration, Run

WAIT_PATTERN = r"^$|^[1-9]\d{0,3} (hour|day|week)s?$"
REVIEW = Phrase("each is to be looked at before it is issued")
"""Why a run of a configuration under review is held."""
AT_ONCE = Phrase(
    "%(issued)s of %(evaluated)s learners would get one at once, more than the %(most)s that the guard lets pass"
)


class Guards(Options):
    """When a run, or a credential, waits for a person or for time to pass."""

    enabled: bool = Field(True, description="Whether a run by schedule that issues to too many at once is held.")
    learners: int = Field(
        50, ge=0, le=10_000_000, description="So many learners at once are never too many; or the share, if it is more."
    )
    share: Share = Field(
        Decimal("0.2"), description="Share of the learners evaluated that is never too many; or the number above."
    )
    wait: str = Field(
        "",
        pattern=WAIT_PATTERN,
        description="Time between qualifying and issuing, like `7 days`, `12 hours` or `2 weeks`. Who does not qualify "
        "any more when it ends gets nothing.",
    )
    review: bool = Field(False, description="Whether each credential is held until a person releases or refuses it.")

    @property
    def pause(self) -> timedelta | None:
        """The waiting period."""
        if not self.wait:
            return None
        number, unit = self.wait.split()
        return int(number) * schedules.UNITS[unit.rstrip("s")]

    def most(self, evaluated: int) -> int:
        """How many may be issued to at once, of so many evaluated."""
        return max(self.learners, int((self.share * evaluated).to_integral_value(ROUND_FLOOR)))

    def objection(self, issued: int, evaluated: int) -> str:
        """Why a run that issues to so many is held; empty when it is not."""
        most = self.most(evaluated)
        if not self.enabled or issued <= most:
            return ""
        return AT_ONCE % {"issued": issued, "evaluated": evaluated, "most": most}


def of(configuration: CredentialConfiguration) -> Guards:
    """Its guards, with the defaults for what it does not say."""
    return parse(Guards, configuration.guards, "guards")


def why_held(run: Run, guards: Guards, *, issued: int, evaluated: int) -> str:
    """Why all that the run would issue is held, in one line; empty when it is not.

    Guards are for what runs by itself, and for a person who has not confirmed the number; review is for every run.
    """
    if run.release or not issued:
        return ""
    if guards.review:
        return REVIEW
    return "" if run.trigger == Run.Trigger.COMMAND else guards.objection(issued, evaluated)


def since(earned: datetime | None, remembered: datetime | None, now: datetime) -> datetime:
    """Since when somebody qualifies: as the rule tells, else since a run first saw it. In whole minutes."""
    found = min(earned or remembered or now, now)
    return found.replace(second=0, microsecond=0)
