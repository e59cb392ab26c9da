"""The addresses of the standalone service: the app's pages, the admin, and signing in."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView

from conferral.admin.site import staff
from conferral.service import views
from conferral.web.limited import WRITING, limited, sign_in_rate

admin.site.site_title = admin.site.site_header = _("Conferral credentials")
admin.site.index_title = _("For those who teach and those who run the site")

few = limited("sign-in", sign_in_rate, WRITING)
"""All ways of signing in together: who may not try here may not try there."""

handler404 = "conferral.service.views.not_found"
urlpatterns = [
    path("", views.home),
    path("favicon.ico", RedirectView.as_view(url="/static/conferral/icon.svg", permanent=True)),
    path("mails/<str:name>", views.mail, name="mail"),
    path("mails/<str:name>/html", views.mail_html, name="mail-html"),
    path("sign-in/", few(views.SignIn.as_view()), name="sign-in"),
    path("sign-in/link/", few(views.send_link), name="send-link"),
    path("sign-in/<str:token>", few(views.sign_in_by_link), name="sign-in-by-link"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("admin/login/", few(admin.site.login)),
    path("admin/", admin.site.urls),
    path("conferral/staff/", staff.urls),
    path("", include("conferral.api.urls")),
    path("", include("conferral.web.urls")),
]
