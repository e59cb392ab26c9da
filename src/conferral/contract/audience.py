"""Who of those that qualify may get a credential: the options that are the same for every rule."""

from collections.abc import Iterator

from pydantic import Field

from conferral.contract.errors import Phrase
from conferral.contract.options import Options
from conferral.contract.progress import Standing

WRONG_MODE = Phrase("enrolled as %(mode)s, which gets none")
NO_MODE = Phrase("enrolled in a mode that nobody knows, which gets none")


class Audience(Options):
    """Who may get one. What is left out is as the platform does it for its own certificates."""

    modes: list[str] = Field(
        default_factory=list,
        description="Enrolment modes that get a credential, for example `verified`; none given: those that the "
        "platform gives certificates to, which is every mode but `audit`.",
    )
    inactive_accounts: bool = Field(False, description="Whether accounts get one that were never activated or are off.")
    beta_testers: bool = Field(False, description="Whether a course's beta testers get one.")
    course_staff: bool = Field(False, description="Whether those who teach or run the course get one.")
    platform_invalidations: bool = Field(
        False, description="Whether a platform certificate that staff invalidated keeps its learner from getting one."
    )
    platform_allowlist: bool = Field(
        False, description="Whether learners on the platform's certificate allowlist qualify whatever the rule says."
    )

    def refusals(self, standing: Standing) -> Iterator[str]:
        """Why this learner gets none, a line each; nothing when they may."""
        wrong_mode = standing.mode not in self.modes if self.modes and standing.mode else not standing.certified
        for refused, why in (
            (standing.retiring, Phrase("the account is being removed")),
            (wrong_mode, WRONG_MODE % {"mode": standing.mode} if standing.mode else NO_MODE),
            (not standing.active and not self.inactive_accounts, Phrase("the account is not active")),
            (standing.beta_tester and not self.beta_testers, Phrase("a beta tester of the course")),
            (standing.staff and not self.course_staff, Phrase("teaches or runs the course")),
            (
                standing.invalidated and self.platform_invalidations,
                Phrase("their platform certificate was invalidated"),
            ),
        ):
            if refused:
                yield why
