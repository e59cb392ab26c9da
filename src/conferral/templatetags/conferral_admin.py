"""`{% load conferral_admin %}{% waiting_for_you %}`: what waits for whoever looks at a page of the admin."""

from collections.abc import Mapping
from typing import Any

from django import template

from conferral.admin import waiting

register = template.Library()


@register.inclusion_tag("conferral/admin/waiting.html", takes_context=True)
def waiting_for_you(context: Mapping[str, Any]) -> dict[str, Any]:
    """On the site whose page it is."""
    return {"figures": list(waiting.of(context["request"]))}
