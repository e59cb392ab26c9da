"""What a person may ask for on the page of a configuration: runs, dry runs, awards, lists, issuing all of it again."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import tasks
from conferral.access import AWARD, LIST, REISSUE, RELEASE, RUN
from conferral.admin.asks import Ask, Done, PeopleForm, ReasonForm, lines
from conferral.admin.corrections import CORRECTIONS
from conferral.admin.site import admin_of
from conferral.contract import ConferralError
from conferral.issuance import award, correct, dry_run, opening, reissue, release, standstill
from conferral.issuance import run as runs
from conferral.issuance.candidates import Listed
from conferral.issuance.recognise import Meant, meant
from conferral.models import CredentialConfiguration, DryRun, Learner, Reissue, Run
from conferral.settings import current
from conferral.spoken import spoken, without_place

NAMED = 5
"""Usernames that a message names."""
Values = dict[str, Any]
REISSUE_ONE = CORRECTIONS["reissue"]
"""What is asked of chosen ones has the same words on its button."""


class RunForm(forms.Form):
    """How."""

    notify = forms.BooleanField(label=_("Write to the learners"), required=False, initial=True)
    release = forms.BooleanField(
        label=_("Issue at once, however many there are"),
        required=False,
        help_text=_("Not checked: what is more than the guard lets pass, or is under review, is held until released."),
    )


class AwardForm(PeopleForm):
    """To whom, why, since when."""

    earned = forms.DateField(
        label=_("Earned on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: today."),
    )
    notify = forms.BooleanField(label=_("Write to the learners"), required=False, initial=True)
    field_order = ["learners", "reason", "earned", "notify"]
    obj: CredentialConfiguration

    def clean_earned(self) -> date | None:
        """What the use case would refuse is told at the field."""
        day: date | None = self.cleaned_data["earned"]
        try:
            if day:
                award.earned_on(day, self.obj)
        except award.CannotAward as error:
            raise forms.ValidationError(capfirst(without_place(error))) from None
        return day


class ReissueAllForm(ReasonForm):
    """What is to be new."""

    design = forms.ChoiceField(
        label=_("Design"),
        choices=[
            (correct.CURRENT_DESIGN, _("as the configuration says now")),
            (correct.SAME_DESIGN, _("as each was made then")),
        ],
        initial=correct.CURRENT_DESIGN,
    )
    names = forms.BooleanField(label=_("Take the names that learners have now"), required=False)
    notify = forms.BooleanField(label=_("Write to the learners"), required=False)
    field_order = ["design", "names", "reason", "notify"]


def _run(admin_: Any, request: HttpRequest, obj: CredentialConfiguration, values: Values) -> Done:
    release_ = values["release"] and _may_release(admin_, request, obj)
    asked = runs.ask(obj, by=request.user, notify=values["notify"], release=release_)
    return Done(_now("A run was asked for."), _page_of(admin_, request, asked), [(tasks.run_asked, asked.pk)])


def _about_run(admin_: Any, request: HttpRequest, obj: CredentialConfiguration, form: Any) -> Values:
    """Who may not release what a guard holds is not asked whether anything is to be held."""
    if not _may_release(admin_, request, obj):
        del form.fields["release"]
    return {}


def _may_release(admin_: Any, request: HttpRequest, obj: CredentialConfiguration) -> bool:
    return bool(admin_.may(request, obj, "change", RELEASE))


def _page_of(admin_: Any, request: HttpRequest, asked: Run | DryRun) -> str | None:
    """Where it is followed, for those who may."""
    its_admin = admin_of(admin_.admin_site, type(asked))
    return str(its_admin.address("change", asked.pk)) if its_admin.has_view_permission(request, asked) else None


def _dry(admin_: Any, request: HttpRequest, obj: CredentialConfiguration, values: Values) -> Done:
    asked = dry_run.start(obj, by=request.user)
    return Done("", _page_of(admin_, request, asked), [(tasks.dry_run, asked.pk)])


def _award(admin_: Any, request: HttpRequest, obj: CredentialConfiguration, values: Values) -> Done:
    given = award.Award(request.user, values["reason"], values["earned"], values["notify"])
    limited = admin_.limits(request, "change", AWARD) is not None
    who = _meant(obj, values, limited=limited)
    done = award.award(obj, who.usernames, given)
    count = len(done.issued)
    said = ngettext("%d credential was awarded.", "%d credentials were awarded.", count) % count
    problems = [f"{username}: {spoken(why)}" for username, why in list(done.problems.items())[:NAMED]]
    if len(done.problems) > NAMED:
        problems.append(_now("… and %d more.") % (len(done.problems) - NAMED))
    problems += _left_out(who.nobody, limited=limited)
    awarded = [username for username in who.usernames if username not in done.problems]
    nudges = [(tasks.generate,), (tasks.deliver,)]
    return Done(said if count else "", problems=problems, nudges=nudges, people=_recognised(awarded))


@dataclass(frozen=True, slots=True)
class Saying:
    """What may be said of learners: the use case, and what is told of so many then."""

    say: Callable[..., Listed]
    said: Callable[[int], str]

    def __call__(self, admin_: Any, request: HttpRequest, obj: CredentialConfiguration, values: Values) -> Done:
        """Says it of those who are named."""
        limited = admin_.limits(request, "change", LIST) is not None
        who = _meant(obj, values, limited=limited)
        found = self.say(obj, who.usernames, by=request.user, reason=values["reason"])
        problems = _left_out(who.nobody + found.unknown, limited=limited)
        if found.holding:
            problems.append(_now("Hold a credential already, which stays: %s") % _some(found.holding))
        told = self.said(found.done) % found.done if found.done else ""
        known = [username for username in who.usernames if username not in found.unknown]
        return Done(told, problems=problems, people=_recognised(known))


def _meant(obj: CredentialConfiguration, values: Values, *, limited: bool) -> Meant:
    """Whoever is limited to what they teach says something of those alone who take part there."""
    return meant(lines(values["learners"]), within=obj if limited else None)


def _left_out(nobody: list[str], *, limited: bool) -> list[str]:
    if not nobody:
        return []
    if limited:
        return [_now("Take no part here, and were left out: %s") % _some(nobody)]
    return [_now("Not known, and left out: %s") % _some(nobody)]


def _recognised(usernames: list[str]) -> str:
    """Who they are: a slip of the hand is another person's username."""
    if not usernames:
        return ""
    known = Learner.objects.filter(gateway=current().lms, key__in=usernames[:NAMED]).values_list("key", "name")
    names = dict(known)
    called = [f"{names[key]} ({key})" if names.get(key) else key for key in usernames]
    return _now("Recognised: %s") % _some(called)


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (_now(" and %d more") % (len(names) - NAMED) if len(names) > NAMED else "")


