"""How far one learner has come, and what is missing: from the same evidence as a run's, and nothing is issued."""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from conferral import journal, plugins
from conferral.contract import LMS, ConferralError
from conferral.issuance import opening
from conferral.issuance.assess import assess
from conferral.issuance.candidates import Register
from conferral.issuance.evaluate import Evaluation
from conferral.issuance.plan import Plan, resolve
from conferral.models import Credential, CredentialConfiguration, Learner
from conferral.settings import current

logger = logging.getLogger(__name__)

CANNOT_BE_TOLD = "how far somebody has come cannot be told"
MOST_ON_THEIR_WAY = 24
MOST_KEYS = 3
"""Learners that one person is taken to be."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a run would make of the learner now; None when they take no part. `steps` are names by a course's key.

    Without a next run, `not_open` says why none comes by itself; empty where that is only for people to begin.
    """

    context: str
    evaluation: Evaluation | None
    steps: dict[str, str]
    next_run: datetime | None
    not_open: str


def keys_of(user: object) -> list[str]:
    """Under which keys the site's gateway knows the person who is signed in: mostly one."""
    name = current().lms
    linked = Learner.objects.filter(user=user, gateway=name, retired=None)  # type: ignore[misc]
    own = plugins.gateway().key_of(user)
    found = [*([own] if own else []), *linked.order_by("pk").values_list("key", flat=True)[:MOST_KEYS]]
    return list(dict.fromkeys(found))[:MOST_KEYS]


def open_to(learners: Sequence[str]) -> list[CredentialConfiguration]:
    """The enabled configurations of what they take part in, but for those in which they have a credential.

    One that has closed is open to those alone for whom it still holds one: the staff have yet to look at that.
    In the order in which the source tells what they take part in, the latest first; it tells a few hundred at most.
    """
    contexts = [key for learner in learners for key in plugins.gateway().briefly().taking_part(learner)]
    if not contexts:
        return []
    order = {key: place for place, key in enumerate(dict.fromkeys(contexts))}
    found = CredentialConfiguration.objects.filter(enabled=True, archived=None, context_key__in=list(order))
    place = Credential.objects.filter(learner__gateway=current().lms, learner__key__in=learners, current=True)
    held = Q(state=Credential.State.HELD)
    taken, waiting = (place.filter(which).values_list("configuration", flat=True) for which in (~held, held))
    found = found.filter(Q(closed=None) | Q(pk__in=waiting))
    rows = found.exclude(pk__in=taken).select_related("type").order_by("pk")
    return sorted(rows, key=lambda row: order[row.context_key])


def how_far(configuration: CredentialConfiguration, learners: Collection[str]) -> Standing:
    """Asks the gateway for the progress of that one learner (of whom it knows the first of the keys)."""
    with plugins.gateway().briefly().reading() as lms:
        return _standing(configuration, learners, lms)


def how_far_in(
    configurations: Iterable[CredentialConfiguration], learners: Collection[str]
) -> Iterator[tuple[CredentialConfiguration, Standing | None]]:
    """The same of several; None where it cannot be told."""
    with plugins.gateway().briefly().reading() as lms:
        for configuration in configurations:
            try:
                yield configuration, _standing(configuration, learners, lms)
            except ConferralError as error:
                with journal.hiding(*learners):
                    journal.breakdown(logger, CANNOT_BE_TOLD, error, configuration=configuration.pk)
                yield configuration, None


def on_their_way(user: Any) -> list[Credential]:
    """What was issued to somebody and is not ready, the latest first: it is being made, or could not be made."""
    unready = [Credential.State.PENDING, Credential.State.FAILED]
    found = Credential.objects.filter(learner__user=user.pk, current=True, revoked=None, state__in=unready)
    return list(found.select_related("edition").order_by("-pk")[:MOST_ON_THEIR_WAY])


def evaluation_of(plan: Plan, lms: LMS, learners: Collection[str]) -> Evaluation | None:
    """What a run would make now of the first of those keys that takes part; None where none does."""
    now = timezone.now()
    register = Register(plan, now, ended=opening.ended(plan.configuration, now))
    return next((one for page in assess(plan, lms, register, learners) for one in page), None)


def _standing(configuration: CredentialConfiguration, learners: Collection[str], lms: LMS) -> Standing:
    plan = resolve(configuration, lms)
    found = evaluation_of(plan, lms, learners)
    steps, next_run = {key: step.name for key, step in plan.steps.items()}, configuration.next_run_at
    not_open = "" if next_run else opening.state_of(configuration, timezone.now()).why
    return Standing(plan.context.name, found, steps, next_run, not_open)
