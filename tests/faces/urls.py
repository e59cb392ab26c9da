"""The addresses that the tests of the faces use: the app's own, as an LMS would include them."""

from django.contrib import admin
from django.urls import include, path

from conferral.admin.site import staff

urlpatterns = [
    path("admin/", admin.site.urls),
    path("conferral/staff/", staff.urls),
    path("", include("conferral.api.urls")),
    path("", include("conferral.web.urls")),
]
