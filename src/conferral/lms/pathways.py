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
    sources = list(plugins.pathway_sources(gateway))
    if not sources:
        return []
    given = CredentialConfiguration.objects.filter(enabled=True, archived=None).exclude(context_key__startswith=COURSE)
    theirs: dict[int, list[str]] = {}
    for key in dict.fromkeys(given.order_by("-pk").values_list("context_key", flat=True)):
        place = next((place for place, source in enumerate(sources) if source.knows(key)), None)
        if place is not None:
            theirs.setdefault(place, []).append(key)
    return [key for place, keys in theirs.items() for key in sources[place].taking_part(learner, lms, keys[:MOST])]
