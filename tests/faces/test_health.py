"""Alive and ready, as whatever restarts and routes asks."""

import pytest
from django.db import connection
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.urls("conferral.api.urls")]


def test_it_is_alive_and_ready():
    for path in ("/health/live", "/health/ready"):
        answer = Client().get(path)
        assert answer.status_code == 200
        assert set(answer.json().values()) == {"ok"}
        assert "no-store" in answer.headers["Cache-Control"]


def test_being_alive_asks_nothing_of_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        Client().get("/health/live")
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


def test_only_reading_is_answered():
    assert Client().post("/health/ready").status_code == 405
