"""Every setting, typed, with its default: the `CONFERRAL_*` settings of the app, and what the service of its own adds.

In an LMS they are Django settings; the standalone service reads them from environment variables of the same names.
"""

import json
from functools import cache
from typing import Any, TypeVar

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from conferral.contract.context import is_address

PREFIX = "CONFERRAL_"
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
        1000, ge=1, le=10000, description="Learners that are imported, evaluated and issued to at a time."
    )
    batch_size: int = Field(100, ge=1, le=1000, description="Credentials whose artifacts are made in one batch.")
    queue: str = Field("", description="Celery queue of issuing runs and of the sweep; empty: the Celery app's own.")
    generate_queue: str = Field("", description="Celery queue on which certificates are made; empty: the app's own.")
    deliver_queue: str = Field("", description="Celery queue on which mails are sent; empty: the Celery app's own.")
    lease_seconds: int = Field(
        60, ge=5, le=86400, description="How long a run or a batch stays with a worker that has stopped answering."
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
    mails_per_minute: int = Field(
        0, ge=0, description="The sending rate: mails that the whole site sends in a minute at most; 0: no limit."
    )

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

    @field_validator("ALLOWED_HOSTS", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

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
