"""Addresses of the pages. `/c/<id>` is printed on credentials: it stays for ever."""

from django.urls import path

from conferral.web import holder, views

app_name = "conferral"
urlpatterns = [
    path("", views.home, name="home"),
    path("check/", views.check, name="check"),
    path("check/file/<str:sha256>", views.check_file, name="check-file"),
    path("look/<str:colour>.css", views.look, name="look"),
    path("logo/", views.logo, name="logo"),
    path("mine/", holder.mine, name="mine"),
    path("mine/progress/<int:pk>/", holder.progress, name="progress"),
    path("c/<str:text>", views.credential, name="credential"),
    path("c/<str:text>/", views.credential),
    path("c/<str:text>/picture/<str:filename>", views.picture, name="picture"),
    path("c/<str:text>/share/card.png", views.card, name="card"),
    path("c/<str:text>/issuer/logo/", views.issuer_logo, name="issuer-logo"),
    path("c/<str:text>/holder/wishes/", holder.wish, name="wish"),
    path("c/<str:text>/holder/name/", holder.ask_for_name, name="ask-for-name"),
    path("c/<str:text>/<str:filename>", views.file, name="file"),
]
