"""Whom somebody means who writes usernames and e-mail addresses, and who of them takes part."""

from collections.abc import Collection
from dataclasses import dataclass

from conferral import access, plugins
from conferral.models import Credential, CredentialConfiguration, Learner
from conferral.settings import current


@dataclass(frozen=True, slots=True)
class Meant:
    """The usernames, each once; and what was written that means nobody, or more than one person."""

    usernames: list[str]
    nobody: list[str]


def meant(written: Collection[str], *, within: CredentialConfiguration | None = None) -> Meant:
    """The people of those usernames and addresses; `within` a configuration only those who take part there.

    Then nothing tells an account that is elsewhere from one that is nowhere. Addresses are found among the learners
    that are recorded here.
    """
    found = {}
    for text in dict.fromkeys(each.strip() for each in written if each.strip()):
        addressed = [learner.key for learner in access.of_address(text)] if "@" in text else []
        found[text] = addressed or [text]
    if within is not None:
        there = taking_part(within, {key for keys in found.values() for key in keys})
        found = {text: [key for key in keys if key in there] for text, keys in found.items()}
    usernames = dict.fromkeys(keys[0] for keys in found.values() if len(keys) == 1)
    return Meant(list(usernames), [text for text, keys in found.items() if len(keys) != 1])


def taking_part(configuration: CredentialConfiguration, usernames: Collection[str]) -> set[str]:
    """Those who take part in what it is for, active or not, and those of whom there is a record of it already."""
    learners = Learner.objects.filter(gateway=current().lms, key__in=list(usernames), retired=None)
    known = {learner.pk: learner.key for learner in learners}
    there = set[int]()
    for records in (Credential.objects.filter(configuration=configuration), configuration.candidates.all()):
        there |= set(records.filter(learner__in=list(known)).values_list("learner", flat=True))
    found = {known[pk] for pk in there}
    lms = plugins.gateway()
    context = lms.describe(configuration.context_key)
    others = sorted(set(usernames) - found)
    if context is None or not others:
        return found
    return found | {one.learner for page in lms.progress(context, frozenset(), others) for one in page}
