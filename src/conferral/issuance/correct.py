"""Taking back and putting right: revoke, reissue, try again. Only a person does these; a run never does."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from conferral import plugins, storage
from conferral.contract import ConferralError
from conferral.contract.text import check_line, is_visible
from conferral.issuance import deliver, history, make, plan, withdraw, work
from conferral.issuance.limit import limited
from conferral.issuance.snapshot import request_for
from conferral.models import Credential, CredentialArtifact, Delivery, Edition, Learner, NameRequest
from conferral.models.verification import shown
from conferral.settings import current

State = Credential.State
NAME_LENGTH = 255
SAME_DESIGN, CURRENT_DESIGN = "same", "current"
AT_ONCE = 500
"""Credentials that one transaction tries again: after a long outage all of them may have failed."""


class CannotCorrect(ConferralError):
    """The credential is not in a state in which this makes sense, or what was written for it is not accepted."""


def revoke(credential: Credential, reason: str, by: Any = None) -> Credential:
    """Withdraws it: its page says so at once, its file is not served any more. A run never issues it again.

    Its files are to be moved, so that links of the bucket that were given out before end, too; and what its generators
    made elsewhere is to be withdrawn there: `withdraw` does both, until it has succeeded.
    """
    if not reason.strip():
        raise CannotCorrect("is empty; say why, for those who are asked later", where="reason")
    with transaction.atomic():
        found = _holding(Credential.objects.select_for_update(), credential)
        if found.revoked:
            raise CannotCorrect(
                "%(id)s was revoked on %(day)s already: %(reason)s",
                id=_id(found),
                day=f"{found.revoked:%Y-%m-%d}",
                reason=found.revoked_reason,
            )
        found.revoked, found.revoked_reason = timezone.now(), reason.strip()
        found.revoked_by = history.account(by)
        found.save(update_fields=["revoked", "revoked_reason", "revoked_by"])
        place = Credential.objects.filter(configuration=found.configuration_id, learner=found.learner_id)
        # There is nothing to correct any more; older versions left requests with what was replaced.
        NameRequest.objects.filter(credential__in=place.values("pk"), waiting=True).delete()
        withdraw.enqueue(found)
        history.record("revoked", found, by=by, reason=reason)
    return found


def reissue(  # noqa: PLR0913 - what a person may say
    credential: Credential,
    *,
    name: str | None = None,
    design: str = SAME_DESIGN,
    notify: bool = True,
    by: Any = None,
    reason: str = "",
    together_with: Callable[[], None] | None = None,
) -> Credential:
    """Issues it again, and returns the new one, which is to be made. The old one's links lead to it.

    It keeps the dates and the evidence, and the name when none is given; with the `current` design it is made as the
    configuration says now, else as the old one was. `together_with` is done in the same transaction, or not at all.
    """
    if name is not None:
        name = checked_name(name)
    # Other people's code and the LMS are asked before a row is locked: while they hang, nobody waits for it.
    seen = _to_reissue(Credential.objects.all(), credential)
    edition = _current_edition(seen) if design == CURRENT_DESIGN else seen.edition
    try_out(successor(seen, edition, name or name_of(seen), notify=notify), edition)
    with transaction.atomic():
        # So that nobody retires them meanwhile.
        learner = Learner.objects.select_for_update().get(pk=credential.learner_id)
        if together_with:
            together_with()
        old = _to_reissue(Credential.objects.select_for_update(), credential)
        if old.revoked and not seen.revoked:  # else what has just been revoked would be valid again
            raise CannotCorrect(
                "%(id)s was revoked meanwhile, and nothing was changed: %(reason)s",
                id=_id(old),
                reason=old.revoked_reason,
            )
        old.current = None
        old.save(update_fields=["current"])
        new = successor(old, edition, name or name_of(old), notify=notify)
        new.save(force_insert=True)
        Learner.objects.note_words([learner])
        hand_on([new], by)
        if new.state == State.AVAILABLE:
            deliver.enqueue([new])
        withdraw.enqueue(old)
        history.record("reissued", old, new, by=by, reason=reason, renamed=name is not None, design=design)
    return new


def _to_reissue(rows: QuerySet[Credential], credential: Credential) -> Credential:
    old = _holding(rows, credential)
    if old.state == State.PENDING:
        raise CannotCorrect("%(id)s is still being made; wait until it is ready", id=_id(old))
    if old.learner.retired:
        raise CannotCorrect("%(id)s: the learner is retired; nothing personal is kept of them", id=_id(old))
    return old


def successor(old: Credential, edition: Edition, name: str, *, notify: bool) -> Credential:
    """The credential that takes the old one's place, unsaved: its dates and evidence, made by that edition."""
    return Credential(
        learner=old.learner,
        configuration_id=old.configuration_id,
        edition=edition,
        recipient_name=name,
        context_key=old.context_key,
        context_name=old.context_name,
        context_organisation=old.context_organisation,
        context_start=old.context_start,
        context_end=old.context_end,
        locale=edition.content["locale"],
        evidence=old.evidence,
        state=State.PENDING if edition.content["generators"] else State.AVAILABLE,
        earned=old.earned,
        issued=old.issued,
        expires=old.expires,
        supersedes=old,
        hidden=old.hidden,
        name_form=old.name_form,
        notify=notify,
    )


