"""What the demo shows besides certificates: a genuine, a revoked and a corrected one, and people to sign in as."""

import io
from datetime import timedelta
from pathlib import Path

import pikepdf
from django.utils import timezone

from conferral import storage
from conferral.issuance import correct
from conferral.issuance.deliver import deliver
from conferral.issuance.generate import generate
from conferral.issuance.withdraw import withdraw
from conferral.management import people
from conferral.models import Credential, Learner

COURSE, TYPE = "course-v1:Demo+CS101+2026", "Certificate of Completion"
GENUINE, REVOKED, CORRECTED = "amelie.novak", "declan.odriscoll", "harriet.pemberton"
REASON = "The work that was handed in turned out to be somebody else's."
CORRECTED_NAME = "Harriet Pemberton"
ISSUED_BEFORE = timedelta(days=40)


def make() -> list[tuple[str, Credential, str]]:
    """A label, a credential and a remark for each; again it finds what was made before."""
    genuine, revoked, corrected = (_of(username) for username in (GENUINE, REVOKED, CORRECTED))
    if not revoked.revoked:
        correct.revoke(revoked, REASON)
    if corrected.supersedes is None:
        # As if it had been issued some time ago: one sees that a correction keeps its date.
        Credential.objects.filter(pk=corrected.pk).update(issued=timezone.now() - ISSUED_BEFORE)
        corrected = correct.reissue(corrected, name=CORRECTED_NAME)
        generate(corrected.configuration)
        deliver()
    withdraw()
    people.create(Learner.objects.get(gateway="roster", key=GENUINE))
    assert corrected.supersedes is not None  # it was issued again, here or before
    old_name = corrected.supersedes.recipient_name
    return [
        ("Genuine", genuine, genuine.recipient_name),
        ("Revoked", revoked, revoked.recipient_name),
        ("Corrected", corrected.supersedes, f"was {old_name}; its link leads to the new one"),
    ]


def save_copy(credential: Credential, path: Path) -> Path:
    """The credential's file through another program: it looks the same, and its bytes differ."""
    artifact = credential.artifacts.exclude(storage_name="").get()
    with pikepdf.open(io.BytesIO(storage.read(artifact.storage_name))) as document:
        document.save(path, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=False)
    return path


def _of(username: str) -> Credential:
    of_type = Credential.objects.filter(context_key=COURSE, configuration__type__name=TYPE, current=True)
    return of_type.select_related("learner", "supersedes").get(learner__key=username)
