"""The reader's words for what the records say in code, and lists narrowed by them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib import admin
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conferral.models import Credential, CredentialArtifact, Delivery, Run

Words = Mapping[str, str | Promise]

CREDENTIAL: Words = {
    Credential.State.HELD: _("held back"),
    Credential.State.PENDING: _("being made"),
    Credential.State.AVAILABLE: _("ready"),
    Credential.State.FAILED: _("failed"),
    "revoked": _("revoked"),
    "replaced": _("replaced"),
    "expired": _("expired"),
}
ARTIFACT: Words = {
    CredentialArtifact.State.PENDING: _("to be made"),
    CredentialArtifact.State.STORED: _("ready"),
    CredentialArtifact.State.FAILED: _("failed"),
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
    Run.Status.FAILED: _("failed"),
    Run.Status.LOST: _("broken off"),
}
TRIGGER: Words = {
    Run.Trigger.SCHEDULE: _("its time had come"),
    Run.Trigger.COMMAND: _("a command"),
}


def of_credential(credential: Credential) -> str:
    """Its state in a word: what became of it later counts more than how it was made."""
    if credential.current is None:
        state = "replaced"
    elif credential.revoked:
        state = "revoked"
    elif credential.state == Credential.State.AVAILABLE and credential.expires and credential.expires <= timezone.now():
        state = "expired"
    else:
        state = credential.state
    return word(CREDENTIAL, state)


def word(words: Words, value: str) -> str:
    """The word for a value; the value itself when a later version wrote it."""
    return str(words.get(value, value))


def local(instant: datetime | None, time_zone: str) -> str:
    """An instant as a clock in that time zone shows it; `-` for none."""
    if instant is None:
        return "-"
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # one that this machine does not know any more
        return f"{instant:%Y-%m-%d %H:%M} UTC"
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M} {time_zone}"


class WordFilter(admin.SimpleListFilter):
    """A list narrowed by a field, whose values are told in words."""

    words: Words = {}

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Every value with its word."""
        return [(str(value), said) for value, said in self.words.items()]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """The rows with that value."""
        return queryset.filter(**{self.parameter_name or "": self.value()}) if self.value() else queryset


class ArtifactState(WordFilter):
    """Artifacts by state."""

    title, parameter_name, words = _("state"), "state", ARTIFACT


class DeliveryState(WordFilter):
    """Messages by state."""

    title, parameter_name, words = _("state"), "state", DELIVERY


class RunStatus(WordFilter):
    """Issuing runs by how far they came."""

    title, parameter_name, words = _("outcome"), "status", RUN


class RunTrigger(WordFilter):
    """Issuing runs by what began them."""

    title, parameter_name, words = _("begun by"), "trigger", TRIGGER


class CredentialState(WordFilter):
    """Credentials by state, as `of_credential` tells it."""

    title, parameter_name, words = _("state"), "is", CREDENTIAL

    def queryset(self, request: Any, queryset: Any) -> Any:
        """The rows in that state."""
        present = queryset.filter(current=True, revoked=None)
        match self.value():
            case None:
                return queryset
            case "replaced":
                return queryset.filter(current=None)
            case "revoked":
                return queryset.filter(current=True).exclude(revoked=None)
            case "expired":
                return present.filter(state=Credential.State.AVAILABLE, expires__lte=timezone.now())
            case Credential.State.AVAILABLE:
                return present.filter(state=Credential.State.AVAILABLE).exclude(expires__lte=timezone.now())
            case state:
                return present.filter(state=state)
