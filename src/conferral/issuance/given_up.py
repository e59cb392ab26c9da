"""Mails that were given up, tried again: many at once, and without looking after the files that they lead to."""

from collections.abc import Collection
from typing import Any

from django.db import transaction

from conferral.issuance import deliver, history
from conferral.models import Credential, Delivery


def try_again(keys: Collection[int], *, by: Any) -> set[int]:
    """Those mails are due again; the keys of the ones that were given up. It stands in the history of each credential.

    Whoever is not to be written to any more is not: that is looked at when a mail is sent.
    """
    with transaction.atomic():
        found = deliver.try_again(Delivery.objects.filter(pk__in=keys))
        history.record_of([(Credential, pk) for pk in sorted(set(found.values()))], "tried again", by=by)
    if found:
        deliver.ask_the_server_now()
    return set(found)
