"""Django's system checks: what a site's operators are told before anything runs."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from conferral import storage
from conferral.contract import ConferralError


@register
def storage_is_private(app_configs: Any, **about: Any) -> list[CheckMessage]:
    """Certificates are personal: a storage that is not set up, or that shows them to everybody, is an Error."""
    try:
        storage.check()
    except ConferralError as error:
        hint = "Set the entry of STORAGES that CONFERRAL_STORAGE_ALIAS names, or CONFERRAL_STORAGE."
        return [Error(str(error), hint=hint, id="conferral.E001")]
    return []
