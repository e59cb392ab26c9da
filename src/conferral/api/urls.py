"""Addresses of the service for machines."""

from django.urls import path

from conferral.api import health, metrics, verification, views

app_name = "conferral-api"
VERIFICATION = "api/conferral/v1/credentials/<str:text>/"
"""The same in a service of its own and in an LMS, where it stands beside the platform's own interfaces."""
urlpatterns = [
    path(VERIFICATION, verification.verify, name="verify"),
    path("user/retire/", views.retire, name="retire"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("metrics", metrics.show, name="metrics"),
]
