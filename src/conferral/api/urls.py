"""Addresses of the service for machines."""

from django.urls import path

from conferral.api import views

app_name = "conferral-api"
urlpatterns = [path("user/retire/", views.retire, name="retire")]
