"""The pages of a learner: what they hold, how far they are, and what they say about their own credentials."""

import logging
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from conferral import access, journal
from conferral.contract import ConferralError
from conferral.contract.context import short_key
from conferral.facts import lines
from conferral.issuance import explain, wishes
from conferral.issuance.correct import CannotCorrect
from conferral.issuance.disclosure import disclose
from conferral.issuance.evaluate import Outcome
from conferral.issuance.verdict import NOWHERE, SHOWN, Finding, look_up, verdict_on
from conferral.models import Credential, CredentialConfiguration
from conferral.spoken import spoken, without_place
from conferral.web.guarded import form_page, page
from conferral.web.limited import WRITING, limited
from conferral.web.views import address, card_content
from conferral.web.words import moment

logger = logging.getLogger(__name__)

CARDS = 24
"""Credentials on a page of one's own."""
ON_THE_WAY = 24
"""What somebody may still earn, on the same page; of more, the names."""
FIGURES = 8
"""Of so many the page tells how far they are: each takes some queries."""
REFUSED, UNAVAILABLE = 400, 503
LOOKED_AT = frozenset({Outcome.HELD, Outcome.WAITING})
QUALIFIES = LOOKED_AT | {Outcome.ISSUE}
LEFT_OUT = frozenset({Outcome.EXCLUDED, Outcome.INACTIVE, Outcome.REFUSED})


@page
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """The credentials of whoever is signed in, in pages; on the first, what they may still earn."""
    # What was revoked before it was made took the place of one that they had.
    ready = Q(state=Credential.State.AVAILABLE) | Q(revoked__isnull=False, supersedes__isnull=False)
    found = Credential.objects.filter(ready, learner__user=request.user.pk, current=True)
    held = (
        found.select_related("learner", "edition", "supersedes")
        .prefetch_related("artifacts")
        .order_by("-issued", "-pk")
    )
    shown_now = Paginator(held, CARDS).get_page(request.GET.get("page"))
    verdicts = [(one, verdict_on(one)) for one in shown_now]
    cards = [card_content(one, disclose(one, said, insider=True)) for one, said in verdicts if said not in NOWHERE]
    content: dict[str, Any] = {"cards": cards, "page": shown_now}
    if shown_now.number == 1:
        content |= {"coming": [_coming(one) for one in explain.on_their_way(request.user)]}
        open_now = _open_to(request.user)
        content |= {"open": open_now[:ON_THE_WAY], "further": open_now[ON_THE_WAY:]}
    return render(request, "conferral/mine.html", content)


@page
@login_required
@limited("progress")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far whoever is signed in has come there, and what is missing."""
    enabled = CredentialConfiguration.objects.filter(enabled=True, archived=None).select_related("type")
    configuration = enabled.filter(pk=pk).first()
    keys = explain.keys_of(request.user)
    if configuration is None or configuration not in explain.open_to(keys):
        raise Http404
    try:
        standing = explain.how_far(configuration, keys)
    except ConferralError as error:
        with journal.hiding(*keys):
            journal.breakdown(logger, explain.CANNOT_BE_TOLD, error, configuration=configuration.pk)
        return render(request, "conferral/progress.html", {"type": configuration.type}, status=UNAVAILABLE)
    found = standing.evaluation
    facts = found.decision.facts if found and found.decision else ()
    content = {
        "type": configuration.type,
        "context": standing.context,
        "known": found is not None and found.outcome is not Outcome.FAILED,
        "lines": lines(facts, standing.steps),
        "missing": sum(not fact.met for fact in facts),
        "qualifies": found is not None and found.outcome in QUALIFIES,
        "looked_at": found is not None and found.outcome in LOOKED_AT,
        "excluded": found is not None and found.outcome in LEFT_OUT,
        "next_run": moment(standing.next_run, configuration.time_zone),
        "not_open": capfirst(spoken(standing.not_open)),
    }
    return render(request, "conferral/progress.html", content)


@form_page
@login_required
@limited("wishes", methods=WRITING)
def wish(request: HttpRequest, text: str) -> HttpResponse:
    """Who sees the page, and how it shows the name: the holder's say alone."""
    finding = _of_holder(request, text)
    assert finding.credential is not None  # else it is not the holder's
    if request.method == "POST":
        form, visibility = request.POST.get("name_form"), request.POST.get("visibility")
        wishes.show(
            finding.credential,
            hidden=visibility == "hidden" if visibility in ("hidden", "shown") else None,
            name_form=form if form in Credential.NameForm.values else None,
        )
        messages.success(request, _("Saved. This is what the page shows now."))
    return redirect(address(finding.credential))


