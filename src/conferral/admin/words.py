"""The reader's words for what the records say in code, and lists narrowed by them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.units import format_unit
from django.contrib import admin
from django.db.models import Model, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.facts import locale, number
from conferral.issuance.evaluate import Outcome
from conferral.issuance.verdict import standing
from conferral.models import Act, Credential, CredentialArtifact, Delivery, Reissue, Run

Words = Mapping[str, str | Promise]

CREDENTIAL: Words = {
    Credential.State.HELD: _("held back"),
    Credential.State.PENDING: _("being made"),
    Credential.State.AVAILABLE: _("ready"),
    Credential.State.FAILED: _("failed"),
    "revoked": _("revoked"),
    "replaced": _("replaced"),
    "expired": _("expired"),
    "removed": pgettext_lazy("credential", "removed"),
}
ARTIFACT: Words = {
    CredentialArtifact.State.PENDING: _("to be made"),
    CredentialArtifact.State.STORED: pgettext_lazy("file", "ready"),
    CredentialArtifact.State.FAILED: pgettext_lazy("file", "failed"),
}
DELIVERY: Words = {
    Delivery.State.PENDING: _("waiting"),
    Delivery.State.SENT: _("sent"),
    Delivery.State.FAILED: _("given up"),
    Delivery.State.SKIPPED: _("not to be sent"),
}
RUN: Words = {
    Run.Status.RUNNING: _("running"),
    Run.Status.FINISHED: _("finished"),
    Run.Status.HELD: _("held back"),
    Run.Status.ASKED: _("about to begin"),
    Run.Status.REFUSED: _("refused"),
    Run.Status.CANCELLED: _("cancelled"),
    Run.Status.FAILED: _("failed"),
    Run.Status.LOST: _("broken off"),
}
REISSUE: Words = {
    Reissue.Status.ASKED: _("about to begin"),
    Reissue.Status.RUNNING: _("running"),
    Reissue.Status.FINISHED: _("finished"),
    Reissue.Status.CANCELLED: _("cancelled"),
    Reissue.Status.FAILED: _("failed"),
}
TRIGGER: Words = {
    Run.Trigger.SCHEDULE: _("the schedule"),
    Run.Trigger.COMMAND: _("a command"),
    Run.Trigger.PERSON: _("a person"),
}
VERB: Words = {
    "created": _("created"),
    "changed": _("changed"),
    "renamed": _("renamed"),
    "uploaded": _("uploaded"),
    "activated": _("made current"),
    "to be activated": _("to be made current"),
    "not activated": _("could not be made current"),
    "not to be activated": _("not to be made current any more"),
    "closed": _("closed"),
    "opened again": _("opened again"),
    "run asked for": _("run asked for"),
    "dry run asked for": _("dry run asked for"),
    "cancelled": pgettext_lazy("act", "cancelled"),
    "released": _("released"),
    "some released": _("some released"),
    "refused": pgettext_lazy("act", "refused"),
    "some refused": _("some refused"),
    "allowed": _("always issued from now on"),
    "list taken back": _("the rule decides again"),
    "awarded": _("awarded"),
    "revoked": pgettext_lazy("act", "revoked"),
    "reissued": _("reissued"),
    "reissue asked for": _("reissue asked for"),
    "reissue ended": _("reissue ended"),
    "mail sent again": _("mail sent again"),
    "tried again": _("tried again"),
    "name asked for": _("another name asked for"),
    "name refused": _("name refused"),
    "shown otherwise": _("page shown otherwise"),
    "taught by others": _("teachers changed"),
    "paused": _("everything stopped"),
    "resumed": _("went on"),
    "deleted": _("deleted"),
}
DETAIL: Words = {
    "credentials": _("credentials"),
    "learners": _("learners"),
    "files": _("files"),
    "mails": _("mails"),
    "total": _("in all"),
    "reissued": pgettext_lazy("how many", "reissued"),
    "failed": pgettext_lazy("how many", "failed"),
    "notify": _("written to"),
    "release": _("released beforehand"),
    "renamed": _("renamed"),
    "design": _("design"),
    "version": _("version"),
    "active": _("current"),
    "on": _("on"),
    "name": _("name"),
    "changed": _("changed"),
    "hidden": _("hidden"),
    "name_form": _("name shown as"),
    "added": _("added"),
    "removed": _("removed"),
}


CHOICES: Mapping[str, Words] = {"name_form": dict(Credential.NameForm.choices)}
"""The words for values of details that are one of a few."""


def verb(value: str) -> str:
    """What was done."""
    return word(VERB, value)


def details(act: Act) -> Iterator[str]:
    """What more was written down, as far as it says something."""
    for name, value in act.details.items():
        if value in (None, "", [], {}):
            continue
        match value:
            case bool():
                said: Any = _("yes") if value else _("no")
            case list():
                said = (" → " if name == "name" else ", ").join(map(str, value))
            case dict():
                said = ", ".join(map(_changed, value.items()))
            case str():
                said = word(CHOICES.get(name, {}), value)
            case _:
                said = value
        yield f"{word(DETAIL, name)}: {said}"


def _changed(field: tuple[str, Any]) -> str:
    """A field, and from what to what, where that is written down."""
    name, values = field
    told = name.replace("_", " ")
    return f"{told} ({' → '.join(map(str, values))})" if values else told


def of_credential(credential: Credential) -> str:
    """Its state in a word: what became of it later counts more than how it was made."""
    return word(CREDENTIAL, standing(credential))


def word(words: Words, value: str) -> str:
    """The word for a value; the value itself when a later version wrote it."""
    return str(words.get(value, value))


MINUTE = "j N Y, H:i"
"""The same everywhere: which of 3/4 is the month, nobody has to guess."""


def local(instant: datetime | None, time_zone: str) -> str:
    """An instant as a clock in that time zone shows it; `-` for none."""
    if instant is None:
        return "-"
    zone = _zone(time_zone)
    return f"{date_format(instant.astimezone(zone), MINUTE)} {zone.key}"


def weekday(instant: datetime, time_zone: str) -> str:
    """An instant as a clock and a calendar there show it."""
    return date_format(instant.astimezone(_zone(time_zone)), f"D {MINUTE}")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # one that this machine does not know any more
        return ZoneInfo("UTC")


OUTCOME: Words = {
    Outcome.ISSUE: _("would be issued"),
    Outcome.ALREADY: _("has one"),
    Outcome.NOT_YET: _("not yet"),
    Outcome.INACTIVE: _("not active"),
    Outcome.EXCLUDED: _("may not get one"),
    Outcome.FAILED: _("cannot be decided"),
    Outcome.HELD: _("would be held back"),
    Outcome.WAITING: _("waits"),
    Outcome.REFUSED: pgettext_lazy("learner", "refused"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """How many, what of them, what kind of news that is, and where they are listed."""

    count: str
    said: str
    kind: str
    address: str = ""


Figures = Mapping[str, tuple[Any, str]]
FIGURES: Figures = {
    "issued": (_("would get one now"), "yes"),
    "unmailed": (_("of them cannot be mailed"), "problem"),
    "held": (_("would be held back"), "problem"),
    "already": (_("have one already"), ""),
    "waiting": (_("qualify and wait"), ""),
    "refused": (_("are refused"), ""),
    "not_yet": (_("not yet"), ""),
    "others": (_("not active, or may not get one"), ""),
    "failed": (_("cannot be decided about"), "problem"),
}
"""Of learners, several of them: the words, and what kind of news that is."""
ALWAYS_SAID = ("issued", "not_yet")
RUN_FIGURES: Figures = {
    "evaluated": (pgettext_lazy("how many", "looked at"), ""),
    "eligible": (pgettext_lazy("how many", "qualified"), ""),
    "already": (_("have one already"), ""),
    "issued": (pgettext_lazy("how many", "issued"), "yes"),
    "unmade": (_("of them could not be made"), "problem"),
    "unsent": (_("of them could not be mailed"), "problem"),
    "held": (pgettext_lazy("how many", "held back"), "problem"),
    "waiting": (_("qualify and wait"), ""),
    "refused": (_("are refused"), ""),
    "failed": (_("cannot be decided about"), "problem"),
}
RUN_ALWAYS_SAID = ("evaluated", "issued")
REISSUE_FIGURES: Figures = {
    "total": (pgettext_lazy("how many", "in all"), ""),
    "reissued": (pgettext_lazy("how many", "issued again"), "yes"),
    "failed": (pgettext_lazy("how many", "failed"), "problem"),
}
REISSUE_ALWAYS_SAID = ("total", "reissued")


def outcome(value: str) -> str:
    """What a run makes of a learner."""
    return word(OUTCOME, value)


def figures(found: Mapping[str, int]) -> Iterator[Figure]:
    """A dry run's."""
    told = ("issued", "held", "already", "waiting", "refused", "not_yet", "failed")
    others = found.get("evaluated", 0) - sum(found.get(name, 0) for name in told)
    return _said(FIGURES, {**found, "others": others}, ALWAYS_SAID, {})


