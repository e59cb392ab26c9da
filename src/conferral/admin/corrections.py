"""What a person does with credentials, one or many: release, refuse, revoke, reissue, write again, try again."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import access, tasks
from conferral.access import REISSUE, RELEASE, RENAME, RESEND, RETRY, REVOKE
from conferral.admin.many import Correction, CorrectionForm, Done, Whys, one_by_one, unless
from conferral.contract import ConferralError
from conferral.issuance import correct, deliver, letter, release
from conferral.issuance.disclosure import publication_of
from conferral.models import Credential, CredentialArtifact, Run
from conferral.models.verification import shown
from conferral.spoken import spoken

State = Credential.State
UNMADE = (State.HELD, State.PENDING)
REPLACED = (_("it was replaced by another"), lambda one: one.current is None)
REVOKED = (_("it was revoked"), lambda one: one.revoked)
HELD = (_("it is held"), lambda one: one.state == State.HELD)
IN_THE_MAKING = (_("it is still being made"), lambda one: one.state == State.PENDING)
BROKEN = (_("it could not be made"), lambda one: one.state == State.FAILED)
RETIRED = (_("the learner is retired"), lambda one: one.learner.retired)
"""Why something cannot be done to a credential, and whether that applies."""


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


class ReleaseForm(CorrectionForm):
    """Whether the learners are written to."""

    notify = forms.BooleanField(label=_("Write to the learners"), required=False, initial=True)


class RefuseForm(CorrectionForm):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text=_("For those who ask later; staff see it, learners and strangers do not."),
    )


class ReissueForm(CorrectionForm):
    """How one is made again; many are `wishes.ReissueForm`'s."""

    name = forms.CharField(
        label=_("Name"),
        max_length=correct.NAME_LENGTH,
        widget=forms.TextInput(attrs={"style": "width: 30em"}),
        help_text=_("As it is to be printed."),
    )
    design = forms.ChoiceField(
        label=_("Design"),
        choices=[
            (correct.CURRENT_DESIGN, _("as the configuration says now")),
            (correct.SAME_DESIGN, _("as it was made then")),
        ],
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200, help_text=_("For staff who ask later."))
    notify = forms.BooleanField(label=_("Write to the learner"), required=False, initial=True)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        (one, *_others), name = self.chosen, self.fields["name"]
        keys = access.limits(self.by, "change_credential", RENAME)
        if keys is None or one.context_key in keys:
            name.initial = one.recipient_name or one.learner.name
        else:  # to correct a name is a right of its own
            name.initial, name.disabled, name.required = one.recipient_name, True, False


