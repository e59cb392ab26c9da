"""What only the standalone service has: its first page, signing in by link, and the mails that went to files."""

from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods

from conferral import access
from conferral.service import mailbox
from conferral.settings import current
from conferral.web.views import page

LOOPBACK = ("localhost", "127.0.0.1", "::1")
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Real-IP")
STRANGER = "stranger"
SHOWN = 12


@page
def home(request: HttpRequest) -> HttpResponse:
    """Three doors; below them, on somebody's own machine, the mails that went to files."""
    content = {"mails": list(mailbox.mails(SHOWN)), "count": mailbox.count()} if shows_mails(request) else {}
    return render(request, "conferral/service/home.html", content)


@page
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """One message, as HTML and as text."""
    response = render(request, "conferral/service/mail.html", {"mail": _mail(request, name)})
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'"
    )
    return response


@page
@xframe_options_sameorigin
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """Its HTML alone, for the frame."""
    response = HttpResponse(_mail(request, name).html)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Signs in whoever a link was told to. It shows a button: programs that only look at links sign nobody in."""
    user = None if token == STRANGER else access.user_of(token)
    if request.method != "POST":
        content = {"person": user, "stranger": token == STRANGER}
        return render(
            request, "conferral/service/sign_in_by_link.html", content, status=200 if user or token == STRANGER else 403
        )
    if token == STRANGER:
        logout(request)
        return HttpResponseRedirect(reverse("conferral:check"))
    if user is None:
        return render(request, "conferral/service/sign_in_by_link.html", {"person": None}, status=403)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect(reverse("admin:index" if user.is_staff else "conferral:mine"))


def shows_mails(request: HttpRequest) -> bool:
    """Only where mail goes to files, on a site of this machine, from this machine: for whoever tries Conferral out."""
    if not getattr(settings, "SHOWS_MAILS", False) or any(name in request.headers for name in FORWARDED):
        return False
    to_files = settings.EMAIL_BACKEND.startswith(mailbox.__name__) and Path(settings.EMAIL_FILE_PATH).is_dir()
    own = urlsplit(current().public_url).hostname in LOOPBACK
    return to_files and own and request.META.get("REMOTE_ADDR") in LOOPBACK


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """An address that leads nowhere."""
    return render(request, "conferral/service/not_found.html", status=404)


def _mail(request: HttpRequest, name: str) -> mailbox.Mail:
    if not shows_mails(request):
        raise Http404
    try:
        return mailbox.read(name)
    except FileNotFoundError:
        raise Http404 from None
