"""Plugins that misbehave, installed for the tests as anybody's would be: by entry points."""

import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from math import inf, nan
from typing import ClassVar
from urllib.parse import quote

from django.core.mail.backends.base import BaseEmailBackend

from conferral.contract import (
    Artifact,
    Decision,
    Fact,
    Generator,
    Kind,
    LearningContext,
    Options,
    PathwaySource,
    PermanentError,
    Processor,
    Progress,
    TransientError,
)
from conferral.lms.roster import RosterGateway
from conferral.processors.completion import Completion, CompletionOptions


class NoOptions(Options):
    pass


class Stumbling(Processor[CompletionOptions]):
    """Raises for one learner."""

    label = "Stumbling"
    needs = Completion.needs
    Options = CompletionOptions

    def decide(self, progress, options, gathered):
        if progress.learner == "stone":
            raise ZeroDivisionError("a stone")
        return Completion().decide(progress, options, gathered)


class Dawdling(Processor[CompletionOptions]):
    """Takes for ever for one learner, and does not mind being told."""

    label = "Dawdling"
    needs = Completion.needs
    Options = CompletionOptions

    def decide(self, progress, options, gathered):
        while progress.learner == "stone":
            with suppress(Exception):
                time.sleep(60)
        return Completion().decide(progress, options, gathered)


class Unhurried(Completion):
    """Takes its time for each learner, so that somebody can look on: with the demo's sixty, five minutes."""

    label = "Unhurried"

    def decide(self, progress, options, gathered):
        time.sleep(5)
        return super().decide(progress, options, gathered)


class Stuck(Completion):
    """Hangs in compiled code for one learner: nobody can interrupt it."""

    label = "Stuck"

    def decide(self, progress, options, gathered):
        if progress.learner == "odd":
            sum(repeat(0))
        return super().decide(progress, options, gathered)


class IndiscreetRule(Processor[NoOptions]):
    """Says whom it was about, and names the others; in an error of the contract for some."""

    label = "Indiscreet"
    Options = NoOptions

    def gather(self, context, page, options, lms):
        return lms.people([progress.learner for progress in page])

    def decide(self, progress, options, gathered):
        raised = PermanentError if "stone" in progress.learner else ValueError
        raise raised(f"what about {progress.learner}, who is like {gathered}?")


class Dated(Processor[CompletionOptions]):
    """Knows since when: a year ago."""

    label = "Dated"
    needs = Completion.needs
    Options = CompletionOptions

    def decide(self, progress, options, gathered):
        decision = Completion().decide(progress, options, gathered)
        return replace(decision, earned=datetime.now(UTC) - timedelta(days=365))


class Senseless(Processor[NoOptions]):
    """Answers with something that is no decision."""

    label = "Senseless"
    Options = NoOptions

    def decide(self, progress, options, gathered):
        return True


class GatheringFails(Processor[NoOptions]):
    label = "Gathering fails"
    Options = NoOptions

    def gather(self, context, page, options, lms):
        raise ConnectionError("the other service is away")

    def decide(self, progress, options, gathered):
        return Decision.on(Fact("x", "1", "1", met=True))


class Text(Generator[NoOptions]):
    """The quickest generator: the name in a file."""

    label = "Text"
    Options = NoOptions

    def prepare(self, options, assets):
        return None

    def generate(self, prepared, request):
        return [Artifact(f"{request.slot}.txt", "text/plain", request.snapshot.name.encode())]


class TwoFiles(Text):
    label = "Two files"

    def generate(self, prepared, request):
        return [
            Artifact(f"{request.slot}.txt", "text/plain", request.snapshot.name.encode()),
            Artifact(f"{request.slot}.json", "application/json", b"{}"),
        ]


class Remote(Text):
    """Makes a credential elsewhere, whose answer differs from learner to learner; and withdraws it there."""

    label = "Remote"
    withdrawn = []

    def generate(self, prepared, request):
        name = request.snapshot.name
        problems = ("short name",) if len(name) < 3 else ()
        receipt = {"at": f"badges/{name}", "score": len(name), "none": None}
        return [
            Artifact(
                f"{request.slot}.html",
                "text/html",
                url=f"https://badges.example/{quote(name)}",
                receipt=receipt,
                problems=problems,
            )
        ]

    def revoke(self, options, artifacts):
        if self.raises:
            raise TransientError("the badge service is away")
        self.withdrawn.extend(artifact.receipt["at"] for artifact in artifacts)

    raises = False


