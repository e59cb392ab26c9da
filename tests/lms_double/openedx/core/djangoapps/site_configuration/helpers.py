"""What a site says in the place of settings: here, SITE_VALUES."""

from django.conf import settings


def get_value(val_name, default=None, **kwargs):
    """The site's, else the default; a default that is a dictionary is completed with what the site says."""
    value = getattr(settings, "SITE_VALUES", {}).get(val_name, default)
    return default | (value or {}) if isinstance(default, dict) else value
