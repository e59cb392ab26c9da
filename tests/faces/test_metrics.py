"""Figures for Prometheus: for whoever has the token, of the whole pipeline."""

import sys
from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from conferral import issuance
from conferral.issuance import correct, reissue
from conferral.issuance import run as runs
from conferral.issuance.correct import CURRENT_DESIGN
from conferral.issuance.reissue import Wish
from conferral.models import Credential, Delivery, Run

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
    Credential.objects.update(issued=now - timedelta(seconds=100))
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
