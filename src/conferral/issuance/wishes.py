"""What holders say about their own credentials: who sees the page, how their name is shown, and how it is written."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from conferral.contract import Phrase
from conferral.contract.text import check_storable
from conferral.issuance import correct, deliver, history
from conferral.models import Credential, Delivery, NameRequest
from conferral.models.verification import shown

LONGEST = 2000
"""Characters of an explanation, or of a reason."""
Outcome = NameRequest.Outcome


class CannotAsk(correct.CannotCorrect):
    """The request makes no sense now."""


def show(credential: Credential, *, hidden: bool | None = None, name_form: str | None = None) -> None:
    """Hides or shows the page, and chooses how it shows the name; what is None stays."""
    wished: dict[str, Any] = {"hidden": hidden, "name_form": name_form and Credential.NameForm(name_form)}
    said = {name: value for name, value in wished.items() if value not in (None, getattr(credential, name))}
    if not said:
        return
    with transaction.atomic():
        Credential.objects.filter(pk=credential.pk).update(**said)
        # Whatever has replaced it at this moment took over what was said before.
        place = {"configuration": credential.configuration_id, "learner": credential.learner_id, "current": True}
        Credential.objects.filter(**place).exclude(pk=credential.pk).update(**said)
        history.record("shown otherwise", credential, by=history.HOLDER, **said)
    for name, value in said.items():
        setattr(credential, name, value)


def ask_for_name(credential: Credential, name: str, explanation: str = "") -> NameRequest:
    """Puts the wish for another name before the staff; a CannotCorrect says why not. It replaces one that waits."""
    name, explanation = correct.checked_name(name), _text("explanation", explanation)
    try:
        with transaction.atomic():
            credential = _locked(credential.pk)
            over = credential.revoked or credential.learner.retired or credential.state != Credential.State.AVAILABLE
            if credential.current is None or over:
                raise CannotAsk(
                    "%(id)s: it does not hold any more; nothing can be corrected", id=shown(credential.verification_id)
                )
            if name == credential.recipient_name:
                raise CannotAsk("“%(name)s” is what it says already", where="name", name=name)
            NameRequest.objects.filter(credential=credential, waiting=True).delete()
            history.record("name asked for", credential, by=history.HOLDER)
            return NameRequest.objects.create(credential=credential, name=name, explanation=explanation)
    except IntegrityError:
        raise CannotAsk(
            "a request was made at the same moment; look whether it is the right one", where="name"
        ) from None


def approve(request: NameRequest, by: object = None) -> Credential:
    """Reissues the credential with that name and its own dates; the learner is written to. The new one, to be made.

    It was reissued meanwhile: the one that holds now is corrected, unless its name is the one that was asked for. What
    was revoked stays revoked.
    """
    holds = corrected_by(request)

    def approved() -> None:
        if _locked(holds.pk).revoked:
            raise CannotAsk("%(id)s was revoked; refuse the request", id=shown(holds.verification_id))
        _decide(request, Outcome.APPROVED, by)

    if holds.revoked or holds.recipient_name == request.name:
        with transaction.atomic():
            approved()
        return holds
    reason = Phrase("the holder asked for it")
    return correct.reissue(holds, name=request.name, by=by, reason=reason, together_with=approved)


def corrected_by(request: NameRequest) -> Credential:
    """The credential that holds now, in the place of the one about which the learner asked."""
    return corrected_by_each([request])[request.pk]


def corrected_by_each(requests: Iterable[NameRequest]) -> dict[int, Credential]:
    """The same of several, by their keys; one query."""
    places = {one.pk: (one.credential.configuration_id, one.credential.learner_id) for one in requests}
    held = Credential.objects.select_related("learner", "edition")
    held = held.filter(learner__in={learner for _, learner in places.values()}, current=True)
    by_place = {(one.configuration_id, one.learner_id): one for one in held}
    return {key: by_place[place] for key, place in places.items()}


def refuse(request: NameRequest, reason: str, by: object = None) -> None:
    """The name stays as it is; the learner is told why: in one mail, where an earlier refusal is still to be told."""
    reason = _text("reason", reason)
    if not reason:
        raise CannotAsk("is empty; the learner is told why", where="reason")
    with transaction.atomic():
        _locked(request.credential_id)
        _decide(request, Outcome.REFUSED, by, reason)
        refusals = request.credential.deliveries.filter(purpose=Delivery.Purpose.REFUSED)
        refusals.filter(state=Delivery.State.PENDING).delete()  # it would tell of this one too
        deliver.tell(request.credential, Delivery.Purpose.REFUSED)
        history.record("name refused", request.credential, by=by, reason=reason)


def _locked(pk: int) -> Credential:
    """The credential before its requests, as whoever revokes or reissues has them."""
    return Credential.objects.select_for_update().get(pk=pk)


def _decide(request: NameRequest, outcome: Outcome, by: object, reason: str = "") -> None:
    decided: dict[str, Any] = {"outcome": outcome, "waiting": None, "reason": reason, "decided": timezone.now()}
    decided["decided_by"] = by if hasattr(by, "pk") else None
    if not NameRequest.objects.filter(pk=request.pk, waiting=True).update(**decided):
        raise CannotAsk(
            "%(request)s: somebody has decided meanwhile, or the learner has asked for another name", request=request
        )
    request.refresh_from_db()


def _text(field: str, text: str) -> str:
    text = text.strip()
    try:
        check_storable(text)
    except ValueError as error:
        raise CannotAsk("it is not accepted: %(error)s", where=field, error=error) from None
    if len(text) > LONGEST:
        raise CannotAsk(
            "it has %(count)s characters; at most %(most)s are accepted",
            where=field,
            count=len(text),
            most=LONGEST,
        )
    return text
