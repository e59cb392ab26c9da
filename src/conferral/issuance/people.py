"""What is kept of one person: all of it handed out, or taken away for good."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from conferral import access, storage
from conferral.contract import ConferralError
from conferral.issuance import configure, history, make, mentions, release, withdraw
from conferral.issuance.snapshot import page_url
from conferral.models import (
    Act,
    Candidate,
    Credential,
    CredentialArtifact,
    CredentialConfiguration,
    CredentialType,
    Delivery,
    DryRun,
    DryRunRow,
    Learner,
    NameRequest,
    NameWord,
    RosterEntry,
)
from conferral.models.learner import retired_key
from conferral.models.verification import shown


def find(gateway: str, key: str) -> Learner:
    """The learner of that username; a ConferralError when there is none, or when they are retired already."""
    found = Learner.objects.filter(gateway=gateway, key=key).first()
    if found:
        return found
    if Learner.objects.filter(gateway=gateway, key=retired_key(gateway, key)).exists():
        raise ConferralError("%(key)r is retired; nothing personal is kept of them", where="learner", key=key)
    raise ConferralError("%(key)r is not known to %(gateway)r", where="learner", key=key, gateway=gateway)


def retire_account(gateway: str, external_id: str, *, username: str, email: str) -> int:
    """Retires the learner of that account of the LMS, by its id, else by its username; says how many credentials.

    Of an account that never earned anything, what remains is its name in the options of a rule.
    """
    known = Learner.objects.filter(gateway=gateway, retired=None)
    found = known.filter(external_id=external_id).first() if external_id else None
    found = found or known.filter(key=username).first()
    if found:
        return retire(found)
    if not username:
        return 0
    configure.forget_person(username, email, replacement=retired_key(gateway, username))
    return 0


def retire(learner: Learner) -> int:
    """Removes name, address, username, progress and files, of what was replaced too; says how many credentials.

    The credentials stay, and their pages say that the details were removed. The same username is never issued to again.
    """
    named = _names_of(learner)
    mentions.forget(named)  # first: it takes a while, and nobody is to wait for the learner meanwhile
    with transaction.atomic():
        learner = Learner.objects.select_for_update().get(pk=learner.pk)  # whoever issues or corrects waits for it
        dropped = release.drop_of(learner)
        artifacts = CredentialArtifact.objects.filter(credential__learner=learner)
        credentials = list(Credential.objects.filter(learner=learner).select_for_update().order_by("pk"))
        for credential in credentials:
            withdraw.remotely(credential.artifacts.all())
        files = [name for name in artifacts.values_list("storage_name", flat=True) if name]
        claimed = list(artifacts.exclude(claim="").values_list("pk", "claim"))
        moving = artifacts.filter(state=CredentialArtifact.State.STORED, next_try__isnull=False)
        files += [storage.withdrawn(name) for name in moving.values_list("storage_name", flat=True) if name]
        waiting = list(artifacts.filter(state=CredentialArtifact.State.PENDING).values_list("pk", flat=True))
        CredentialArtifact.objects.filter(pk__in=waiting).update(state=CredentialArtifact.State.FAILED)
        CredentialArtifact.objects.filter(credential__in=credentials).update(
            storage_name="", url="", receipt={}, problems=[], last_error="", next_try=None, claim="", claimed_until=None
        )
        history.forget([*dropped, *(one.pk for one in credentials)], lambda text: mentions.without(text, named))
        _forget(learner, credentials, named)
        # At the very end, and within: what fails here is taken back whole, and can be done again.
        for name in files:
            storage.remove(name)
        for artifact, claim in claimed:  # of a worker that was killed; one that still works removes its own
            storage.discard_beginning(make.place_of(artifact, claim))
    return len(credentials)


def _names_of(learner: Learner) -> set[str]:
    """What they are called: by their account, by what was printed, and by what they asked for."""
    printed = learner.credentials.values_list("recipient_name", flat=True)
    asked = NameRequest.objects.filter(credential__learner=learner).values_list("name", flat=True)
    return {learner.key, learner.email, learner.name, *printed, *asked} - {""}


def _forget(learner: Learner, credentials: list[Credential], named: Collection[str]) -> None:
    for credential in credentials:
        if credential.state == Credential.State.PENDING:
            credential.state = Credential.State.FAILED
        credential.recipient_name, credential.evidence = "", {}
        credential.revoked_reason = mentions.without(credential.revoked_reason, named)
    Credential.objects.bulk_update(
        credentials, ["state", "recipient_name", "evidence", "revoked_reason"], batch_size=500
    )
    NameRequest.objects.filter(credential__in=credentials).delete()
    deliveries = Delivery.objects.filter(credential__in=credentials)
    deliveries.filter(state=Delivery.State.PENDING).update(
        state=Delivery.State.SKIPPED, next_try=None, claim="", claimed_until=None, ended=timezone.now()
    )
    deliveries.update(last_error="")
    RosterEntry.objects.filter(learner=learner).delete()
    NameWord.objects.filter(learner=learner).delete()
    Candidate.objects.filter(learner=learner).delete()
    kept = list(DryRun.objects.values_list("pk", flat=True))
    DryRunRow.objects.filter(dry_run__in=kept, learner=learner.key).delete()
    hidden = retired_key(learner.gateway, learner.key)
    configure.forget_person(learner.key, learner.email, replacement=hidden)
    learner.key = hidden
    learner.name = learner.email = learner.language = learner.external_id = ""
    account = learner.user
    learner.active, learner.retired, learner.user = False, timezone.now(), None
    learner.save()
    # An account with which they signed in by mail is theirs alone; any other is not ours to remove.
    if account and access.made_here(account) and not Learner.objects.filter(user=account).exists():
        account.delete()


def export(learner: Learner) -> dict[str, Any]:
    """All that is kept of the learner, in plain JSON; reasons of staff are in it, which no page shows to learners."""
    entries = RosterEntry.objects.filter(learner=learner).select_related("context").order_by("pk")
    dry_runs = list(DryRun.objects.values_list("pk", flat=True))  # by which the rows are found fast
    tried = DryRunRow.objects.filter(dry_run__in=dry_runs, learner=learner.key)
    return {
        "username": learner.key,
        "source": learner.gateway,
        "name": learner.name,
        "email": learner.email,
        "language": learner.language,
        "active": learner.active,
        "external_id": learner.external_id,
        "account": learner.user.get_username() if learner.user else None,
        "progress": [
            {"context": entry.context.key, "completion": entry.completion, "grades": entry.grades} for entry in entries
        ],
        "said": [
            {
                "context": one.configuration.context_key,
                "type": one.configuration.type.name,
                "qualified": one.qualified.isoformat() if one.qualified else None,
                "verdict": one.verdict,
                "reason": one.reason,
            }
            for one in learner.candidacies.select_related("configuration__type").order_by("pk")
        ],
        "credentials": list(_credentials(learner)),
        "named_by_rules": list(_rules_naming(learner)),
        "dry_runs": [
            {
                "context": row.dry_run.configuration.context_key,
                "type": row.dry_run.configuration.type.name,
                "name": row.name,
                "outcome": row.outcome,
                "why": row.why,
                "facts": row.facts,
            }
            for row in tried.select_related("dry_run__configuration__type").order_by("pk")
        ],
    }


def _credentials(learner: Learner) -> Iterator[dict[str, Any]]:
    """Those that are held, too: their state says so."""
    acts = Act.objects.filter(kind=history.kind(Credential), object_id__in=learner.credentials.values("pk"))
    told: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for act in acts.order_by("pk"):
        told[act.object_id].append({"verb": act.verb, "at": act.at.isoformat(), "reason": act.reason})
    kept = learner.credentials.select_related("edition__type", "supersedes")
    for one in kept.prefetch_related("artifacts", "deliveries", "name_requests").order_by("pk"):
        yield {
            "verification_id": shown(one.verification_id),
            "page": page_url(one.verification_id),
            "type": one.edition.content["type"],
            "context": one.context_key,
            "context_name": one.context_name,
            "name": one.recipient_name,
            "state": one.state,
            "earned": one.earned.isoformat(),
            "issued": one.issued.isoformat(),
            "expires": one.expires.isoformat() if one.expires else None,
            "revoked": one.revoked.isoformat() if one.revoked else None,
            "revoked_reason": one.revoked_reason,
            "replaces": shown(one.supersedes.verification_id) if one.supersedes else None,
            "evidence": one.evidence,
            "hidden": one.hidden,
            "name_form": one.name_form,
            "name_requests": [
                {
                    "name": each.name,
                    "explanation": each.explanation,
                    "outcome": each.outcome,
                    "reason": each.reason,
                    "asked": each.asked.isoformat(),
                }
                for each in one.name_requests.all()
            ],
            "files": [
                {"name": file.filename, "url": file.url, "sha256": file.sha256, "size": file.size}
                for file in one.artifacts.all()
            ],
            "messages": [
                {"purpose": each.purpose, "state": each.state, "sent": each.sent and each.sent.isoformat()}
                for each in one.deliveries.all()
            ],
            "history": told[one.pk],
        }


def _rules_naming(learner: Learner) -> Iterator[dict[str, str]]:
    """The types and configurations whose options name them in a list."""
    for row, _ in configure.rules_naming(learner.key, learner.email):
        match row:
            case CredentialType():
                yield {"type": row.name}
            case CredentialConfiguration():
                yield {"context": row.context_key, "type": row.type.name}
