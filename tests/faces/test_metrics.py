"""Figures for Prometheus: for whoever has the token, of the whole pipeline."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

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
    with django_assert_max_num_queries(12):
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


def test_nobody_else_reads_them(client, db, with_token, settings):
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer \u00e9").status_code == 401
    assert client.post("/metrics", **with_token).status_code == 405
    settings.CONFERRAL_METRICS_TOKEN = ""
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404
