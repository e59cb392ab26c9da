"""The keys of courses, lessons and pathways as a person writes them: suggested, and explained when they are wrong."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from conferral import plugins
from conferral.admin.search import Limits
from conferral.contract import ConferralError, Known, LearningContext, check_key
from conferral.models import Credential, Learner, RosterEntry
from conferral.settings import current

COMPARED = 500
"""Keys among which a mistyped one is looked for."""


class SuggestInput(forms.TextInput):
    """A text with suggestions: those found first are in the page, those found by what is typed come from `address`."""

    template_name = "conferral/admin/suggest.html"
    address = ""
    known: Sequence[Known] = ()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """With the list."""
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"] |= {
            "list": f"{context['widget']['attrs'].get('id', name)}_known",
            "data-suggestions": self.address,
            "autocomplete": "off",
        }
        return {**context, "known": self.known}


def known(user: Any, limits: Limits, text: str = "", most: int = 20) -> Sequence[Known]:
    """The contexts that a text finds; those alone that the person teaches, when they are limited to these."""
    lms = plugins.gateway()
    return lms.contexts(text, most=most) if limits is None else lms.contexts(text, taught_by=user, most=most)


def described(user: Any, limits: Limits, key: str) -> LearningContext:
    """The context of that key; a ConferralError says what is wrong with it, and which one may be meant."""
    meant = _meant(user, limits, key)
    hint = " " + _("Did you mean %s?") % meant if meant else ""
    try:
        check_key(key)
    except ConferralError:
        raise ConferralError(_("This is no key; it looks like course-v1:Demo+CS101+2026.") + hint) from None
    if limits is not None and key not in limits:
        raise ConferralError(_("You do not teach this one; check the key, or ask who runs it.") + hint)
    found = plugins.gateway().describe(key)
    if found is None:
        raise ConferralError(_("There is none with this key.") + hint)
    return found


def named(user: Any, limits: Limits, text: str) -> str:
    """The name of the learner with that username, as far as this person knows them; else the text itself."""
    learner = Learner.objects.filter(gateway=current().lms, key=text).first() if text else None
    if learner is None:
        return text
    in_sight = (
        limits is None
        or RosterEntry.objects.filter(learner=learner, context__key__in=limits).exists()
        or Credential.objects.filter(learner=learner, context_key__in=limits).exists()
    )
    return learner.name or text if in_sight else text


def _meant(user: Any, limits: Limits, key: str) -> str:
    there = {one.key.casefold(): one.key for one in known(user, limits, most=COMPARED)}
    found = get_close_matches(key.casefold(), there, n=1, cutoff=0.6)
    return there[found[0]] if found and there[found[0]] != key else ""