def figures_of_run(found: Mapping[str, int], addresses: Mapping[str, str]) -> Iterator[Figure]:
    """An issuing run's, with where those are listed that are."""
    return _said(RUN_FIGURES, found, RUN_ALWAYS_SAID, addresses)


def figures_of_reissue(found: Mapping[str, int]) -> Iterator[Figure]:
    """Of what is issued again."""
    return _said(REISSUE_FIGURES, found, REISSUE_ALWAYS_SAID, {})


def _said(
    known: Figures, found: Mapping[str, int], always: Collection[str], addresses: Mapping[str, str]
) -> Iterator[Figure]:
    for name, (said, kind) in known.items():
        count = found.get(name, 0)
        if count > 0 or name in always:
            yield Figure(number(count), str(said), kind, addresses.get(name, "") if count else "")


def duration(seconds: float) -> str:
    """`8 sec`, `3 min 5 sec`, `2 hr 5 min`, as the reader's language has it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = (("hour", hours), ("minute", minutes)) if hours else (("minute", minutes), ("second", rest))
    told = [(unit, count) for unit, count in parts if count] or [("second", 0)]
    return " ".join(format_unit(count, unit, "short", locale=locale()) for unit, count in told)


MEND = "mend"
"""What was chosen of a filter: what failed, and waits for somebody who sees to it."""


def _latest(model: type[Model], *same: str) -> Q:
    """Those after which no other came that is the same there; asked of each, by an index, and never of all at once."""
    others = model._default_manager.filter(**{name: OuterRef(name) for name in same})  # noqa: SLF001 - documented
    return Q(pk=Subquery(others.order_by("-pk").values("pk")[:1]))


class WordFilter(admin.SimpleListFilter):
    """A list narrowed by a field, whose values are told in words."""

    words: Words = {}

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Every value with its word."""
        return [(str(value), said) for value, said in self.words.items()]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """The rows with the value that was chosen."""
        value = self.value()
        return self.narrowed(queryset, value) if value else queryset

    @classmethod
    def narrowed(cls, queryset: Any, value: str) -> Any:
        """The rows with that value."""
        return queryset.filter(**{cls.parameter_name or "": value})


