"""Signing in by mail: a link is sent to the address, and whoever reads it presses a button."""

import logging
import threading
from hashlib import sha256

from django.db import close_old_connections, connection
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from conferral import access, journal
from conferral.contract import ConferralError
from conferral.mail import Letter, Post
from conferral.models import Issuer
from conferral.settings import current

logger = logging.getLogger(__name__)

THREAD = "sign-in"
NOT_SENT = "a link to sign in could not be sent"
LINKS_PER_ASKER, LINKS_PER_ADDRESS = "5/h", "60/h"
"""To one address: asked for from one network address, and altogether. So no stranger keeps a person from signing in."""


def fingerprint(address: str) -> str:
    """By what requests for one address are counted: the address itself is written nowhere."""
    return sha256(address.strip().lower().encode("utf-8", "replace")).hexdigest()


def send_later(address: str, language: str, after: str) -> None:
    """Sends the links while the answer is on its way: how long that takes tells nobody who is known here."""
    threading.Thread(target=_send, args=(address, language, after), name=THREAD).start()


def _send(address: str, language: str, after: str) -> None:
    close_old_connections()
    try:
        send(address, language, after)
    except Exception as error:  # in a thread of its own nobody else would hear of it
        journal.breakdown(logger, NOT_SENT, error)
    finally:
        connection.close()


def send(address: str, language: str, after: str = "") -> int:
    """Sends a link for each account that is reached there; how many. `after` is where it leads in the end.

    What cannot be sent is logged, and the others are.
    """
    accounts = access.accounts_of(address)
    if not accounts:
        return 0
    issuer = Issuer.objects.filter(organisation="").first()
    with translation.override(language), Post() as post:
        for reached in accounts:
            token = access.one_time_token(reached)
            link = current().public_url + reverse("sign-in-by-link", args=[token])
            letter = Letter(
                recipient=reached.address,  # never as it was typed: what only looks like it is somebody else's
                sender=issuer.sender if issuer else "",
                reply_to=issuer.reply_to if issuer else "",
                subject=_("Your link to sign in"),
                language=language,
                message_id=f"sign-in.{fingerprint(token)[:32]}@{current().public_url.split('//')[1]}",
                template="sign_in",
                content={
                    "link": f"{link}?{urlencode({'next': after})}" if after else link,
                    "issuer": issuer.name if issuer else "",
                    "site": current().public_url,
                    "minutes": access.MAILED_SECONDS // 60,
                    "accent": issuer.colours.get("primary", "") if issuer else "",
                },
            )
            _hand_over(letter, post)
    return len(accounts)


def _hand_over(letter: Letter, post: Post) -> None:
    try:
        post.send(letter)
    except ConferralError as error:  # a mail server repeats to whom it was, or what it calls them
        with journal.hiding(letter.recipient, letter.recipient.partition("@")[0]):
            journal.event(logger, f"{NOT_SENT}: {journal.discreet(str(error))}", level=logging.WARNING)
