"""Addresses of the pages. `/c/<id>` is printed on credentials: it stays for ever."""

from django.urls import path

from conferral.web import views

app_name = "conferral"
urlpatterns = [
    path("", views.home, name="home"),
    path("check/", views.check, name="check"),
    path("mine/", views.mine, name="mine"),
    path("c/<str:text>", views.credential, name="credential"),
    path("c/<str:text>/", views.credential),
    path("c/<str:text>/picture/<str:filename>", views.picture, name="picture"),
    path("c/<str:text>/<str:filename>", views.file, name="file"),
]
