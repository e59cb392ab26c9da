"""Every setting, typed, with its default: the `CONFERRAL_*` settings of the app, and what the service of its own adds.

In an LMS they are Django settings; the standalone service reads them from environment variables of the same names.
"""

import json
import re
from functools import cache
from typing import Any, Literal, TypeVar

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError, field_validator

from conferral.contract.context import is_address

PREFIX = "CONFERRAL_"
_RATE = re.compile(r"[1-9][0-9]{0,8}/([1-9][0-9]{0,5})?[smhd]", re.ASCII)
S = TypeVar("S", bound=BaseModel)


class AppSettings(BaseModel):
    """The settings of the app: `CONFERRAL_` and the field's name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: str = Field(
        "http://localhost:8000",
        description="Where the credential pages are reached: printed on every credential, for ever. "
        "Required in production.",
    )
    lms: str = Field("roster", description="Name of the installed gateway that tells of courses and learners.")
    storage_alias: str = Field(
        "conferral",
        description="Alias in STORAGES for assets and artifacts; without it CONFERRAL_STORAGE counts, else `default`.",
    )
    storage: dict[str, Any] = Field(
        default_factory=dict,
        repr=False,
        description="A STORAGES entry (`BACKEND`, `OPTIONS`), where there is no such alias; as JSON in the "
        "environment. The service has its files in CONFERRAL_HOME without it.",
    )
    plugins: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        repr=False,
        description='Settings of plugins by their names, for example `{"pdf": {"problems": "flag"}}`; as JSON in the '
        "environment.",
    )
    page_size: int = Field(
        2000, ge=1, le=10000, description="Learners that are imported, evaluated and issued to at a time."
    )
    batch_size: int = Field(100, ge=1, le=1000, description="Credentials whose artifacts are made in one batch.")
    queue: str = Field("", description="Celery queue of issuing runs and of the sweep; empty: the Celery app's own.")
    generate_queue: str = Field("", description="Celery queue on which certificates are made; empty: the app's own.")
    deliver_queue: str = Field("", description="Celery queue on which mails are sent; empty: the Celery app's own.")
    lease_seconds: int = Field(
        60, ge=5, le=86400, description="How long a run or a batch stays with a worker that has stopped answering."
    )
    plugin_seconds: int = Field(
        60, ge=1, le=3600, description="How long a rule may take for one learner, and a design for one certificate."
    )
    page_seconds: int = Field(
        3600,
        ge=1,
        le=86400,
        description="How long a page of learners may take: before the first, a gateway may have read the whole course.",
    )
    attempts: int = Field(
        30, ge=2, le=1000, description="How often an artifact is tried before it has failed: 30 tries take about a day."
    )
    retry_seconds: int = Field(
        30, ge=0, le=3600, description="Pause before the second try; it doubles with each further one, up to an hour."
    )

    link_seconds: int = Field(
        300,
        ge=0,
        le=86400,
        description="How long a link lives that leads from a credential's file to a storage that signs links (S3); "
        "0: Conferral streams every file itself.",
    )
    metrics_token: str = Field(
        "",
        repr=False,
        description="Token (`Authorization: Bearer …`) with which `/metrics` is read, in an LMS "
        "`/conferral/metrics`; empty: nobody reads it. `conferral metrics` prints the same.",
    )
    mails_per_minute: int = Field(
        0, ge=0, description="The sending rate: mails that the whole site sends in a minute at most; 0: no limit."
    )

    keep_days: int = Field(
        365,
        ge=0,
        le=36500,
        description="How many days runs that issued nothing, and mails that were sent or not to be sent, are kept; "
        "0: for ever.",
    )
    rate_limit: str = Field(
        "120/m",
        description="How often one network address may ask for each kind of public page (`/check/`, a credential, its "
        "files, its pictures, the verification API): a number for each `s`, `m`, `h` or `d`, or for several, like "
        "`600/10m`; `0` or empty: no limit.",
    )
    sign_in_rate_limit: str = Field(
        "20/m",
        description="How often one network address may try to sign in to a service of its own; `0` or empty: no limit.",
    )

    @field_validator("rate_limit", "sign_in_rate_limit")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        if value in ("", "0"):
            return ""
        if not _RATE.fullmatch(value):
            raise ValueError("write a number for each second, minute, hour or day, like 120/m; or 0")
        return value

    @field_validator("plugins", mode="before")
    @classmethod
    def _is_a_mapping(cls, value: object) -> object:
        return _read_json(value)

    @field_validator("storage", mode="before")
    @classmethod
    def _is_an_entry(cls, value: object) -> object:
        entry = _read_json(value)
        if isinstance(entry, dict) and entry and "BACKEND" not in entry:
            raise ValueError("BACKEND is missing")
        return entry

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError("write an address like https://credentials.example.org")
        return value.rstrip("/")


class ServiceSettings(BaseModel):
    """What the standalone service reads besides, from environment variables of exactly these names."""

    model_config = ConfigDict(frozen=True)

    CONFERRAL_HOME: str = Field("var", description="Directory of the embedded database, the files and the secret key.")
    DATABASE_URL: str = Field(
        "", repr=False, description="`postgres://…`, `mysql://…`; empty: SQLite in CONFERRAL_HOME."
    )
    EMAIL_URL: str = Field(
        "",
        repr=False,
        description="`smtp+tls://user:password@host:587`, `smtp+ssl://…:465`, `smtp://host:25`, `consolemail://`; "
        "empty: files in CONFERRAL_HOME/mail, which no one receives.",
    )
    EMAIL_TIMEOUT: int = Field(60, ge=1, le=600, description="Seconds that a mail server has for each answer.")
    DEFAULT_FROM_EMAIL: str = Field(
        "", description="Sender of mails whose issuer has none; empty: `no-reply@` the host of the public address."
    )
    CELERY_BROKER_URL: str = Field(
        "",
        repr=False,
        description="`redis://…`, `amqp://…`; empty: files in CONFERRAL_HOME/broker, for one machine.",
    )
    ALLOWED_HOSTS: list[str] = Field(
        default_factory=list,
        description="Host names that the site answers to besides that of the public address, separated by commas.",
    )

    @field_validator("ALLOWED_HOSTS", "TRUSTED_PROXIES", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    LOG_FORMAT: Literal["lines", "json"] = Field(
        "lines", description="How the log is written: for people; or as JSON, with a field for each id and figure."
    )
    TRUSTED_PROXIES: list[IPvAnyNetwork] = Field(
        default_factory=list,
        description="Addresses or networks of the web servers that pass requests on, separated by commas: they alone "
        "are believed what `X-Forwarded-For` (who asks) and `X-Forwarded-Proto` (with TLS or without) say. Where one "
        "is named, a Unix socket counts as another.",
    )
    CACHE_URL: str = Field(
        "",
        repr=False,
        description="`redis://…`: where requests are counted, and pictures are kept for a while; empty: the memory of "
        "each process.",
    )
    SECRET_KEY: str = Field("", repr=False, description="Empty: made on first use and kept in CONFERRAL_HOME.")
    DEBUG: bool = Field(False, description="Never in production.")


def _read_json(value: object) -> object:
    """What an environment variable writes as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from None


@cache
def current() -> AppSettings:
    """The app's settings as Django has them; ImproperlyConfigured names the one that is wrong.

    Read once: settings do not change while a process runs, but for tests, which say so.
    """
    given = {
        name: getattr(django_settings, PREFIX + name.upper())
        for name in AppSettings.model_fields
        if hasattr(django_settings, PREFIX + name.upper())
    }
    return checked(AppSettings, given, PREFIX)


@receiver(setting_changed)
def _read_again(**about: Any) -> None:
    current.cache_clear()


def checked(shape: type[S], given: dict[str, Any], prefix: str = "") -> S:
    """The settings in that shape; ImproperlyConfigured names the first that is wrong."""
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        # What may hold a password is not repeated.
        value = f"{first['input']!r}" if shape.model_fields[field].repr else "its value"
        message = first["msg"].removeprefix("Value error, ")
        raise ImproperlyConfigured(f"{prefix}{field.upper()}: {value} is not accepted: {message}") from None
