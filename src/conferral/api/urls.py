"""Addresses of the service for machines."""

from django.urls import path

from conferral.api import health, views

app_name = "conferral-api"
urlpatterns = [
    path("user/retire/", views.retire, name="retire"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
]
