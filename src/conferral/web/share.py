"""Where a credential is shown to others: addresses of other sites, by the parameters that they document.

No script of theirs runs, and nothing is told to them before somebody follows a link.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from conferral.issuance.disclosure import Disclosure
from conferral.models import Credential
from conferral.web.words import local_date

ADD_TO_PROFILE = "https://www.linkedin.com/profile/add"
LINKEDIN = "https://www.linkedin.com/sharing/share-offsite/"
FACEBOOK = "https://www.facebook.com/sharer/sharer.php"
X = "https://x.com/intent/post"


@dataclass(frozen=True, slots=True)
class Target:
    """A link: its words and its address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Targets:
    """The profile to which it can be added, and the places where its link can be told."""

    profile: Target
    places: tuple[Target, ...]


def targets(credential: Credential, told: Disclosure, page: str) -> Targets:
    """The links of one credential."""
    title = f"{told.snapshot.type}: {told.snapshot.context}"
    mail = urlencode({"subject": title, "body": page}).replace("+", "%20")  # mail programs take a plus as it is
    return Targets(
        profile=Target(_("Add to LinkedIn profile"), f"{ADD_TO_PROFILE}?{urlencode(_entry(credential, told, page))}"),
        places=(
            Target("LinkedIn", f"{LINKEDIN}?{urlencode({'url': page})}"),
            Target("Facebook", f"{FACEBOOK}?{urlencode({'u': page})}"),
            Target("X", f"{X}?{urlencode({'url': page, 'text': title})}"),
            Target(_("E-mail"), f"mailto:?{mail}"),
        ),
    )


def _entry(credential: Credential, told: Disclosure, page: str) -> Mapping[str, str | int]:
    """What LinkedIn calls a licence or certification. An organisation's page is known by its id, else by its name."""
    issuer = credential.edition.content["issuer"]
    number = issuer.get("linkedin_id", "")
    organisation = {"organizationId": number} if number else {"organizationName": issuer["name"]}
    issued = local_date(credential.issued, credential)
    dates: dict[str, str | int] = {"issueYear": issued.year, "issueMonth": issued.month}
    if credential.expires:
        expires = local_date(credential.expires, credential)
        dates |= {"expirationYear": expires.year, "expirationMonth": expires.month}
    return {
        "startTask": "CERTIFICATION_NAME",
        "name": f"{told.snapshot.type}: {told.snapshot.context}",
        **organisation,
        **dates,
        "certUrl": page,
        "certId": told.snapshot.verification_id,
    }