def _reissue(admin_: Any, request: HttpRequest, obj: CredentialConfiguration, values: Values) -> Done:
    wish = reissue.Wish(obj, values["design"], values["names"], values["notify"])
    asked = reissue.start(wish, by=request.user, reason=values["reason"])
    said = ngettext("%d credential is issued again.", "%d credentials are issued again.", asked.total) % asked.total
    return Done(said, admin_.address("change", asked.pk, model=Reissue), [(tasks.reissue, asked.pk)])


@dataclass(frozen=True, slots=True)
class Way:
    """A way of issuing again, as the form has it, and what it would come to; None: nobody knows."""

    label: Any
    to_reissue: int | None
    unchanged: int | None
    cannot: str
    key: str

    @property
    def button(self) -> str:
        """With the number."""
        return REISSUE_ONE.counted(self.to_reissue or 0)


def _numbers(admin_: Any, request: HttpRequest, obj: CredentialConfiguration, form: Any) -> dict[str, Any]:
    return numbers({obj: None})


def numbers(chosen: Mapping[CredentialConfiguration, Collection[int] | None]) -> dict[str, Any]:
    """What the page says before anything is done: of all of a configuration, or of those credentials."""
    return {"numbers": _ways(chosen), "nothing": REISSUE_ONE.counted(0)}


