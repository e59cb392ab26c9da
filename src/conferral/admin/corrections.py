"""What a person does with credentials that were issued: revoke, reissue, write again, try again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import tasks
from conferral.contract import ConferralError
from conferral.issuance import correct, deliver
from conferral.issuance.disclosure import publication_of
from conferral.models import Credential, CredentialArtifact, Delivery
from conferral.models.verification import shown

Done = list[tuple[Credential, str]]
"""The credentials that were dealt with, each with the line for its history."""


class CorrectionForm(forms.Form):
    """What has to be said besides which credentials are meant; nothing, unless told otherwise."""

    def __init__(self, *arguments: Any, chosen: Sequence[Credential] = (), **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.chosen = chosen


class RevokeForm(CorrectionForm):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text=_("The holder and the staff are shown it; the public is not."),
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if any(publication_of(one).revocation_reason for one in self.chosen):
            self.fields["reason"].help_text = _("Everybody who has the link is shown it: their type says so.")


class ReissueForm(CorrectionForm):
    """How. A name is for one alone."""

    name = forms.CharField(
        label=_("Name"),
        max_length=correct.NAME_LENGTH,
        widget=forms.TextInput(attrs={"style": "width: 30em"}),
        help_text=_("As it is to be printed."),
    )
    design = forms.ChoiceField(
        label=_("Design"),
        choices=[
            (correct.SAME_DESIGN, _("as it was made then")),
            (correct.CURRENT_DESIGN, _("as the configuration says now")),
        ],
    )
    notify = forms.BooleanField(label=_("Write to the learner"), required=False, initial=True)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if len(self.chosen) == 1:
            self.fields["name"].initial = self.chosen[0].recipient_name or self.chosen[0].learner.name
        else:
            del self.fields["name"]


@dataclass(frozen=True, slots=True)
class Correction:
    """One thing that can be done: its words, its form, and the use case.

    `perform` gets the chosen credentials, the form's values, who asks, and where to tell of what went wrong.
    """

    title: str | Promise
    explanation: str | Promise
    button: str | Promise
    form: type[CorrectionForm]
    sensible: Callable[[Credential], bool]
    perform: Callable[[Sequence[Credential], dict[str, Any], Any, Callable[[Exception], None]], Done]
    said: Callable[[int], str]
    tasks: tuple[Any, ...] = ()


def _revoke(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    reason = values["reason"]
    return _each(chosen, lambda one: correct.revoke(one, reason, by=by), "Revoked.", told)


def _reissue(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    made: Done = []
    for old in chosen:
        name = values.get("name")
        corrected = None if name == old.recipient_name else name
        try:
            new = correct.reissue(old, name=corrected, design=values["design"], notify=values["notify"])
        except ConferralError as error:
            told(error)
            continue
        made += [(new, f"Issued in place of {shown(old.verification_id)}.")]
        made += [(old, f"Replaced by {shown(new.verification_id)}.")]
    return made


def _resend(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    return _each(chosen, deliver.resend, "The mail is sent again.", told)


def _retry(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    def again(one: Credential) -> None:
        if not any(correct.retry([one])):
            raise ConferralError(f"{shown(one.verification_id)}: nothing has failed that could be tried again")

    return _each(chosen, again, "Tried again.", told)


def _each(
    chosen: Iterable[Credential], use_case: Callable[[Credential], Any], line: str, told: Callable[[Exception], None]
) -> Done:
    done: Done = []
    for one in chosen:
        try:
            use_case(one)
        except ConferralError as error:
            told(error)
        else:
            done.append((one, line))
    return done


def _has_failed(credential: Credential) -> bool:
    return (
        credential.artifacts.filter(state=CredentialArtifact.State.FAILED).exists()
        or credential.deliveries.filter(state=Delivery.State.FAILED).exists()
    )


CORRECTIONS = {
    "revoke": Correction(
        title=_("Revoke"),
        explanation=_(
            "The page of the credential says at once that it was revoked, and its files are not served any more. "
            "This cannot be taken back; the credential can be reissued. No issuing run issues it again."
        ),
        button=_("Revoke"),
        form=RevokeForm,
        sensible=lambda one: not one.revoked,
        perform=_revoke,
        said=lambda count: ngettext("%d credential was revoked.", "%d credentials were revoked.", count) % count,
        tasks=(tasks.withdraw,),
    ),
    "reissue": Correction(
        title=_("Reissue"),
        explanation=_(
            "A new credential takes the place of the old one: the same dates, a new number. Links to the old one lead "
            "to the new one, and the old file is not served any more."
        ),
        button=_("Reissue"),
        form=ReissueForm,
        sensible=lambda one: one.state != Credential.State.PENDING and not one.learner.retired,
        perform=_reissue,
        # Of each there are two lines: the new one's and the old one's.
        said=lambda count: (
            ngettext("%d credential was reissued.", "%d credentials were reissued.", count // 2) % (count // 2)
        ),
        tasks=(tasks.withdraw, tasks.generate, tasks.deliver),
    ),
    "resend": Correction(
        title=_("Send the mail again"),
        explanation=_("The learner is written to once more."),
        button=_("Send"),
        form=CorrectionForm,
        sensible=lambda one: not deliver.why_not(one),
        perform=_resend,
        said=lambda count: ngettext("%d mail is sent again.", "%d mails are sent again.", count) % count,
        tasks=(tasks.deliver,),
    ),
    "retry": Correction(
        title=_("Try again what failed"),
        explanation=_("Files that could not be made or are gone, and mails that were given up, are tried again."),
        button=_("Try again"),
        form=CorrectionForm,
        sensible=_has_failed,
        perform=_retry,
        said=lambda count: ngettext("%d credential is tried again.", "%d credentials are tried again.", count) % count,
        tasks=(tasks.generate, tasks.deliver),
    ),
}