class Unreliable(Text):
    """Works when somebody has mended the service."""

    label = "Unreliable"
    mended = False

    def generate(self, prepared, request):
        if not request.draft and not self.mended:
            raise TransientError("the badge service is away", delay=60)
        return super().generate(prepared, request)


class Buggy(Text):
    """Fails for odd names, one way or the other."""

    label = "Buggy"
    raised = {
        "Permanent": PermanentError("this name cannot be engraved"),
        "Bug": KeyError("oops"),
        "Nul": KeyError("a\0b"),
        "Surrogate": PermanentError("no \ud800"),
        "Disk": OSError(28, "No space left on device"),
        "Never": TransientError("later", delay=inf),
        "Before": TransientError("later", delay=-5),
        "Sometime": TransientError("later", delay=nan),
    }
    made = {
        "Nothing": [],
        "Path": [Artifact("../evil.txt", "text/plain", b"")],
        "Other": [Artifact("badge.txt", "text/plain", b"")],
        "Receipt": [Artifact("certificate.txt", "text/plain", b"x", receipt={"at": object()})],
        "NulReceipt": [Artifact("certificate.txt", "text/plain", b"x", receipt={"at": "b\0"})],
        "Twice": [Artifact("certificate.txt", "text/plain", b"x")] * 2,
        "Hollow": [Artifact("certificate.txt", "text/plain")],
        "Endless": [Artifact("certificate.txt", "text/" + "x" * 200, b"")],
    }

    def generate(self, prepared, request):
        if error := self.raised.get(request.snapshot.name):
            raise error
        return self.made.get(request.snapshot.name, super().generate(prepared, request))


class Hanging(Text):
    """Hangs with odd names: so that it can be interrupted; or deep in compiled code, where nobody can."""

    label = "Hanging"

    def generate(self, prepared, request):
        match request.snapshot.name.split():
            case ["Hang", *_]:
                time.sleep(3600)
            case ["Deep"]:
                sum(repeat(0))
        return super().generate(prepared, request)


class Indiscreet(Text):
    """Says whom it was about, and what else it knows of them."""

    label = "Indiscreet"

    def generate(self, prepared, request):
        if request.snapshot.name == "Zoraida Quispe":
            known = LookupError(f"zquispe77 <zoraida.q@example.org>: {request.snapshot.name}")
            raise ValueError(f"{request.snapshot} cannot be drawn") from known
        return super().generate(prepared, request)


class IndiscreetTransport(BaseEmailBackend):
    """A mail provider's own, that says to whom."""

    def open(self):
        return True

    def send_messages(self, messages):
        raise RuntimeError(f"not to {messages[0].to} of zquispe77: {messages[0].body}")


class Leaking(Text):
    """Keeps some megabytes of each learner."""

    label = "Leaking"
    kept: ClassVar = []

    def generate(self, prepared, request):
        self.kept.append(b"x" * 20_000_000)
        return super().generate(prepared, request)


class Broken(Text):
    """Has a bug that every learner meets."""

    label = "Broken"

    def generate(self, prepared, request):
        raise KeyError("oops")


class Telling(Text):
    """Remembers what it was asked for, and tells of drafts how large it set their name."""

    label = "Telling"

    def __init__(self):
        self.prepared, self.asked = 0, []

    def prepare(self, options, assets):
        self.prepared += 1

    def generate(self, prepared, request):
        self.asked.append(request)
        (artifact,) = super().generate(prepared, request)
        sizes = {"name": 120 / len(request.snapshot.name), "title": 20, "odd": "large", "flag": True}
        return [replace(artifact, receipt={"sizes": sizes} if request.draft else {})]


class BreakingGateway(RosterGateway):
    """Its connection breaks after the first page."""

    label = "Breaking"

    def progress(self, context, needs, learners=None):
        for page in super().progress(context, needs, learners):
            yield page
            raise ConnectionError("the LMS is away")


class CatalogPathways(PathwaySource):
    """Pathways of another kind, kept elsewhere: `catalog-pathway:ORG:CODE`."""

    label = "Catalog"
    steps = ("course-v1:Example+CERT101+2026_T1", "course-v1:Example+CERT102+2026_T1")

    def knows(self, key):
        return key.startswith("catalog-pathway:")

    def describe(self, key, lms):
        return (
            LearningContext(key, Kind.PATHWAY, "From the catalog", steps=self.steps) if key.endswith(":DATA") else None
        )

    def members(self, context, lms, learners=None):
        found = [name for name in ("ana", "bo") if learners is None or name in learners]
        if found:
            yield [Progress(name) for name in found]
