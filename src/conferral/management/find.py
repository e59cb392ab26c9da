"""Finding what a person named on the command line."""

from argparse import ArgumentParser

from conferral.contract import ConferralError
from conferral.contract.context import short_key
from conferral.models import Context, Credential, CredentialConfiguration
from conferral.models.verification import normalised


def context_key(text: str) -> str:
    """The key, or the only known key whose short form it is: `CS101` for `course-v1:Demo+CS101+2026`."""
    known = {
        *Context.objects.values_list("key", flat=True),
        *CredentialConfiguration.objects.values_list("context_key", flat=True),
    }
    if text in known:
        return text
    alike = sorted(key for key in known if short_key(key) == text)
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise ConferralError(f"context: {text!r} could be {' or '.join(alike)}; write the whole key")
    raise ConferralError(f"context: {text!r} is not known; known: {', '.join(sorted(known)) or 'none'}")


def any_context_key(text: str) -> str:
    """The same for a context that nothing is configured for yet: a whole key is left to the gateway to know."""
    return text if ":" in text else context_key(text)


def configurations(context: str | None, type_name: str | None) -> list[CredentialConfiguration]:
    """The enabled configurations that match; a ConferralError when there is none."""
    found = CredentialConfiguration.objects.filter(enabled=True, archived=None).select_related("type")
    if context:
        found = found.filter(context_key=context_key(context))
    if type_name:
        found = found.filter(type__name=type_name)
    if not (matching := list(found.order_by("pk"))):
        wanted = " · ".join(part for part in (context, type_name) if part)
        raise ConferralError(
            f"configurations: none is enabled{f' for {wanted}' if wanted else ''}; declare one and set `enabled: true`"
        )
    return matching


def one_configuration(context: str, type_name: str | None) -> CredentialConfiguration:
    """The configuration that is meant, enabled or not; a ConferralError when there is none, or several."""
    found = CredentialConfiguration.objects.filter(archived=None, context_key=context_key(context))
    if type_name:
        found = found.filter(type__name=type_name)
    matching = list(found.select_related("type").order_by("pk"))
    if len(matching) == 1:
        return matching[0]
    wanted = " · ".join(part for part in (context, type_name) if part)
    if not matching:
        raise ConferralError(f"configurations: there is none for {wanted}; declare one")
    types = ", ".join(repr(one.type.name) for one in matching)
    raise ConferralError(f"configurations: {wanted} has {len(matching)}; say which with --type: {types}")


def id_argument(parser: ArgumentParser) -> None:
    """The argument that names a credential."""
    parser.add_argument("id", help="verification id, for example K7QF-2M9X-4TBD-HW33")


def credential(text: str) -> Credential:
    """The credential with that verification id, however it was typed."""
    verification_id = normalised(text)
    if verification_id is None:
        raise ConferralError(f"verification id: {text!r} is mistyped; an id looks like K7QF-2M9X-4TBD-HW33")
    found = (
        Credential.objects.filter(verification_id=verification_id)
        .exclude(state=Credential.State.HELD)
        .select_related("learner", "edition__type")
        .first()
    )
    if found is None:
        raise ConferralError(f"verification id: {text!r} is not known here")
    return found
