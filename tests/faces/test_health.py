"""Alive and ready, as whatever restarts and routes asks."""

import time

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection, connections
from django.test import Client

from conferral.api import health
from conferral.issuance import configure
from tests.services import faulty

pytestmark = [pytest.mark.django_db, pytest.mark.urls("conferral.api.urls")]
OPTIONS = {"bucket_name": "b", "region_name": "eu-central-1", "access_key": "AKIAFAKE", "secret_key": "top secret"}


@pytest.fixture(autouse=True)
def _nothing_known():
    health.STORAGE.forget()


@pytest.fixture
def bucket(course, template, settings):
    """A bucket that a test spoils, and an asset that is in it."""
    configure.save_asset("plain", "plain.pdf", template)
    with faulty.before("http://127.0.0.1:9") as faults:
        options = OPTIONS | {"endpoint_url": faults.address}
        entry = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        settings.STORAGES = settings.STORAGES | {"conferral": entry}
        faults.spoil(faulty.answer(200, ""), "HEAD")
        yield faults


def test_it_is_alive_and_ready():
    for path in ("/health/live", "/health/ready"):
        answer = Client().get(path)
        assert answer.status_code == 200
        assert set(answer.json().values()) == {"ok"}
        assert "no-store" in answer.headers["Cache-Control"]


def test_being_alive_asks_nothing_of_the_database(django_assert_num_queries, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)  # as an LMS has it
    with django_assert_num_queries(0):
        Client().get("/health/live")
    with django_assert_num_queries(2):
        Client().get("/health/ready")
    with django_assert_num_queries(1):
        Client().get("/health/ready")


def test_without_a_database_it_is_alive_and_not_ready():
    def down(*arguments):
        from django.db import OperationalError

        raise OperationalError("FATAL: password of conferral at db.example.org")

    with connection.execute_wrapper(down):
        assert Client().get("/health/live").status_code == 200
        answer = Client().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"database": "unavailable", "storage": "ok"}


def test_a_storage_that_is_not_set_up_is_not_ready(settings):
    settings.STORAGES = settings.STORAGES | {"conferral": {"BACKEND": "no.such.Storage"}}
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()["storage"]) == (503, "unavailable")


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (faulty.answer(403, "AccessDenied"), "denied"),
        (faulty.answer(404, "NoSuchBucket"), "missing"),
        (faulty.answer(503, "SlowDown"), "503"),
        (faulty.reset, "ConnectionClosedError"),
    ],
    ids=["denied", "missing", "slow down", "reset"],
)
def test_a_bucket_that_cannot_be_used_is_not_ready(bucket, monkeypatch, caplog, how, why):
    monkeypatch.setattr(health, "PATIENCE", 60)  # botocore tries three times
    assert Client().get("/health/ready").json()["storage"] == "ok"
    bucket.spoil(how, "HEAD")
    assert Client().get("/health/ready").json()["storage"] == "ok", "it is not asked by each who wants to know"
    monkeypatch.setattr(health, "KEPT", 0)
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"database": "ok", "storage": f"unavailable: {why}"})
    assert "this process is not ready: storage: " in caplog.text
    assert "top secret" not in caplog.text
    assert not any(record.exc_info for record in caplog.records)
    bucket.spoil(faulty.answer(200, ""), "HEAD")
    assert Client().get("/health/ready").status_code == 200


def test_a_bucket_that_only_lacks_the_file_is_ready(bucket):
    """Whether all that should be there is there is for `conferral storage check`."""

    def head(handler):
        faulty.answer(404 if "plain" in handler.path or handler.path.count("/") > 1 else 200, "")(handler)

    bucket.spoil(head, "HEAD")
    assert Client().get("/health/ready").json()["storage"] == "ok"
    assert bucket.count("HEAD") == 2


def test_a_key_that_is_good_for_files_alone_is_ready_before_there_are_any(settings):
    with faulty.before("http://127.0.0.1:9") as faults:
        options = OPTIONS | {"endpoint_url": faults.address}
        entry = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        settings.STORAGES = settings.STORAGES | {"conferral": entry}
        faults.spoil(faulty.answer(403, "AccessDenied"), "HEAD")
        assert Client().get("/health/ready").status_code == 200


def test_a_storage_that_hangs_is_asked_by_one_and_holds_up_nobody(bucket, monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 60)
    assert Client().get("/health/ready").status_code == 200
    monkeypatch.setattr(health, "PATIENCE", 0.3)
    monkeypatch.setattr(health, "KEPT", 0)
    bucket.asked.clear()
    bucket.spoil(faulty.hang, "HEAD")

    def ask():
        answer = Client().get("/health/ready")
        assert (answer.status_code, answer.json()["storage"]) == (503, "unavailable: no answer within 0.3 s")

    ask()
    end = time.monotonic() + 60
    while not bucket.count("HEAD") and time.monotonic() < end:  # a busy machine is longer about sending it
        time.sleep(0.01)
    for _ in range(5):
        ask()
    assert bucket.count("HEAD") == 1


def test_a_storage_of_another_kind_is_asked_as_well(course, template, monkeypatch):
    def away(*_):
        raise PermissionError(13, "Permission denied")

    configure.save_asset("plain", "plain.pdf", template)
    monkeypatch.setattr(FileSystemStorage, "exists", away)
    assert Client().get("/health/ready").json()["storage"] == "unavailable: PermissionError"


def test_only_reading_is_answered():
    assert Client().post("/health/ready").status_code == 405
