"""The Django settings of the standalone service: embedded defaults, overridden by environment variables.

What can be set is listed in `conferral.settings`.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from conferral.settings import PREFIX, AppSettings, ServiceSettings, checked


def _from_environment(name: str) -> Any:
    """The variable's value; JSON where it looks like it."""
    value = os.environ[name]
    if not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: is not valid JSON: {error}") from None


def _secret_key(home: Path) -> str:
    """The key kept in the home directory, made on first use and readable by its owner alone."""
    path = home / "secret-key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
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


def _database(url: str, home: Path) -> dict[str, Any]:
    if url:
        try:
            return dict(dj_database_url.parse(url))
        except ValueError:  # its message would show the password
            raise ImproperlyConfigured("DATABASE_URL: is not an address like postgres://user@host/name") from None
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(home / "conferral.sqlite3"),
        "OPTIONS": {
            "timeout": 20,
            # Writers queue up instead of failing with "database is locked"; readers never wait.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


SERVICE = checked(
    ServiceSettings, {name: _from_environment(name) for name in ServiceSettings.model_fields if name in os.environ}
)
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

for _name in AppSettings.model_fields:
    if PREFIX + _name.upper() in os.environ:
        globals()[PREFIX + _name.upper()] = _from_environment(PREFIX + _name.upper())
