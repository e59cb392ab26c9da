"""Letters: whether a learner is to get one, and what it says, in their language and in the type's own words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone, translation

from conferral.contract import GenerationRequest, Phrase
from conferral.contract.placeholders import fill, values
from conferral.issuance.snapshot import request_for
from conferral.mail import Letter, language_for
from conferral.models import Credential, Delivery, NameRequest

Purpose = Delivery.Purpose
TRANSLATED = "translations"
"""Where a type's wording has its words in other languages."""
DEFAULT_SUBJECT = {
    Purpose.ISSUED: translation.gettext_noop("{type}: {context}"),
    Purpose.CORRECTED: translation.gettext_noop("Corrected: {type}, {context}"),
    Purpose.REFUSED: translation.gettext_noop("Your name on {type}, {context}"),
}


def why_not(credential: Credential, purpose: str = Purpose.ISSUED) -> str:
    """Why its learner is not to be written to about this credential; empty when there is no reason.

    Who asked for another name hears of a refusal, whatever was issued again since, and whether it is made by now.
    """
    learner, answers = credential.learner, purpose == Purpose.REFUSED
    reasons = {
        Phrase("it was replaced by another"): credential.current is None and not answers,
        Phrase("it was revoked"): _holds_no_more(credential) if answers else credential.revoked is not None,
        f"it is {credential.state}": credential.state != Credential.State.AVAILABLE and not answers,
        Phrase("it has expired"): _is_stale(credential, purpose),
        Phrase("the learner is retired"): learner.retired is not None,
        Phrase("the learner's account is not active"): not learner.active,
        Phrase("the learner has no e-mail address"): not learner.email,
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def letter_of(delivery: Delivery) -> Letter:
    """The message as it is sent: in the learner's language, in the type's own words where it has some."""
    credential, edition = delivery.credential, delivery.credential.edition.content
    return compose(
        request_for(credential, edition, slot="mail"),
        edition,
        purpose=delivery.purpose,
        language=credential.learner.language,
        recipient=credential.learner.email,
        mail=delivery.pk,
        request=_refused(credential) if delivery.purpose == Purpose.REFUSED else None,
    )


def compose(  # noqa: PLR0913 - what a message is made of
    about: GenerationRequest,
    edition: Mapping[str, Any],
    *,
    purpose: str,
    language: str,
    recipient: str,
    mail: int = 0,
    request: NameRequest | None = None,
) -> Letter:
    """A message about that credential; a reader's language in which our own texts are not is the credential's.

    `mail` is the key of its row: every try of it is one message, and no other ever is.
    """
    locale, language = about.locale, language_for(language, about.locale)
    if about.locale.split("-")[0] != language.split("_")[0]:
        about = replace(about, locale=language)  # dates as the reader writes them
    value_of = values(about)
    issuer = edition["issuer"]
    own = purpose == Purpose.ISSUED
    wording = words_in(edition["wording"], language, locale) if own else {}
    with translation.override(language):
        subject = translation.gettext(DEFAULT_SUBJECT[Purpose(purpose)])
    subject = wording.get("subject") or subject
    number = about.snapshot.verification_id.replace("-", "")
    body = fill(wording.get("body", ""), value_of)
    return Letter(
        recipient=recipient,
        sender=issuer.get("sender", ""),
        reply_to=issuer.get("reply_to", ""),
        subject=" ".join(fill(subject, value_of).split()),
        language=language,
        message_id=f"{number}.{purpose}.{mail}@{urlsplit(about.page_url).hostname}",
        template=purpose,
        content={
            "snapshot": about.snapshot,
            "locale": locale,
            "page_url": about.page_url,
            "accent": issuer.get("colours", {}).get("primary", ""),
            "paragraphs": [part.strip() for part in body.split("\n\n") if part.strip()],
            "issued": value_of("issued"),
            "expires": value_of("expires"),
            "request": request,
        },
    )


def words_in(wording: Mapping[str, Any], language: str, locale: str) -> Mapping[str, str]:
    """The type's own words for a reader of that language; those without one are in the credential's `locale`.

    Once there are words in other languages, who reads yet another one is written to in ours.
    """
    others = wording.get(TRANSLATED, {})
    wanted = language.replace("_", "-").lower()
    found = {tag.lower(): words for tag, words in others.items()}
    for tag in (wanted, wanted.split("-")[0]):
        if tag in found:
            return dict(found[tag])
    if others and wanted.split("-")[0] != locale.lower().replace("_", "-").split("-")[0]:
        return {}
    return {name: text for name, text in wording.items() if name != TRANSLATED}


def _holds_no_more(credential: Credential) -> bool:
    """Whether what is in its place by now was revoked."""
    place = {"configuration": credential.configuration_id, "learner": credential.learner_id, "current": True}
    return Credential.objects.filter(**place).exclude(revoked=None).exists()


def _is_stale(credential: Credential, purpose: str) -> bool:
    """Whether it is over, and there is nothing to be told of it but that: a name that was corrected is worth a mail."""
    if purpose == Purpose.REFUSED or credential.expires is None or credential.expires > timezone.now():
        return False
    old = credential.supersedes if purpose == Purpose.CORRECTED else None
    return old is None or old.recipient_name == credential.recipient_name


def _refused(credential: Credential) -> NameRequest | None:
    return credential.name_requests.filter(outcome=NameRequest.Outcome.REFUSED).order_by("-pk").first()
