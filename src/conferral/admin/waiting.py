"""What waits for a person: what they have to decide or to mend, where they teach, each with the list that shows it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conferral.admin import words
from conferral.admin.name_requests import OutcomeFilter
from conferral.admin.site import admin_of, staff
from conferral.facts import number
from conferral.models import Credential, Delivery, NameRequest, Run

COUNTED = 1000
"""As far as they are counted."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The records that a filter of their list finds by a value; `said` is the word for so many, `kind` what news."""

    model: type[Model]
    by: type[words.WordFilter]
    value: str
    said: Callable[[int], str]
    kind: str = "problem"


KINDS = (
    Kind(
        Run,
        words.RunOutcome,
        Run.Status.HELD,
        lambda count: ngettext("issuing run to release or refuse", "issuing runs to release or refuse", count),
        "yes",
    ),
    Kind(
        NameRequest,
        OutcomeFilter,
        NameRequest.Outcome.WAITING,
        lambda count: ngettext("request for another name", "requests for another name", count),
        "yes",
    ),
    Kind(
        Run,
        words.RunOutcome,
        words.MEND,
        lambda count: ngettext("configuration whose last run failed", "configurations whose last run failed", count),
    ),
    Kind(
        Credential,
        words.CredentialState,
        Credential.State.FAILED,
        lambda count: ngettext("credential could not be made", "credentials could not be made", count),
    ),
    Kind(
        Delivery,
        words.DeliveryState,
        words.MEND,
        lambda count: ngettext("mail was given up", "mails were given up", count),
    ),
)
"""What is to be decided first, then what is to be mended."""


def of(request: HttpRequest) -> Iterator[words.Figure]:
    """The kinds of which there are some that this person may see: as many as their lists show, up to COUNTED."""
    site = staff if getattr(request, "current_app", "") == staff.name else admin.site
    for kind in KINDS:
        its_admin = admin_of(site, kind.model)
        if not its_admin.has_view_permission(request):
            continue
        rows = kind.by.narrowed(its_admin.get_queryset(request), kind.value)
        if count := rows.order_by()[: COUNTED + 1].count():
            many = _("more than %(count)s") % {"count": number(COUNTED)}
            address = f"{its_admin.address('changelist')}?{kind.by.parameter_name}={kind.value}"
            yield words.Figure(many if count > COUNTED else number(count), kind.said(count), kind.kind, address)
