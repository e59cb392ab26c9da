"""Learning contexts: courses, lessons and pathways, by their opaque keys."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlsplit

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import LearningContextKey

from conferral.contract.errors import ConferralError

KEY_LENGTH = 255
"""Characters in the longest key: what Open edX stores."""

# Pathway keys are registered with opaque-keys by packages that a service of its own does not have.
_PATHWAY_KEY = re.compile(r"path-v1:[\w\-.~]+(\+[\w\-.~]+){3}|catalog-pathway:[\w\-.~]+:[\w\-.~]+")


class Kind(StrEnum):
    """A course, a lesson (a course made of one section) or a pathway (several courses)."""

    COURSE = "course"
    LESSON = "lesson"
    PATHWAY = "pathway"


@dataclass(frozen=True, slots=True)
class LearningContext:
    """What a gateway knows of one course, lesson or pathway.

    Instants are aware; `pass_mark` is a share (0..1); `steps` are the keys of a pathway's courses, in order;
    `categories` are the assignment types, None where the source does not tell. `awarded` is the date that the course
    gives all of its credentials, where it gives one: not before the whole course has come to its end.
    """

    key: str
    kind: Kind
    name: str
    organisation: str = ""
    language: str = ""
    start: datetime | None = None
    end: datetime | None = None
    pass_mark: Decimal | None = None
    steps: tuple[str, ...] = ()
    categories: tuple[str, ...] | None = None
    awarded: datetime | None = None


def is_address(text: str) -> bool:
    """Whether it is the address of a site: `https://lms.example.org`, with a path or without."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment


def short_key(key: str) -> str:
    """The part of a key that people say: `CS101` of `course-v1:Demo+CS101+2026`."""
    parts = re.split(r"[+:]", key)
    return parts[2] if len(parts) > 2 else key  # noqa: PLR2004 - scheme, organisation, course


def is_pathway_key(key: str) -> bool:
    """Whether the key names a pathway: several courses, each a step."""
    return _PATHWAY_KEY.fullmatch(key) is not None


def check_key(key: str) -> str:
    """The key, when it can name a learning context; else a ConferralError that says what is wrong with it."""
    if len(key) > KEY_LENGTH:
        raise ConferralError(f"context key: {key[:40]!r}… has {len(key)} characters, at most {KEY_LENGTH} are allowed")
    if is_pathway_key(key):
        return key
    # Some kinds of key let a new line through.
    if any(character.isspace() for character in key) or not _is_key(key):
        raise ConferralError(
            f"context key: {key!r} is not a key; write it as course-v1:ORG+COURSE+RUN or path-v1:ORG+PATHWAY+RUN+GROUP"
        )
    return key


def _is_key(key: str) -> bool:
    try:
        LearningContextKey.from_string(key)
    except InvalidKeyError:
        return False
    return True
