"""Django settings of the tests: in-process, and the same under Django 4.2 and 5.2, SQLite and any DATABASE_URL."""

import os
import tempfile

import dj_database_url
import django

SECRET_KEY = "tests"
USE_TZ = True
# Fonts that are installed on one machine and not on another would make the same test pass here and fail there.
CONFERRAL_PLUGINS = {"pdf": {"fallback_fonts": ["built-in"]}}
# A stand-in for the LMS, whose gateway and plugin are tested with it.
LMS_DOUBLE = [
    "common.djangoapps.student",
    "completion",
    "completion_aggregator",
    "edx_name_affirmation",
    "learning_paths",
    "lms.djangoapps.certificates",
    "lms.djangoapps.grades",
    "openedx.core.djangoapps.content.course_overviews",
    "openedx.core.djangoapps.user_api",
    "section_to_course",
]
RETIRED_EMAIL_PREFIX, RETIRED_EMAIL_DOMAIN = "retired__user_", "retired.invalid"
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
    *LMS_DOUBLE,
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "tests.faces.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
STATIC_URL = "/static/"
LOGIN_URL = "/admin/login/"
CELERY_BROKER_URL = "memory://"
# The stand-in has no migrations, and apps without are made first. So are the accounts, then, to which its tables point:
# a server refuses what SQLite puts up with.
MIGRATION_MODULES = {"auth": None, "contenttypes": None}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FILES = tempfile.TemporaryDirectory(prefix="conferral-tests-")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": FILES.name}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL") or "sqlite://:memory:")}
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, so that threads of a test share it.
    DATABASES["default"]["TEST"] = {"NAME": f"{FILES.name}/test.sqlite3"}
    DATABASES["default"]["OPTIONS"] = {"timeout": 20}
    if django.VERSION >= (5, 1):
        DATABASES["default"]["OPTIONS"]["transaction_mode"] = "IMMEDIATE"
