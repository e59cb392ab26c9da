"""Mail that goes nowhere: each message becomes a file that a mail program opens. For demos and first steps."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage as Parsed
from email.parser import BytesParser
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

SUFFIX = ".eml"


class EmailBackend(BaseEmailBackend):
    """Writes each message to a file of its own under EMAIL_FILE_PATH, whole or not at all."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were written."""
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}"
            unfinished = folder / f"{name}.part"
            unfinished.write_bytes(message.message().as_bytes())
            unfinished.rename(folder / f"{name}{SUFFIX}")
        return len(email_messages)


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that was written, as a page lists it."""

    name: str
    sent: datetime
    recipient: str
    subject: str
    html: str
    text: str


def mails(newest: int) -> Iterator[Mail]:
    """The newest messages, the latest first."""
    for path in _files()[:newest]:
        yield read(path.name)


def count() -> int:
    """How many messages there are."""
    return len(_files())


def read(name: str) -> Mail:
    """One message; a FileNotFoundError when there is none of that name."""
    path = next((path for path in _files() if path.name == name), None)
    if path is None:
        raise FileNotFoundError(name)
    with path.open("rb") as file:
        parsed = BytesParser(_class=Parsed, policy=policy.default).parse(file)
    return Mail(
        name=path.name,
        sent=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        recipient=str(parsed["To"]),
        subject=str(parsed["Subject"]),
        html=_body(parsed, "html"),
        text=_body(parsed, "plain"),
    )


def _body(parsed: Parsed, kind: str) -> str:
    part = parsed.get_body((kind,))
    return str(part.get_content()) if part else ""


def _files() -> list[Path]:
    return sorted(Path(settings.EMAIL_FILE_PATH).glob(f"*{SUFFIX}"), reverse=True)
