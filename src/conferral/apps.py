"""The Django app."""

from django.apps import AppConfig


class ConferralConfig(AppConfig):
    """Conferral credentials: "credentials" alone is another service's name in Open edX."""

    name = "conferral"
    verbose_name = "Conferral credentials"
    default_auto_field = "django.db.models.BigAutoField"
