"""Addresses in an LMS: the pages below `conferral/`, and the verification API beside the platform's own.

What is for machines alone, and the platform has of its own, is below `conferral/`, too: health, and the figures for
whoever has their token.
"""

from django.urls import URLPattern, URLResolver, include, path

from conferral.admin.site import staff
from conferral.api import health, metrics, verification
from conferral.api.urls import VERIFICATION
from conferral.web import urls

pages: list[URLPattern | URLResolver] = [
    path(VERIFICATION, verification.verify, name="verify"),
    path("conferral/health/live", health.live, name="live"),
    path("conferral/health/ready", health.ready, name="ready"),
    path("conferral/metrics", metrics.show, name="metrics"),
    path("conferral/", include(urls.urlpatterns)),
]
urlpatterns = [
    # Not within our namespace: Django's admin finds its own pages by names at the root.
    path("conferral/staff/", staff.urls),
    path("", include((pages, "conferral"))),
]
