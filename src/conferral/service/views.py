"""What only the standalone service has: its first page, signing in by link, and the mails that went to files."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.clickjacking import xframe_options_sameorigin

from conferral import access, limits
from conferral.service import mailbox, sign_in
from conferral.service.headers import HEADERS
from conferral.settings import current
from conferral.web.guarded import form_page, page

LOOPBACK = ("localhost", "127.0.0.1", "::1")
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
STRANGER = "stranger"
SHOWN = 12
LONGEST_ADDRESS = 254
"""Characters: what mail servers take."""


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


class SignIn(LoginView):
    """The ways of signing in. Where the LMS is one of them, a form may lead there: browsers have to be told."""

    template_name = "conferral/service/sign_in.html"

    def render_to_response(self, context: dict[str, Any], **named: Any) -> HttpResponse:
        """The page; HeadersMiddleware says the rest."""
        response: HttpResponse = super().render_to_response(context, **named)
        if lms := getattr(settings, "SOCIAL_AUTH_EDX_OAUTH2_PUBLIC_URL_ROOT", ""):
            policy = HEADERS["Content-Security-Policy"].replace("form-action 'self'", f"form-action 'self' {lms}")
            response.headers["Content-Security-Policy"] = policy
        return response


@form_page
def send_link(request: HttpRequest) -> HttpResponse:
    """Sends a link to the address. Whether anybody is known there, the answer does not tell."""
    address = request.POST.get("email", "").strip()
    if request.method != "POST" or not address:
        return HttpResponseRedirect(reverse("sign-in"))
    who = sign_in.fingerprint(address)
    many = limits.wait(request, f"sign-in-address.{who}", sign_in.LINKS_PER_ASKER) or limits.wait(
        request, "sign-in-address", sign_in.LINKS_PER_ADDRESS, who
    )
    if not many and len(address) <= LONGEST_ADDRESS:
        sign_in.send_later(address, get_language() or "en", _after(request, request.POST.get("next", "")))
    content = {"address": address, "minutes": access.MAILED_SECONDS // 60, "to_files": shows_mails(request)}
    return render(request, "conferral/service/link_sent.html", content)


@form_page
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Signs in whoever a link was told to. It shows a button: programs that only look at links sign nobody in."""
    if request.method != "POST":
        user = None if token == STRANGER else access.user_of(token)
        content = {"person": user, "stranger": token == STRANGER}
        return render(
            request, "conferral/service/sign_in_by_link.html", content, status=200 if user or token == STRANGER else 403
        )
    if token == STRANGER:
        logout(request)
        return HttpResponseRedirect(reverse("conferral:check"))
    user = access.sign_in(token)
    if user is None:
        return render(request, "conferral/service/sign_in_by_link.html", {"person": None}, status=403)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    teaches = "conferral-staff:index" if access.works_here(user) else "conferral:mine"
    own = reverse("admin:index" if user.is_staff else teaches)
    return HttpResponseRedirect(_after(request, request.GET.get("next", "")) or own)


def _after(request: HttpRequest, address: str) -> str:
    """Where to go then, if it is a page of this site."""
    here = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if here else ""


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
