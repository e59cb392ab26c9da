"""Content completed: the share of the course's content that a learner has gone through."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pydantic import Field

from conferral.contract import Decision, Fact, Need, Options, Processor, Progress, Share


class CompletionOptions(Options):
    """How much has to be completed."""

    required_completion: Share = Field(
        Decimal(1), description="Share of the content that has to be completed; reaching it exactly is enough."
    )


class Completion(Processor[CompletionOptions]):
    """Eligible when the content completed reaches the threshold."""

    label = "Content completed"
    needs = frozenset({Need.COMPLETION})
    Options = CompletionOptions

    def example(self, options: CompletionOptions) -> Sequence[Fact]:
        """Everything completed."""
        return (Fact.share("completion", Decimal(1), options.required_completion),)

    def decide(self, progress: Progress, options: CompletionOptions, gathered: Any) -> Decision:
        """Compares the completion, exactly as the source stores it."""
        return Decision.on(Fact.share("completion", progress.completion, options.required_completion))
