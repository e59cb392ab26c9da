"""The addresses that the tests of the faces use: the app's own, as an LMS would include them."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("conferral.web.urls")),
]
