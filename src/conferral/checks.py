"""Django's system checks: what a site's operators are told before anything runs."""

import logging
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name for it
from django.core.exceptions import ImproperlyConfigured

from conferral import journal, storage
from conferral.contract import ConferralError
from conferral.settings import current

logger = logging.getLogger(__name__)


@register
def storage_is_private(app_configs: Any, **about: Any) -> list[CheckMessage]:
    """Certificates are personal: a storage that is not set up, or that shows them to everybody, is an Error."""
    try:
        storage.check()
    except ConferralError as error:
        hint = "Set the entry of STORAGES that CONFERRAL_STORAGE_ALIAS names, or CONFERRAL_STORAGE."
        return [Error(str(error), hint=hint, id="conferral.E001")]
    return []


@register(Tags.security, deploy=True)
def proxies_are_named(app_configs: Any, **about: Any) -> list[CheckMessage]:
    """The service has no TLS of its own: where the address is https, something stands before it.

    Unless that is named, all the world comes from its one address, and who asks too often locks everybody out.
    """
    if getattr(settings, "TRUSTED_PROXIES", None) != [] or not current().public_url.startswith("https:"):
        return []
    said = "TRUSTED_PROXIES names no web server: all requests count as one person's, and one can lock everybody out."
    hint = "Set it to the address that your web server has for this service, for example 127.0.0.1."
    return [Warning(said, hint=hint, id="conferral.W001")]


def tell_the_log() -> None:
    """Logs what is wrong with the storage: an LMS starts without asking for checks, and nobody would be told."""
    try:
        storage.check()
    except (ConferralError, ImproperlyConfigured) as error:
        journal.failure(logger, "credentials have no storage that can be used", error)
