"""The addresses of the standalone service: the app's pages, the admin, and signing in."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from conferral.service import views

admin.site.site_title = admin.site.site_header = _("Conferral credentials")
admin.site.index_title = _("For those who teach and those who run the site")

handler404 = "conferral.service.views.not_found"
urlpatterns = [
    path("", views.home),
    path("mails/<str:name>", views.mail, name="mail"),
    path("mails/<str:name>/html", views.mail_html, name="mail-html"),
    path("sign-in/", LoginView.as_view(template_name="conferral/service/sign_in.html"), name="sign-in"),
    path("sign-in/<str:token>", views.sign_in_by_link, name="sign-in-by-link"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("admin/", admin.site.urls),
    path("", include("conferral.api.urls")),
    path("", include("conferral.web.urls")),
]
