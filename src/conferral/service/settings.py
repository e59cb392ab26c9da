"""The Django settings of the standalone service: embedded defaults, overridden by environment variables.

What can be set is listed in `conferral.settings`.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from conferral.settings import PREFIX, AppSettings, ServiceSettings, checked


def _from_environment(names: Iterable[str]) -> dict[str, Any]:
    """The variables of those names that are set; an empty one is not."""
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _secret_key(home: Path) -> str:
    """The key kept in the home directory, made on first use and readable by its owner alone."""
    path = home / "secret-key"
    try:
        if not path.exists():
            made = home / f"secret-key.{os.getpid()}"
            made.touch(mode=0o600)
            made.write_text(secrets.token_urlsafe(48))
            try:
                path.hardlink_to(made)
            except FileExistsError:
                pass  # another process was first; its key is the one
            finally:
                made.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"CONFERRAL_HOME: {path} cannot be kept: {error.strerror}; set SECRET_KEY") from None


def _database(url: str, home: Path) -> dict[str, Any]:
    embedded = f"sqlite:///{quote(str(home / 'conferral.sqlite3'))}"
    try:
        database: dict[str, Any] = dict(dj_database_url.parse(url or embedded))
    except ValueError:  # its message would show the password
        raise ImproperlyConfigured("DATABASE_URL: is not an address like postgres://user@host/name") from None
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["OPTIONS"] = SQLITE | dict(database.get("OPTIONS") or {})
    return database


SQLITE: dict[str, Any] = {
    "timeout": 20,
    # Writers queue up instead of failing with "database is locked"; readers never wait.
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
SERVICE = checked(ServiceSettings, _from_environment(ServiceSettings.model_fields))
HOME = Path(SERVICE.CONFERRAL_HOME).absolute()
try:
    HOME.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"CONFERRAL_HOME: {HOME} cannot be made: {error.strerror}") from None

SECRET_KEY = SERVICE.SECRET_KEY or _secret_key(HOME)
DEBUG = SERVICE.DEBUG
ALLOWED_HOSTS: list[str] = []
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django_celery_beat",
    "conferral",
]
DATABASES = {"default": _database(SERVICE.DATABASE_URL, HOME)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": HOME / "files"}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "conferral": SERVICE.CONFERRAL_STORAGE
    or {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": HOME / "files"}},
}

globals().update(_from_environment(PREFIX + name.upper() for name in AppSettings.model_fields))