class ArtifactState(WordFilter):
    """Artifacts by state."""

    title, parameter_name, words = _("state"), "state", ARTIFACT


class DeliveryState(WordFilter):
    """Messages by state; to be mended is one that was given up and whose learner should still have it."""

    title, parameter_name, words = _("state"), "state", {**DELIVERY, MEND: _("given up, to be mended")}

    @classmethod
    def narrowed(cls, queryset: Any, value: str) -> Any:
        """As above."""
        if value != MEND:
            return super().narrowed(queryset, value)
        wanted = {"credential__current": True, "credential__revoked": None, "credential__learner__retired": None}
        latest = _latest(Delivery, "credential", "purpose")
        return queryset.filter(latest, state=Delivery.State.FAILED, **wanted)


class RunStatus(WordFilter):
    """Issuing runs by how far they came."""

    title, parameter_name, words = _("outcome"), "status", RUN


class RunOutcome(RunStatus):
    """And those to be mended: failed, with none since. A configuration that is off waits for nobody."""

    words = {**RUN, MEND: _("failed, to be mended")}

    @classmethod
    def narrowed(cls, queryset: Any, value: str) -> Any:
        """As above."""
        if value != MEND:
            return super().narrowed(queryset, value)
        broken = {"status__in": (Run.Status.FAILED, Run.Status.LOST), "configuration__enabled": True}
        return queryset.filter(_latest(Run, "configuration"), **broken)


class RunTrigger(WordFilter):
    """Issuing runs by what began them."""

    title, parameter_name, words = _("begun by"), "trigger", TRIGGER


class CredentialState(WordFilter):
    """Credentials by state, as `of_credential` tells it."""

    title, parameter_name, words = _("state"), "is", CREDENTIAL

    @classmethod
    def narrowed(cls, queryset: Any, value: str) -> Any:
        """The rows in that state."""
        present, made = Q(current=True, revoked=None), Q(state=Credential.State.AVAILABLE)
        failed, over = Q(state=Credential.State.FAILED), Q(expires__lte=timezone.now())
        states = {
            "replaced": Q(current=None),
            "revoked": Q(current=True) & ~Q(revoked=None),
            "expired": present & made & over,
            Credential.State.AVAILABLE: present & made & ~over,
            Credential.State.FAILED: present & failed & Q(learner__retired=None),
            "removed": present & failed & ~Q(learner__retired=None),
        }
        return queryset.filter(states.get(value, present & Q(state=value)))
