"""Listed learners: these people, by username or e-mail."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from conferral.contract import LMS, Decision, Fact, LearningContext, Need, Options, Processor, Progress


class ListedOptions(Options):
    """Who is listed."""

    learners: list[str] = Field(
        min_length=1,
        description="Usernames or e-mail addresses; an address is compared without regard to upper and lower case.",
        json_schema_extra={"format": "people"},  # not for everybody who may look at the type
    )


class Listed(Processor[ListedOptions]):
    """Eligible when the learner is on the list; they must take part in the course, lesson or pathway."""

    label = "Listed learners"
    needs = frozenset({Need.PEOPLE})
    per_step = False
    Options = ListedOptions

    def gather(self, context: LearningContext, page: Sequence[Progress], options: ListedOptions, lms: LMS) -> Any:
        """Of the page's learners, those on the list, and by which entry."""
        usernames = set(options.learners)
        addresses = {entry.casefold(): entry for entry in options.learners if "@" in entry}
        found = {progress.learner: progress.learner for progress in page if progress.learner in usernames}
        if addresses:
            for person in lms.people([progress.learner for progress in page]):
                if person.email and person.email.casefold() in addresses:
                    found.setdefault(person.key, addresses[person.email.casefold()])
        return found

    def example(self, options: ListedOptions) -> Sequence[Fact]:
        """On the list."""
        return (Fact("listed", "yes", "yes", met=True),)

    def decide(self, progress: Progress, options: ListedOptions, gathered: Mapping[str, str]) -> Decision:
        """On the list or not."""
        listed = progress.learner in gathered
        return Decision.on(Fact("listed", "yes" if listed else "no", "yes", met=listed))