def hand_on(made: Collection[Credential], by: Any = None) -> None:
    """Within the transaction that inserts them: their files are due, as their editions say.

    What the holders of those that they replace have asked for, and wait for, is about them now; or is done, where they
    have that name.
    """
    now = timezone.now()
    CredentialArtifact.objects.bulk_create(
        CredentialArtifact(credential=new, edition=new.edition, slot=slot, required=declared["required"], next_try=now)
        for new in made
        for slot, declared in new.edition.content["generators"].items()
    )
    heirs = {one.supersedes_id: one for one in made}
    done = {"outcome": NameRequest.Outcome.APPROVED, "waiting": None, "decided": now, "decided_by": history.account(by)}
    for request in NameRequest.objects.filter(credential__in=list(heirs), waiting=True):
        heir = heirs[request.credential_id]
        said = done if request.name == heir.recipient_name else {"credential": heir}
        NameRequest.objects.filter(pk=request.pk).update(**said)


def retry(credentials: list[Credential] | None = None, *, by: Any = None, reason: str = "") -> tuple[int, int]:
    """What has failed, of all or of those credentials, is due again; how many artifacts and messages that are.

    It stands in the history of each. A file that is gone from the storage is made again too, when its credential is
    named. A credential that failed because its learner had no name takes the name that the learner has by now.
    """
    files = messages = 0
    for keys, named in _pages_of_failed() if credentials is None else _pages_of(credentials):
        made, sent = _retry(keys, named, by, reason)
        files, messages = files + made, messages + sent
    if messages:
        deliver.ask_the_server_now()
    return files, messages


def _retry(keys: Sequence[int], named: Sequence[Credential], by: Any, reason: str) -> tuple[int, int]:
    """The same for the credentials of those keys, in a transaction; of those named what is gone is looked for, too."""
    again = work.anew()
    with transaction.atomic():
        failed = _failed_files().filter(credential__in=keys)
        # The credentials first, as whoever records results does; then what has failed by now.
        concerned = set(failed.values_list("credential_id", flat=True))
        rows = Credential.objects.select_for_update().filter(pk__in=concerned).order_by("pk")
        locked = list(rows.only("recipient_name"))
        _name_the_nameless(locked)
        ids = list(failed.filter(credential__in=locked).values_list("pk", flat=True))
        Credential.objects.filter(pk__in=concerned, state=State.FAILED).update(state=State.PENDING)
        CredentialArtifact.objects.filter(pk__in=ids).update(state=CredentialArtifact.State.PENDING, **again)
        lost = {one.pk: _make_missing_again(one, again) for one in named}
        unsent = deliver.try_again(Delivery.objects.filter(credential__in=keys))
        tried = {one.pk for one in locked} | {pk for pk, files in lost.items() if files} | set(unsent.values())
        history.record_of([(Credential, pk) for pk in sorted(tried)], "tried again", by=by, reason=reason)
    return len(ids) + sum(lost.values()), len(unsent)


def _failed_files() -> QuerySet[CredentialArtifact]:
    """Of credentials that are not over."""
    failed = CredentialArtifact.objects.filter(state=CredentialArtifact.State.FAILED)
    return failed.filter(credential__current=True, credential__revoked=None, credential__learner__retired=None)


Page = tuple[list[int], list[Credential]]
"""Keys of credentials, and those of them that somebody has named."""


