"""To correct the name on a credential: both pictures, what the account says, and the use case."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from conferral import plugins, tasks
from conferral.access import RENAME
from conferral.admin import pictured
from conferral.admin.asks import Ask, Done
from conferral.admin.corrections import UNMADE
from conferral.issuance import correct
from conferral.issuance.snapshot import printed_day
from conferral.lms import roster
from conferral.models import Credential
from conferral.settings import current


class NameForm(forms.Form):
    """The right name, why, and whether the learner is told."""

    name = forms.CharField(
        label=_("Name"),
        max_length=correct.NAME_LENGTH,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_("As it is to be printed."),
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200, help_text=_("For staff who ask later."))
    notify = forms.BooleanField(label=_("Write to the learner"), required=False, initial=True)


def _correct_name(admin_: Any, request: HttpRequest, obj: Credential, values: dict[str, Any]) -> Done:
    said = {"notify": values["notify"], "by": request.user, "reason": values["reason"]}
    new = correct.reissue(obj, name=values["name"], **said)
    told = _now("The name was corrected: %(old)s is %(new)s now.")
    names = {"old": obj.recipient_name or _now("(no name)"), "new": new.recipient_name}
    nudges = ((tasks.withdraw,), (tasks.generate,), (tasks.deliver,))
    return Done(told % names, admin_.address("change", new.pk), nudges, logged=_now("The name was corrected."))


def _about_name(admin_: Any, request: HttpRequest, obj: Credential, form: Any) -> dict[str, Any]:
    """Both pictures, and what the account says: where that is another name it is mostly the right one.

    What the account says stands beneath the name, so that the pictures are beside each other.
    """
    first = form.initial.get("name") or correct.differs_from_account(obj) or correct.name_of(obj)
    form.fields["name"].initial = first
    typed = ((form.data.get("name") if form.is_bound else first) or "").strip()
    part = {
        "watches": ["name"],
        "title": "",
        "button": "",
        "beside": False,
        "waiting": "",
        "failed": _now("This could not be looked up; try again."),
    }
    places = {"account": "name", "picture": "picture"}
    return {
        "old": pictured.of_credential(obj, correct.name_of(obj)),
        "slots": pictured.of_credential(obj, typed) if form.is_bound and typed else [],
        "live": [{**part, "url": admin_.address(what, obj.pk), "after": after} for what, after in places.items()],
        **_account(obj, typed),
    }


def _account(obj: Credential, typed: str) -> dict[str, Any]:
    """What the account, or the roster, says to the name that is typed, and where it is corrected."""
    learner = obj.learner
    if learner.name in ("", typed):
        return {"account_agrees": bool(learner.name) and correct.differs_from_account(obj) == typed}
    url = plugins.gateway().profile(learner.key) if learner.gateway == current().lms else ""
    return {
        "account_name": learner.name,
        "account_is_old": learner.name == correct.name_of(obj),
        "account_url": url,
        "imported": not url and learner.gateway == roster.GATEWAY,
    }


def _picture(obj: Credential, typed: str) -> dict[str, Any]:
    """The credential as a picture under that name."""
    return {"slots": pictured.of_credential(obj, typed or correct.name_of(obj))}


TYPED: Mapping[str, tuple[str, Callable[[Credential, str], dict[str, Any]]]] = {
    "picture": ("conferral/admin/live/picture.html", _picture),
    "account": ("conferral/admin/live/name.html", _account),
}
"""What is said while a name is typed."""
ASKS = {
    "name": Ask(
        right=RENAME,
        title=_("Correct name"),
        explain=lambda one: (
            _now("It keeps %(date)s; the old link and QR code lead to it. The old name and file are shown no more.")
            % {"date": date_format(printed_day(one), "DATE_FORMAT")}
        ),
        button=_("Correct"),
        form=NameForm,
        sensible=lambda one: (
            bool(one.current) and one.state not in UNMADE and not one.learner.retired and not one.revoked
        ),
        perform=_correct_name,
        template="conferral/admin/name.html",
        about=_about_name,
    ),
}
