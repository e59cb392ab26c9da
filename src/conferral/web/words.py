"""Days in the reader's words."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date
from django.utils.translation import get_language

from conferral.contract.placeholders import babel_locale
from conferral.facts import locale
from conferral.models import Credential


def day(instant: datetime | None, credential: Credential) -> str:
    """A date as the reader writes it, and where the credential is in the same language, as the credential does.

    It is the day in the time zone in which the credential was issued, as on the certificate.
    """
    if instant is None:
        return ""
    language = get_language() or "en"
    locale = credential.locale if credential.locale.split("-")[0] == language.split("-")[0] else language
    return format_date(local_date(instant, credential), "long", locale=babel_locale(locale))


def local_date(instant: datetime, credential: Credential) -> date:
    """The day in the time zone in which the credential was issued: at New Year it is another year than elsewhere."""
    return instant.astimezone(ZoneInfo(credential.edition.content["time_zone"])).date()


def moment(instant: datetime | None, time_zone: str) -> str:
    """The day of an instant there, as the reader writes it."""
    return format_date(instant.astimezone(ZoneInfo(time_zone)).date(), "full", locale=locale()) if instant else ""