def _pages_of(credentials: list[Credential]) -> Iterator[Page]:
    for first in range(0, len(credentials), AT_ONCE):
        page = credentials[first : first + AT_ONCE]
        yield [one.pk for one in page], page


def _pages_of_failed() -> Iterator[Page]:
    """All of which a file or a mail has failed; each row is looked at once."""
    for failed in (_failed_files(), deliver.given_up(Delivery.objects.all())):
        last = 0
        while page := failed.filter(pk__gt=last).order_by("pk").values_list("pk", "credential_id")[:AT_ONCE]:
            last = page[len(page) - 1][0]
            yield sorted({credential for _, credential in page}), []


def _name_the_nameless(credentials: list[Credential]) -> None:
    nameless = [one.pk for one in credentials if not is_visible(one.recipient_name)]
    for one in Credential.objects.filter(pk__in=nameless).exclude(learner__name="").select_related("learner"):
        Credential.objects.filter(pk=one.pk).update(recipient_name=one.learner.name)


def differs_from_account(credential: Credential) -> str:
    """The learner's own name, when the credential shows another one."""
    name = credential.learner.name
    return name if name and name != credential.recipient_name else ""


def _holding(rows: QuerySet[Credential], credential: Credential) -> Credential:
    """The row as it is now; one that is held is refused, and one that was replaced, with its successor's id."""
    row = rows.get(pk=credential.pk)
    if row.state == State.HELD:
        raise CannotCorrect("%(id)s is held: release or refuse it", id=_id(row))
    if row.current is None:
        raise CannotCorrect(
            "%(id)s was replaced by %(other)s; name that one", id=_id(row), other=_id(row.superseded_by)
        )
    return row


def _current_edition(credential: Credential) -> Edition:
    configuration = credential.configuration
    return plan.edition_of(plan.resolve(configuration, plugins.gateway()))


def try_out(new: Credential, edition: Edition, prepare: Callable[[int, str], make.Station] = make.prepare) -> None:
    """Makes it once for nothing: what cannot be made never takes the place of what is there."""
    if not is_visible(new.recipient_name):
        raise CannotCorrect(
            "the learner has none; give one, or add it where the learner's account is kept", where="name"
        )
    for slot, declared in edition.content["generators"].items():
        try:
            with limited(current().plugin_seconds, f"preparing {slot}"):
                station = prepare(edition.pk, slot)
            request = replace(request_for(new, edition.content, slot), draft=True)
            with plugins.blamed(plugins.GENERATORS, declared["generator"]):
                made = make.draft(station.generator, station.prepared, request)
            make.check(made, slot, station.generator.version)
        except ConferralError as error:
            raise CannotCorrect(
                "%(slot)s: it cannot be made like this, and nothing was changed: %(error)s", slot=slot, error=error
            ) from error


def _make_missing_again(credential: Credential, again: dict[str, object]) -> int:
    """The slots of which a file is gone; what is left of them is made anew with it."""
    stored = list(credential.artifacts.filter(state=CredentialArtifact.State.STORED).order_by("pk"))
    missing = {row.slot for row in stored if row.storage_name and not storage.exists(row.storage_name)}
    for slot in missing:
        first, *others = [row for row in stored if row.slot == slot]
        CredentialArtifact.objects.filter(pk__in=[row.pk for row in others]).delete()
        for row in others:
            transaction.on_commit(partial(storage.discard, row.storage_name))
        CredentialArtifact.objects.filter(pk=first.pk).update(state=CredentialArtifact.State.PENDING, **again)
    return len(missing)


def name_of(credential: Credential) -> str:
    """One that failed because nobody knew the name takes the name that is known by now."""
    return credential.recipient_name if is_visible(credential.recipient_name) else credential.learner.name


def checked_name(name: str) -> str:
    """The name as it can be printed; a CannotCorrect says what is wrong with it."""
    name = name.strip()
    try:
        check_line(name)
    except ValueError as error:
        raise CannotCorrect("%(error)s", where="name", error=error) from None
    if not is_visible(name):
        raise CannotCorrect("it is empty; write the name as it is to be printed", where="name")
    if len(name) > NAME_LENGTH:
        raise CannotCorrect(
            "it has %(count)s characters; at most %(most)s are accepted",
            where="name",
            count=len(name),
            most=NAME_LENGTH,
        )
    return name


def _id(credential: Credential) -> str:
    return shown(credential.verification_id)
