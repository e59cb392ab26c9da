"""An invented credential, for drafts, previews and tests of generators."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from conferral.contract.artifact import GenerationRequest, IssuerSnapshot, Snapshot
from conferral.contract.decision import Fact


def sample_request(**changes: Any) -> GenerationRequest:
    """A request to try a generator with; `changes` name fields of GenerationRequest or of Snapshot."""
    noon = datetime(2026, 5, 12, 12, tzinfo=UTC)
    page_url = "https://credentials.example/c/K7QF-2M9X-4TBD-HW33"
    snapshot = Snapshot(
        verification_id="K7QF-2M9X-4TBD-HW33",
        name="Ana Ñandú",
        type="Certificate of Completion",
        context_key="course-v1:Demo+CS101+2026",
        context="Introduction to Computing",
        organisation="Demo",
        issuer=IssuerSnapshot("Demo University", "https://demo.example"),
        issued=noon,
        earned=noon,
        date=noon,
        start=datetime(2026, 1, 10, 12, tzinfo=UTC),
        end=noon,
        expires=datetime(2028, 5, 12, 12, tzinfo=UTC),
        fields={"hours": 40},
        evidence=(Fact.share("completion", Decimal("0.95"), Decimal("0.9")),),
    )
    request = GenerationRequest(
        snapshot=snapshot,
        slot="certificate",
        page_url=page_url,
        locale="en",
        time_zone="Europe/Paris",
        idempotency_key="K7QF2M9X4TBDHW33:certificate",
        url_of=lambda filename: f"{page_url}/{filename}",
    )
    of_snapshot = {field.name for field in fields(Snapshot)} & changes.keys()
    inner = {name: changes.pop(name) for name in of_snapshot}
    return replace(request, **{"snapshot": replace(snapshot, **inner), **changes})