def _ways(chosen: Mapping[CredentialConfiguration, Collection[int] | None]) -> list[Way]:
    """What each way would come to."""
    rows: list[Way] = []
    for key, label, design, names in (
        ("design", _("the current design"), correct.CURRENT_DESIGN, False),
        ("names", _("the present names"), correct.SAME_DESIGN, True),
        ("both", _("both"), correct.CURRENT_DESIGN, True),
    ):
        try:
            found = [reissue.count(reissue.Wish(one, design, names, selection=keys)) for one, keys in chosen.items()]
        except ConferralError as error:
            rows.append(Way(label, None, None, spoken(error), key))
        else:
            cannot = sum((Counter(each.cannot) for each in found), Counter[str]())
            told = ", ".join(f"{number} {spoken(why)}" for why, number in cannot.items())
            again, same = sum(each.to_reissue for each in found), sum(each.unchanged for each in found)
            rows.append(Way(label, again, same, told, key))
    return rows


def _explain_run(obj: CredentialConfiguration) -> str:
    if stop := standstill.standing():
        raise ConferralError(_now("Nothing can be started: Conferral is %s.") % stop)
    said = _now(
        "It looks at every learner of %(key)s and issues to those who qualify and have none yet. Nobody gets two."
    ) % {"key": obj.context_key}
    state = opening.state_of(obj, timezone.now())
    if state.open:
        return said
    unless = _now(
        "Unless the dates of its course have changed since, a run looks at nobody; only “%(choice)s” overrides that."
    )
    return f"{capfirst(spoken(state.why))}. {unless % {'choice': RunForm.base_fields['release'].label}}"


ASKS = {
    "dry": Ask(
        right=RUN,
        title=_("Dry run"),
        explain=lambda _obj: _now(
            "It looks at every learner and says who would get one, who has one, who not yet and why, and who cannot be "
            "mailed. Nothing is issued."
        ),
        button=_("Begin"),
        perform=_dry,
    ),
    "run": Ask(
        right=RUN,
        title=_("Run now"),
        explain=_explain_run,
        button=_("Run now"),
        form=RunForm,
        about=_about_run,
        sensible=lambda obj: obj.enabled,
        perform=_run,
    ),
    "award": Ask(
        right=AWARD,
        title=_("Award by hand"),
        explain=lambda _obj: _now(
            "They get a credential now, whatever the rule says. Its evidence says who awarded it."
        ),
        button=_("Award"),
        form=AwardForm,
        perform=_award,
    ),
    "always": Ask(
        right=LIST,
        title=_("Always issue to"),
        explain=lambda _obj: _now("Each run issues to them as soon as they take part, whatever the rule says."),
        button=_("Always issue"),
        form=PeopleForm,
        perform=Saying(
            release.allow,
            lambda count: ngettext("%d learner is always given one.", "%d learners are always given one.", count),
        ),
    ),
    "never": Ask(
        right=LIST,
        title=_("Never issue to"),
        explain=lambda _obj: _now(
            "No run issues to them. What is held of theirs is refused; what was issued stays, until it is revoked."
        ),
        button=_("Never issue"),
        form=PeopleForm,
        perform=Saying(
            release.bar,
            lambda count: ngettext("%d learner is never given one.", "%d learners are never given one.", count),
        ),
        grave=True,
    ),
    "rule": Ask(
        right=LIST,
        title=_("Let the rule decide"),
        explain=lambda _obj: _now("Takes back what was said of them: the rule decides about them again."),
        button=_("Take back"),
        form=PeopleForm,
        sensible=lambda obj: obj.candidates.exclude(verdict="").exists(),
        perform=Saying(
            release.take_back,
            lambda count: ngettext(
                "The rule decides about %d learner again.", "The rule decides about %d learners again.", count
            ),
        ),
    ),
    "reissue": Ask(
        right=REISSUE,
        title=_("Issue all again"),
        explain=lambda _obj: _now(
            "New credentials take the places of those that would come out otherwise; they keep their dates, and old "
            "links and QR codes lead to them."
        ),
        button=_("Issue again"),
        form=ReissueAllForm,
        sensible=lambda obj: obj.credentials.filter(current=True).exists(),
        perform=_reissue,
        template="conferral/admin/reissue.html",
        about=_numbers,
    ),
}