def _revoke(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    reason = values["reason"]
    return one_by_one(chosen, lambda one: correct.revoke(one, reason, by=by), "Revoked.", told)


def _reissue(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    made: Done = []
    for old in chosen:
        corrected = None if values["name"] == old.recipient_name else values["name"]
        given = {"design": values["design"], "notify": values["notify"], "by": by, "reason": values["reason"]}
        try:
            new = correct.reissue(old, name=corrected, **given)
        except ConferralError as error:
            told(error)
            continue
        made += [(new, f"Issued in place of {shown(old.verification_id)}.")]
        made += [(old, f"Replaced by {shown(new.verification_id)}.")]
    return made


def _resend(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    return one_by_one(chosen, lambda one: deliver.resend(one, by=by), "The mail is sent again.", told)


def _retry(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    def again(one: Credential) -> None:
        if not any(correct.retry([one], by=by)):
            raise ConferralError("%(id)s: nothing has failed that could be tried again", id=shown(one.verification_id))

    return one_by_one(chosen, again, "Tried again.", told)


def _release(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    def all_of(keys: list[int]) -> int:
        return release.release_each(keys, by=by, notify=values["notify"])

    return _decided(chosen, all_of, "Released.", told)


def _refuse(chosen: Sequence[Credential], values: dict[str, Any], by: Any, told: Callable[[Exception], None]) -> Done:
    def all_of(keys: list[int]) -> int:
        return release.refuse_each(keys, by=by, reason=values["reason"])

    return _decided(chosen, all_of, "Refused.", told)


def _decided(
    chosen: Sequence[Credential], decide: Callable[[list[int]], int], line: str, told: Callable[[Exception], None]
) -> Done:
    """Those that were held, and are no more: each run is decided about as a whole, and counted once."""
    keys = [one.pk for one in chosen]
    before = _held(keys)
    try:
        decide(sorted(before))
    except ConferralError as error:
        told(error)
    decided = before - _held(keys)
    for one in chosen:
        if one.pk not in decided:
            told(ConferralError(f"{shown(one.verification_id)} is not held; nothing is to be decided about it"))
    return [(one, line) for one in chosen if one.pk in decided]


def _held(keys: list[int]) -> set[int]:
    held = Credential.objects.filter(pk__in=keys, state=Credential.State.HELD, run__status=Run.Status.HELD)
    return set(held.values_list("pk", flat=True))


def _undecided(chosen: Sequence[Credential]) -> Whys:
    """Why nothing is to be decided about those."""
    held = _held([one.pk for one in chosen])
    others = (one for one in chosen if one.pk not in held)
    early, decided = _("its run has not ended"), _("it is not held")
    return {one.pk: early if one.state == State.HELD else decided for one in others}


def _unmailed(chosen: Sequence[Credential]) -> Whys:
    """Why the learners are not to be written to about those."""
    unready = unless(REPLACED, REVOKED, HELD, IN_THE_MAKING, BROKEN)(chosen)
    whys = {one.pk: spoken(letter.why_not(one)) for one in chosen if one.pk not in unready}
    return {**unready, **{key: why for key, why in whys.items() if why}}


def _has_failed(credential: Credential) -> bool:
    return (
        credential.artifacts.filter(state=CredentialArtifact.State.FAILED).exists()
        or deliver.given_up(credential.deliveries.all()).exists()
    )


CORRECTIONS = {
    "resend": Correction(
        right=RESEND,
        title=_("Send the mail again"),
        explanation=_("The learner is written to once more."),
        counted=lambda count: ngettext("Send %d mail", "Send %d mails", count) % count,
        cannot=_unmailed,
        perform=_resend,
        said=lambda count: ngettext("%d mail is sent again.", "%d mails are sent again.", count) % count,
        tasks=(tasks.deliver,),
    ),
    "retry": Correction(
        right=RETRY,
        title=_("Try again what failed"),
        explanation=_("Files that could not be made or are gone, and mails that were given up, are tried again."),
        # How many that are nobody knows before: which files are gone only the storage can tell.
        counted=lambda _count: _now("Try again what failed"),
        cannot=unless(REPLACED, HELD, RETIRED),
        sensible=_has_failed,
        perform=_retry,
        said=lambda count: ngettext("%d credential is tried again.", "%d credentials are tried again.", count) % count,
        tasks=(tasks.generate, tasks.deliver),
    ),
    "reissue": Correction(
        right=REISSUE,
        title=_("Reissue with the current design"),
        explanation=_(
            "A new credential takes the place of the old one: the same dates, a new number. Links to the old one lead "
            "to the new one, and the old file is not served any more."
        ),
        counted=lambda count: ngettext("Reissue %d credential", "Reissue %d credentials", count) % count,
        form=ReissueForm,
        cannot=unless(REPLACED, HELD, IN_THE_MAKING, RETIRED),
        perform=_reissue,
        # Of each there are two lines: the new one's and the old one's.
        said=lambda count: (
            ngettext("%d credential was reissued.", "%d credentials were reissued.", count // 2) % (count // 2)
        ),
        tasks=(tasks.withdraw, tasks.generate, tasks.deliver),
    ),
    "release": Correction(
        right=RELEASE,
        title=_("Release"),
        explanation=_("They are issued today, and their learners get them."),
        counted=lambda count: ngettext("Release %d credential", "Release %d credentials", count) % count,
        form=ReleaseForm,
        cannot=_undecided,
        perform=_release,
        said=lambda count: ngettext("%d credential was released.", "%d credentials were released.", count) % count,
        tasks=(tasks.generate, tasks.deliver),
    ),
    "refuse": Correction(
        right=RELEASE,
        title=_("Refuse"),
        explanation=_(
            "They are deleted; nobody has seen them. No run issues to these learners until the refusal is taken back: "
            "“Let the rule decide” on the page of the configuration does it."
        ),
        counted=lambda count: ngettext("Refuse %d credential", "Refuse %d credentials", count) % count,
        form=RefuseForm,
        cannot=_undecided,
        perform=_refuse,
        said=lambda count: ngettext("%d credential was refused.", "%d credentials were refused.", count) % count,
        deletes=True,
    ),
    "revoke": Correction(
        right=REVOKE,
        title=_("Revoke"),
        explanation=_(
            "The page of the credential says at once that it was revoked, and its files are not served any more. "
            "This cannot be taken back; the credential can be reissued. No issuing run issues it again."
        ),
        counted=lambda count: ngettext("Revoke %d credential", "Revoke %d credentials", count) % count,
        form=RevokeForm,
        cannot=unless(REPLACED, REVOKED, HELD),
        perform=_revoke,
        said=lambda count: ngettext("%d credential was revoked.", "%d credentials were revoked.", count) % count,
        tasks=(tasks.withdraw,),
    ),
}
