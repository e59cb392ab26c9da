"""Django settings of the tests: in-process, and the same under Django 4.2 and 5.2, SQLite and any DATABASE_URL."""

import os
import tempfile

import dj_database_url
import django

SECRET_KEY = "tests"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django_celery_beat",
    "conferral",
]
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
