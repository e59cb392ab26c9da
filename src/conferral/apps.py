"""The Django app, and what makes it a plugin of the Open edX LMS."""

import logging
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

LMS = "lms.djangoapp"
"""The kind of project that the plugin is for: Studio does not load it."""
PLATFORM = "platform"
"""The gateway of whoever is inside one."""
SIGNALS = "openedx.core.djangoapps.user_api.accounts.signals"


class ConferralConfig(AppConfig):
    """Conferral credentials: "credentials" alone is another service's name in Open edX.

    `plugin_app` is read by edx-django-utils in an LMS, where the app needs no entry in any list.
    """

    name = "conferral"
    verbose_name = _("Conferral credentials")
    default_auto_field = "django.db.models.BigAutoField"
    plugin_app: dict[str, Any] = {
        "url_config": {LMS: {"namespace": None, "regex": r"^", "relative_path": "plugin.urls"}},
        "settings_config": {
            LMS: {stage: {"relative_path": f"plugin.{stage}"} for stage in ("common", "production", "test")}
        },
        "signals_config": {
            LMS: {
                "relative_path": "plugin.signals",
                "receivers": [
                    {
                        "receiver_func_name": "retire",
                        "signal_path": f"{SIGNALS}.{signal}",
                        "dispatch_uid": f"conferral.{signal}",
                    }
                    # Any of them may be the first that a site's pipeline sends; the others find nothing left to do.
                    for signal in ("USER_RETIRE_MAILINGS", "USER_RETIRE_LMS_MISC", "USER_RETIRE_LMS_CRITICAL")
                ],
            }
        },
    }

    def ready(self) -> None:
        """Registers the system checks; in an LMS, whose servers start without them, the log is told.

        What Django logs of a page of ours that broke has no words in it: before any handler, of a site's or a
        collector's, is given it.
        """
        from conferral import checks, journal  # noqa: PLC0415 - they need settings, which are read by now

        logging.getLogger("django.request").addFilter(journal.Discreet(ours_alone=True))
        if getattr(settings, "CONFERRAL_LMS", "") == PLATFORM:
            checks.tell_the_log()
