"""What gateways with sources of pathways share."""

from collections.abc import Sequence

from conferral import plugins
from conferral.contract import LMS
from conferral.models import CredentialConfiguration

COURSE = "course-v1:"
MOST = 50
"""Pathways that are asked about: the latest for which a credential is given."""


def taking_part(gateway: str, learner: str, lms: LMS) -> Sequence[str]:
    """The pathways of that gateway's sources in which the learner is, of those for which a credential is given now."""
    given = CredentialConfiguration.objects.filter(enabled=True, archived=None).exclude(context_key__startswith=COURSE)
    left = list(dict.fromkeys(given.order_by("-pk").values_list("context_key", flat=True)))
    found: list[str] = []
    for source in plugins.pathway_sources(gateway):
        own = [key for key in left if source.knows(key)]
        left = [key for key in left if key not in own]  # the first that knows it has it
        if own:
            found += source.taking_part(learner, lms, own[:MOST])
    return found
