"""What a run came to, as a table for people and as JSON for machines."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from conferral.contract.context import short_key
from conferral.models import Credential, CredentialArtifact, CredentialConfiguration, Delivery, Run

VERDICTS = {
    CredentialArtifact.State.FAILED: "failed",
    CredentialArtifact.State.PENDING: "will be tried again",
}
MAIL_VERDICTS = {
    Delivery.State.FAILED: "mails given up",
    Delivery.State.SKIPPED: "not written to",
    Delivery.State.PENDING: "mails will be tried again",
}
FIGURES = ("evaluated", "eligible", "already", "issued", "failed", "mailed")
BESIDES = ("pending", "held", "waiting", "refused")
"""Figures that are told where there is something to tell."""


@dataclass(slots=True)
class RunReport:
    """One run. `issued` are those whose certificates are there; `pending` are not made yet."""

    context: str
    type: str
    status: str = ""
    evaluated: int = 0
    eligible: int = 0
    already: int = 0
    issued: int = 0
    held: int = 0
    waiting: int = 0
    refused: int = 0
    unmailed: int = 0
    pending: int = 0
    failed: int = 0
    mailed: int = 0
    seconds: float = 0.0
    error: str = ""
    problems: list[str] = field(default_factory=list)
    learners: list[dict[str, Any]] | None = None
    run: Run | None = None

    @classmethod
    def of(cls, configuration: CredentialConfiguration) -> "RunReport":
        """An empty report of a configuration."""
        return cls(configuration.context_key, configuration.type.name)

    @property
    def short(self) -> str:
        """What people call the context."""
        return short_key(self.context)

    def take(self, run: Run) -> None:
        """The figures of a closed run, whose artifacts have been made by now."""
        self.run = run
        states = dict(run.credentials.values_list("state").annotate(Count("pk")).order_by())
        lost = states.get(Credential.State.FAILED, 0)
        self.status = run.status
        for name in ("evaluated", "eligible", "already", "held", "waiting", "refused"):
            setattr(self, name, getattr(run, name))
        self.pending = states.get(Credential.State.PENDING, 0)
        self.issued = run.issued - lost - self.pending
        self.failed = run.failed + lost
        self.problems = [*run.remarks.splitlines(), *_reasons(run), *_standing(run)]
        if run.failed:
            self.problems.append(f"{run.failed} could not be decided; `conferral run --dry-run` says why")

    def take_deliveries(self) -> None:
        """What became of the run's messages."""
        messages = Delivery.objects.filter(credential__run=self.run) if self.run else Delivery.objects.none()
        states = dict(messages.values_list("state").annotate(Count("pk")).order_by())
        self.mailed = states.get(Delivery.State.SENT, 0)
        waiting = messages.filter(state=Delivery.State.PENDING, last_error="").count()
        if waiting:
            self.problems.append(f"{waiting} mails wait to be sent; the sending rate allows no more now")
        troubled = messages.exclude(state=Delivery.State.SENT).exclude(last_error="").values_list("state", "last_error")
        self.problems += [
            f"{count} {MAIL_VERDICTS[state]}: {reason}"
            for state, reason, count in troubled.annotate(count=Count("pk")).order_by("-count", "last_error")
        ]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        shown = {
            name: getattr(self, name)
            for name in ("context", "type", "status", *FIGURES, *BESIDES, "seconds", "error", "problems")
        }
        return shown if self.learners is None else shown | {"learners": self.learners}


def show(reports: list[RunReport], console: Console) -> None:
    """A line for each run, and under it what a person should know."""
    label = max(cell_len(each.type) for each in reports)
    short = max(cell_len(each.short) for each in reports)
    console.print(" " * (short + label + 6) + "  ".join(f"{name:>9}" for name in FIGURES), style="dim")
    for each in reports:
        padding = " " * (label - cell_len(each.type))
        figures = "  ".join(f"{getattr(each, name):>9}" for name in FIGURES)
        console.print(f"  [bold]{escape(each.short):<{short}}[/]  {escape(each.type)}{padding}  {figures}")
        if each.error:
            console.print(f"    [red]✗ {escape(each.error)}[/]")
        for problem in each.problems:
            console.print(f"    [yellow]! {escape(problem)}[/]")
        if each.pending:
            console.print(f"    [yellow]! {each.pending} not made yet; `conferral run` takes up what waits[/]")
        for line in _besides(each):
            console.print(f"    {line}")
        for learner in each.learners or ():
            console.print(
                f"    {learner['outcome']:<9} {escape(learner['username'])}  [dim]{escape(learner['reason'])}[/]"
            )


def _besides(each: RunReport) -> Iterator[str]:
    """What else a person should know of the figures."""
    if each.held:
        held = "held back: `conferral held` shows them" if each.run else "would be held back"
        yield f"[yellow]! {each.held} {held}[/]"
    if each.unmailed:
        yield f"[yellow]! {each.unmailed} cannot be written to[/]"
    for count, what in ((each.waiting, "qualify and wait"), (each.refused, "refused")):
        if count:
            yield f"[dim]{count} {what}[/]"


def _reasons(run: Run) -> list[str]:
    """Why certificates of this run could not be made, or not yet, each reason once."""
    troubled = CredentialArtifact.objects.filter(credential__run=run).exclude(last_error="")
    counted = troubled.values_list("state", "last_error").annotate(count=Count("pk"))
    return [f"{count} {VERDICTS[state]}: {reason}" for state, reason, count in counted.order_by("-count", "last_error")]


def _standing(run: Run) -> list[str]:
    """What earlier runs left: nobody gets a second one, and nobody is forgotten."""
    earlier = Credential.objects.filter(configuration=run.configuration, current=True, state=Credential.State.FAILED)
    count = earlier.filter(revoked=None, learner__retired=None).exclude(run=run).count()
    return (
        [f"{count} failed earlier; `conferral credentials {run.configuration.context_key}` says why"] if count else []
    )
