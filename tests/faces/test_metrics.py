"""Figures for Prometheus: for whoever has the token, of the whole pipeline."""

import sys
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from conferral import issuance
from conferral.issuance import correct, metrics, reissue
from conferral.issuance import run as runs
from conferral.issuance.correct import CURRENT_DESIGN
from conferral.issuance.deliver import deliver
from conferral.issuance.reissue import Wish
from conferral.models import Credential, CredentialArtifact, Delivery, Run
from tests.services import smtp

pytestmark = pytest.mark.urls("conferral.api.urls")


@pytest.fixture
def with_token(settings):
    settings.CONFERRAL_METRICS_TOKEN = "a token of the tests"
    return {"HTTP_AUTHORIZATION": "Bearer a token of the tests"}


def figures(text):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_figures_are_those_of_the_pipeline(client, course, with_token, django_assert_max_num_queries):
    course.learner("ana", email="ana@example.com")
    course.learner("odd", name="Bug")
    course.learner("not-yet", "0.1")
    course.configure(generators={"certificate": {"generator": "buggy"}})
    course.run_and_generate()
    with django_assert_max_num_queries(16):
        response = client.get("/metrics", **with_token)
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    found = figures(response.content.decode())
    assert found["conferral_credentials", "available"] == found["conferral_credentials", "failed"] == 1
    assert found["conferral_files", "failed"] == 1
    assert found["conferral_runs_recent", "finished"] == 1
    assert found["conferral_runs_recent_learners", "evaluated"] == 3
    assert found["conferral_queue_due", "deliver"] == 1
    assert found["conferral_queue_age_seconds", "deliver"] > 0
    assert found["conferral_queue_due", "generate"] == found["conferral_runs_active",] == 0
    assert "ana" not in response.content.decode()


def test_what_waits_and_how_long_things_took(client, course, with_token, django_user_model):
    now = timezone.now()
    course.learner("ana", email="ana@example.com")
    course.learner("bo")
    course.configure()
    ended = course.run_and_generate()
    Run.objects.filter(pk=ended.pk).update(started=now - timedelta(seconds=90), ended=now - timedelta(seconds=80))
    failed = course.run()
    Run.objects.filter(pk=failed.pk).update(status="failed", started=now - timedelta(seconds=500), ended=now)
    # As of one that took the place of another before anybody was written to: it keeps the day of issue.
    Credential.objects.update(issued=now - timedelta(days=300), recorded=now - timedelta(seconds=100))
    Delivery.objects.filter(credential__learner__key="ana").update(sent=now - timedelta(seconds=60), state="sent")
    runs.ask(course.configuration, by=None)
    course.configure(fields={"hours": 50})
    wish = Wish(course.configuration, CURRENT_DESIGN)
    reissue.start(wish, by=django_user_model.objects.create(username="dean"), reason="a new logo")
    correct.revoke(Credential.objects.get(learner__key="bo"), "by mistake")
    found = figures(client.get("/metrics", **with_token).content.decode())
    for queue in ("run", "reissue", "withdraw"):
        assert found["conferral_queue_due", queue] == 1
        assert 0 < found["conferral_queue_age_seconds", queue] < 60
    assert found["conferral_runs_recent_seconds_count",] == 1
    assert found["conferral_runs_recent_seconds_sum",] == pytest.approx(10)
    assert found["conferral_mails_lately_seconds_count",] == 1
    assert found["conferral_mails_lately_seconds_sum",] == pytest.approx(40)


def age(queue):
    return figures(metrics.text().decode())["conferral_queue_age_seconds", queue]


def test_what_is_tried_again_and_again_waits_since_the_first_time(course, settings):
    """While a mail server is away each try moves the next one: it is no younger for that."""
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", smtp.free_port()
    course.learner("ana", email="ana@example.com")
    course.learner("bo", email="bo@example.com")
    course.configure()
    course.run_and_generate()
    assert age("deliver") < 30
    began, pauses = timezone.now(), []
    for _ in range(8):
        deliver()
        first = Delivery.objects.order_by("next_try").first()
        pauses.append((first.next_try - timezone.now()).total_seconds())
        # The clock of the tests goes on by letting all that was written down be so much older.
        Delivery.objects.update(next_try=F("next_try") - timedelta(seconds=pauses[-1] + 1))
    assert sum(pauses) > 3600
    took = (timezone.now() - began).total_seconds()
    assert age("deliver") == pytest.approx(sum(pauses), abs=30 + took)
    # Between two tries, too.
    Delivery.objects.update(next_try=timezone.now() + timedelta(seconds=900))
    assert age("deliver") > 3600 - 900
    correct.retry()
    Delivery.objects.update(next_try=timezone.now(), attempts=0)
    assert age("deliver") < 30


def test_what_somebody_works_at_for_the_first_time_does_not_wait(course):
    course.learner("ana")
    course.configure()
    course.run()
    now = timezone.now()
    due = now - timedelta(seconds=500)
    CredentialArtifact.objects.update(next_try=due)
    assert age("generate") == pytest.approx(500, abs=30)
    CredentialArtifact.objects.update(claim="x", claimed_until=now + timedelta(seconds=60))
    assert age("generate") == 0
    CredentialArtifact.objects.update(attempts=4)  # of which three were put off: 30, 60 and 120 seconds
    assert age("generate") == pytest.approx(500 + 210, abs=30)


def test_runs_are_found_by_the_date_that_has_an_index(course):
    course.configure()
    ended = course.run()
    now = timezone.now()
    long_ago = Run.objects.get(pk=ended.pk)
    long_ago.pk, long_ago.claim = None, "another"
    long_ago.started, long_ago.ended = now - timedelta(hours=30), now - timedelta(hours=29)
    long_ago.save()
    with CaptureQueriesContext(connection) as asked:
        found = figures(metrics.text().decode())
    assert found["conferral_runs_recent", "finished"] == 1
    recent = [each["sql"] for each in asked if '"started" >=' in each["sql"].replace("`", '"')]
    assert recent
    assert all('"ended" IS NULL' in sql.replace("`", '"') for sql in recent)


def test_who_asks_often_makes_the_database_count_now_and_then(client, course, with_token, django_assert_num_queries):
    first = client.get("/metrics", **with_token).content
    course.learner("ana")
    course.configure()
    course.run_and_generate()
    with django_assert_num_queries(0):
        assert client.get("/metrics", **with_token).content == first
    cache.clear()
    assert client.get("/metrics", **with_token).content != first
    assert figures(metrics.text().decode())["conferral_credentials", "available"] == 1


def test_an_lms_need_not_have_the_library(client, db, with_token, monkeypatch):
    monkeypatch.delattr(issuance, "metrics", raising=False)
    monkeypatch.setitem(sys.modules, "conferral.issuance.metrics", None)
    answer = client.get("/metrics", **with_token)
    assert (answer.status_code, answer.content) == (501, b"pip install prometheus-client\n")


def test_nobody_else_reads_them(client, db, with_token, settings):
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer \u00e9").status_code == 401
    assert client.post("/metrics", **with_token).status_code == 405
    settings.CONFERRAL_METRICS_TOKEN = ""
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404
