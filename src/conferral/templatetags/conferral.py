"""Whose pages they are, and where one signs in."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from conferral.web import brand
from conferral.web.brand import Brand

register = template.Library()


@register.simple_tag(takes_context=True)
def whose(context: Mapping[str, Any]) -> Brand:
    """Whose page it is: the issuer of the credential that it shows, else the site's own."""
    credential = context.get("credential")
    return brand.of_credential(credential) if credential else brand.of_site()


@register.filter
def said_in(text: str, locale: str = "") -> SafeString:
    """A text of others among ours: with a direction of its own, and marked with its language where that is known."""
    return format_html('<bdi lang="{}">{}</bdi>', locale, text) if locale else format_html("<bdi>{}</bdi>", text)


@register.filter
def left_to_right(text: str, around: str) -> str:
    """The same in plain text: a number whose groups keep their order where the words around it run from the right."""
    return f"\u2066{text}\u2069" if around == "rtl" else text


@register.simple_tag
def sign_in_at(then: str = "") -> str:
    """Where one signs in: a page of the service, in an LMS its own; `then` is where one comes out."""
    query = f"?{urlencode({'next': then})}" if then else ""
    try:
        return reverse("sign-in") + query
    except NoReverseMatch:
        return resolve_url(settings.LOGIN_URL) + (query or f"?{urlencode({'next': reverse('conferral:mine')})}")
