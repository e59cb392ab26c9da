"""Messages to learners, and their way out. The only door to e-mail.

Mail that says what somebody has earned is transactional: it goes to everybody who has an address.
"""

import logging
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from babel import negotiate_locale
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import translation

from conferral import colours, journal
from conferral.contract import PermanentError, TransientError
from conferral.contract.placeholders import babel_locale

logger = logging.getLogger(__name__)

INK, DARK_PAPER = "#1b2a4e", "#1f2229"
ANSWER_SECONDS = 60
"""So long a mail server has for each answer where EMAIL_TIMEOUT does not say: Django would wait for ever."""
LETTER_SECONDS = 300
"""So long it has for all of one letter."""
SERVICE_UNAVAILABLE = 421
PERMANENT = 500
"""Reply codes of RFC 5321: 421 closes the connection; those from 500 on will be given again."""


TRANSLATIONS = sorted(folder.parent.name for folder in Path(__file__).with_name("locale").glob("*/LC_MESSAGES"))
"""Languages that Conferral's own texts are written in."""


def language_for(*wanted: str) -> str:
    """The first of the languages that a reader wants in which Conferral's own texts are, else English."""
    tags = [tag.replace("-", "_") for tag in wanted if tag]
    return negotiate_locale(tags, TRANSLATIONS) or "en"


def colours_of(accent: str) -> dict[str, str]:
    """An issuer's colour for the rule and the button, what is read on it, and what it is on dark paper."""
    accent = accent if colours.is_colour(accent) else INK
    by_night = colours.readable(accent, DARK_PAPER)
    return {
        "accent": accent,
        "on_accent": colours.ink_on(accent),
        "accent_by_night": by_night,
        "on_accent_by_night": colours.ink_on(by_night),
    }


class Unreachable(TransientError):
    """The transport takes no message at all at present: the whole batch waits."""


class Away(Unreachable):
    """It does not even take a connection, whatever the message."""


class PerhapsSent(TransientError):
    """The transport took the message and did not say what became of it: each further try may be a repeat."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: `template` names the pair `conferral/mail/TEMPLATE.html` and `.txt`, shown with `content`.

    `message_id` is the same for every try, so that a mail program recognises a repeat.
    """

    recipient: str
    sender: str
    reply_to: str
    subject: str
    language: str
    message_id: str
    template: str
    content: Mapping[str, Any] = field(default_factory=dict)

    def message(self, connection: Any = None) -> EmailMultiAlternatives:
        """As HTML and as text."""
        with translation.override(self.language):
            direction = babel_locale(self.language).text_direction
            content = {"language": self.language, "direction": direction, "subject": self.subject, **self.content}
            content |= colours_of(str(content.get("accent", "")))
            text = render_to_string(f"conferral/mail/{self.template}.txt", content)
            html = render_to_string(f"conferral/mail/{self.template}.html", content)
        message = EmailMultiAlternatives(
            subject=self.subject,
            body=text,
            from_email=self.sender or None,
            to=[self.recipient],
            reply_to=[self.reply_to] if self.reply_to else None,
            headers={"Message-ID": f"<{self.message_id}>", "Auto-Submitted": "auto-generated"},
            connection=connection,
        )
        message.attach_alternative(html, "text/html")
        return message


class Post:
    """The transport that Django's EMAIL settings name, with one connection for the letters of a block."""

    def __enter__(self) -> Self:
        self._connection: Any = None
        self._refused_senders: dict[str, str] = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def send(self, letter: Letter) -> None:
        """Hands the letter over.

        Unreachable: nothing goes out by this connection any more, and Away: by none at present; PerhapsSent: nobody
        knows; another TransientError: not this one, not now; PermanentError: never this one.

        A sender that was refused says nothing about who is written to: a quota is used up, or an issuer's address is to
        be corrected. The server is not asked again for that one in this block.
        """
        if reason := self._refused_senders.get(letter.sender):
            raise TransientError(reason)
        self._make_connection()
        try:
            message = letter.message(self._connection)
            self._connection.open()
        except OSError as error:  # smtplib's errors are OSErrors too
            self._close()
            raise Away(f"the mail server cannot be reached: {_said(error)}") from error
        try:
            self._connection.send_messages([message])
        except smtplib.SMTPRecipientsRefused as error:
            (code, said) = next(iter(error.recipients.values()))
            raise self._refused(code, said) from error
        except smtplib.SMTPSenderRefused as error:
            refused = self._refused(error.smtp_code, error.smtp_error, may_change=True)
            self._refused_senders[letter.sender] = str(refused)
            raise refused from error
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code, error.smtp_error) from error
        except OSError as error:
            self._close()
            raise PerhapsSent(f"the mail server stopped answering: {_said(error)}") from error
        except (ValueError, UnicodeError) as error:  # an address or header that cannot be written
            raise PermanentError(f"the message cannot be written: {error}") from error
        except Exception as error:  # a mail provider's own errors have no common base
            journal.breakdown(logger, "the mail transport raised", error)
            raise TransientError(f"the mail transport raised {error!r}") from error
        except BaseException:  # interrupted in the middle of a sentence: who does not answer is not told goodbye
            self._hang_up()
            raise

    def _make_connection(self) -> None:
        """For the first letter: a transport that cannot be made is one that is away, and is seen on what waits."""
        if self._connection is not None:
            return
        try:
            self._connection = get_connection()
        except Exception as error:  # it is not installed, or lacks a setting; its own words may have a secret in them
            journal.breakdown(logger, "the mail transport cannot be made", error)
            why = error if isinstance(error, ImportError) else type(error).__name__
            raise Away(f"EMAIL_BACKEND {settings.EMAIL_BACKEND!r} cannot be used: {why}") from error
        if getattr(self._connection, "timeout", ANSWER_SECONDS) is None:
            setattr(self._connection, "timeout", ANSWER_SECONDS)  # noqa: B010 - of Django's SMTP alone

    def _refused(self, code: int, said: bytes | str, *, may_change: bool = False) -> PermanentError | TransientError:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        reason = f"the mail server answered {code} {' '.join(text.split())}"
        if code >= PERMANENT and not may_change:
            return PermanentError(reason)
        if code == SERVICE_UNAVAILABLE:
            self._close()
            return Unreachable(reason)
        return TransientError(reason)

    def _hang_up(self) -> None:
        line = getattr(self._connection, "connection", None)
        if isinstance(line, smtplib.SMTP):
            line.close()
            setattr(self._connection, "connection", None)  # noqa: B010 - as above
        else:
            self._close()

    def _close(self) -> None:
        """A connection that is gone already cannot say goodbye; the next letter opens a new one."""
        if self._connection is None:
            return
        try:
            self._connection.close()
        except OSError as error:
            logger.debug("the mail server did not say goodbye: %s", type(error).__name__)


def _said(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return error.strerror or str(error) or type(error).__name__
