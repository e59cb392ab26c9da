"""The Django settings of the standalone service: embedded defaults, overridden by environment variables.

What can be set is listed in `conferral.settings`.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import dj_database_url
from babel import Locale
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from environ import Env
from kombu.entity import Exchange, Queue

from conferral.mail import TRANSLATIONS
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
        database["ENGINE"] = "conferral.service.sqlite"
        database["OPTIONS"] = SQLITE | dict(database.get("OPTIONS") or {})
    else:
        # To connect takes as long as a whole page; a connection that the server has closed meanwhile is noticed.
        database |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    return database


def _cache(url: str) -> dict[str, Any]:
    try:
        return dict(Env.cache_url_config(url or "locmemcache://"))
    except (ImproperlyConfigured, ValueError, KeyError):  # its message would show the password
        raise ImproperlyConfigured("CACHE_URL: is not an address like redis://:password@host:6379/1") from None


def _email(url: str, home: Path) -> dict[str, Any]:
    if not url:
        return {"EMAIL_BACKEND": "conferral.service.mailbox.EmailBackend", "EMAIL_FILE_PATH": str(home / "mail")}
    try:
        email = dict(Env.email_url_config(url))
    except (ImproperlyConfigured, ValueError):  # its message would show the password
        raise ImproperlyConfigured("EMAIL_URL: is not an address like smtp+tls://user:password@host:587") from None
    if not email["EMAIL_PORT"]:
        email["EMAIL_PORT"] = 465 if email.get("EMAIL_USE_SSL") else 587 if email.get("EMAIL_USE_TLS") else 25
    return {name: value for name, value in email.items() if value is not None}


def _broker(url: str, home: Path) -> dict[str, Any]:
    """The embedded broker is a folder. It has no receipts: what it loses, the next sweep finds in the database."""
    if url:
        return {"CELERY_BROKER_URL": url}
    folder = home / "broker"
    for part in ("messages", "control"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    options = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.2,
    }
    return {"CELERY_BROKER_URL": "filesystem://localhost/", "CELERY_BROKER_TRANSPORT_OPTIONS": options}


def _queue(name: str) -> Any:
    return Queue(name, Exchange(name), routing_key=name)  # type: ignore[no-untyped-call]


SQLITE: dict[str, Any] = {
    "timeout": 20,
    # Writers queue up instead of failing with "database is locked"; readers never wait.
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
APP_VARIABLES = [PREFIX + name.upper() for name in AppSettings.model_fields]
SWEEP, DAILY = "conferral.sweep", "conferral.daily"
SERVICE = checked(ServiceSettings, _from_environment(ServiceSettings.model_fields))
HOME = Path(SERVICE.CONFERRAL_HOME).absolute()
try:
    HOME.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"CONFERRAL_HOME: {HOME} cannot be made: {error.strerror}") from None

SECRET_KEY = SERVICE.SECRET_KEY or _secret_key(HOME)
DEBUG = SERVICE.DEBUG
APP = checked(
    AppSettings,
    {name.removeprefix(PREFIX).lower(): value for name, value in _from_environment(APP_VARIABLES).items()},
    PREFIX,
)
PUBLIC_HOST = urlsplit(APP.public_url).hostname or ""
ALLOWED_HOSTS = [PUBLIC_HOST, *SERVICE.ALLOWED_HOSTS, "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [APP.public_url]
SECURE = APP.public_url.startswith("https:")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
TRUSTED_PROXIES = SERVICE.TRUSTED_PROXIES
SECURE_SSL_REDIRECT = SECURE  # of what a trusted proxy says came without TLS: see `proxy`
SECURE_SSL_HOST = urlsplit(APP.public_url).netloc
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0  # the address is printed, with https, for ever
SILENCED_SYSTEM_CHECKS = [
    # Whether other hosts below this one have TLS, and whether browsers are to be shipped with that knowledge, is for
    # whoever has the domain: neither can be taken back.
    "security.W005",
    "security.W021",
]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_jsonform",
    "conferral",
]
MIDDLEWARE = [
    "conferral.service.proxy.ProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "conferral.service.headers.HeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "conferral.service.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "conferral.service.urls"
WSGI_APPLICATION = "conferral.service.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "conferral.service.language.languages",
            ],
        },
    }
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # straight from the packages: nothing to collect
WHITENOISE_ALLOW_ALL_ORIGINS = False  # they are for our own pages
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/mine/"
LOGOUT_REDIRECT_URL = "/"
DATABASES = {"default": _database(SERVICE.DATABASE_URL, HOME)}
CACHES = {"default": _cache(SERVICE.CACHE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
LANGUAGES = [(code, Locale.parse(code).get_display_name(code)) for code in TRANSLATIONS]  # "العربية", "español"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["conferral.service.formats"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": HOME / "files"}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "conferral": APP.storage
    or {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": HOME / "files"}},
}

EMAIL_TIMEOUT = SERVICE.EMAIL_TIMEOUT
SHOWS_MAILS = bool(os.environ.get("CONFERRAL_SHOWS_MAILS"))  # `conferral serve` says so, on one's own machine
DEFAULT_FROM_EMAIL = SERVICE.DEFAULT_FROM_EMAIL or f"no-reply@{PUBLIC_HOST}"
globals().update(_email(SERVICE.EMAIL_URL, HOME))

globals().update(_broker(SERVICE.CELERY_BROKER_URL, HOME))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        # With a field for each id and figure.
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "filters": {"discreet": {"()": "conferral.journal.Discreet"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": SERVICE.LOG_FORMAT, "filters": ["discreet"]},
    },
    "loggers": {"conferral": {"level": "INFO"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
CELERY_TIMEZONE = "UTC"
CELERY_TASK_IGNORE_RESULT = True
QUEUES = {
    "CONFERRAL_QUEUE": "conferral",
    "CONFERRAL_GENERATE_QUEUE": "conferral.generate",
    "CONFERRAL_DELIVER_QUEUE": "conferral.deliver",
}
QUEUES |= _from_environment(QUEUES)
globals().update(QUEUES)
CELERY_TASK_DEFAULT_QUEUE = QUEUES["CONFERRAL_QUEUE"]
# Each by itself, so that no message goes to two; a worker listens to all of them, unless it is told.
CELERY_TASK_QUEUES = [_queue(name) for name in dict.fromkeys(QUEUES.values())]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Other people's code may leak: a worker's process is replaced after so many batches, or when it has so many KiB.
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 768_000
CELERY_BEAT_SCHEDULER = "conferral.beat:Scheduler"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SYNC_EVERY = 1  # each tick is known to the database at once: `conferral status` tells the last
CELERY_BEAT_SCHEDULE = {
    SWEEP: {"task": SWEEP, "schedule": crontab()},
    DAILY: {"task": DAILY, "schedule": crontab(hour="2", minute="17")},
}

globals().update(_from_environment(APP_VARIABLES))
