"""Settings of the LMS's own tests."""

from typing import Any

from conferral.plugin.common import keep


def plugin_settings(settings: Any) -> None:
    """An address, and nothing else: tests have storages of their own."""
    keep(settings, "CONFERRAL_PUBLIC_URL", "http://testserver/conferral")
