"""Settings of every LMS that has Conferral. What the site has set itself stays."""

from typing import Any

from celery.schedules import crontab

SCHEDULER = "conferral.beat:Scheduler"
SWEEP, DAILY = "conferral.sweep", "conferral.daily"
APPS = ("django_celery_beat", "django_jsonform")
"""Whose tables the schedules are in, and what draws forms."""


def plugin_settings(settings: Any) -> None:
    """Adds the database of schedules, beat's scheduler, the minute's sweep, the day's, and the gateway.

    The LMS's Celery app reads Django settings without a namespace: the old names are the ones that it honours.
    """
    missing = [app for app in APPS if app not in settings.INSTALLED_APPS]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *missing]
    keep(settings, "CELERYBEAT_SCHEDULER", SCHEDULER)
    settings.CELERYBEAT_SCHEDULE = {
        SWEEP: {"task": SWEEP, "schedule": crontab()},
        DAILY: {"task": DAILY, "schedule": crontab(hour="2", minute="17")},
        **getattr(settings, "CELERYBEAT_SCHEDULE", {}),
    }
    keep(settings, "CELERYBEAT_SYNC_EVERY", 1)  # each tick is known at once: `conferral status` tells the last
    keep(settings, "CONFERRAL_LMS", "platform")


def keep(settings: Any, name: str, value: Any) -> None:
    """Sets what the site has not set."""
    if not hasattr(settings, name):
        setattr(settings, name, value)