@form_page
@login_required
@limited("wishes", methods=WRITING)
def ask_for_name(request: HttpRequest, text: str) -> HttpResponse:
    """Asks the staff for another name on the credential."""
    finding = _of_holder(request, text)
    assert finding.credential is not None  # as above
    given = {"name": "", "explanation": ""}
    content: dict[str, Any] = {"credential": finding.credential, "back": address(finding.credential)}
    if request.method == "POST":
        given = {field: request.POST.get(field, "") for field in given}
        try:
            wishes.ask_for_name(finding.credential, given["name"], given["explanation"])
        except CannotCorrect as error:
            said = {"error": capfirst(without_place(error)), "field": error.where}
            return render(request, "conferral/name.html", content | given | said, status=REFUSED)
        messages.success(request, _("Your request is with the staff. You are written to as soon as they have decided."))
        return redirect(address(finding.credential))
    given["name"] = finding.credential.recipient_name
    return render(request, "conferral/name.html", content | given)


def _of_holder(request: HttpRequest, text: str) -> Finding:
    """What holds under that number, if it is theirs; else there is no such page."""
    finding = look_up(text)
    if finding.credential is None or finding.replaced or finding.verdict not in SHOWN:
        raise Http404
    if not access.is_holder(request.user, finding.credential):
        raise Http404
    return finding


def _open_to(user: Any) -> list[dict[str, Any]]:
    """What somebody may still earn. A source that does not answer takes away nothing of the page but this."""
    try:
        keys = explain.keys_of(user)
        found = explain.open_to(keys)
        standings = [*explain.how_far_in(found[:FIGURES], keys)]
    except ConferralError as error:
        with journal.hiding(user.get_username()):
            journal.breakdown(logger, "what somebody may still earn cannot be told", error)
        return []
    return [_open(one, standing) for one, standing in [*standings, *((one, None) for one in found[FIGURES:])]]


def _open(configuration: CredentialConfiguration, standing: explain.Standing | None) -> dict[str, Any]:
    """One line of what is open: where, and where it can be told what has been reached and what is missing."""
    said: dict[str, Any] = {"pk": configuration.pk, "type": configuration.type.name}
    said["locale"] = configuration.type.locale
    known = configuration.context_name or short_key(configuration.context_key)
    said["context"] = standing.context if standing else known
    found = standing.evaluation if standing else None
    if standing is None or found is None or found.outcome in LEFT_OUT | {Outcome.FAILED}:
        return said
    facts = lines(found.decision.facts if found.decision else (), standing.steps)
    said["missing"] = [line for line in facts if not line.met]
    said["all"], said["reached"] = len(facts), sum(line.met for line in facts)
    said["qualifies"] = found.outcome in QUALIFIES
    said["only"] = facts[0] if len(facts) == 1 and facts[0].reached is not None else None
    said["bar"] = 100 * said["reached"] / max(len(facts), 1)
    return said


def _coming(credential: Credential) -> dict[str, Any]:
    return {
        "type": credential.edition.content["type"],
        "context": credential.context_name,
        "locale": credential.locale,
        "failed": credential.state == Credential.State.FAILED,
        "corrects": credential.supersedes_id is not None,
    }
