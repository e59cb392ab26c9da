"""The LMS beside the site does not answer, and people who are signed in look at pages."""

import re

import pytest
from django.core import mail

from conferral import access, plugins
from conferral.models import Learner
from tests.faces.conftest import address
from tests.faces.test_sign_in import ask, link_in, press
from tests.services import lms_http

pytestmark = pytest.mark.urls("conferral.service.urls")


@pytest.fixture
def lms(settings):
    """One that fails at every question; a run would try again for minutes."""
    with lms_http.serving(lms_http.Campus()) as server:
        server.fail("", lms_http.status(503), times=1000)
        settings.CONFERRAL_LMS = "rest"
        settings.CONFERRAL_PLUGINS = {"rest": server.settings(tries=20)}
        yield server


@pytest.fixture
def bo(person):
    """Somebody with an account in the LMS, who might teach there."""
    client = person("bo")
    Learner.objects.create(gateway="rest", key="bo", email="bo@example.com", user=client.user)
    return client


def test_the_page_of_a_credential_is_what_strangers_see(issued, lms, bo, caplog):
    for path in (address(issued), f"{address(issued)}/certificate.pdf", f"{address(issued)}/none.pdf"):
        caplog.clear()
        lms.forget()
        answer = bo.get(path)
        assert answer.status_code == (404 if "none" in path else 200)
        b"".join(answer)
        assert len(lms.asked) == 1
        (said,) = [record.message for record in caplog.records if record.name == access.__name__]
        assert re.match(r"(?s)who teaches what cannot be told, and nobody is taken for a teacher\n.*503", said)


def test_the_staff_s_site_lets_nobody_in(lms, bo):
    answer = bo.get("/conferral/staff/")
    assert (answer.status_code, len(lms.asked)) == (302, 1)


def test_a_link_to_sign_in_is_not_lost(lms, client, transactional_db):
    browser = client.__class__(enforce_csrf_checks=True)
    Learner.objects.create(gateway="rest", key="bo", email="bo@example.com")
    ask(browser, "bo@example.com")
    assert press(browser, link_in(mail.outbox[0]))["Location"] == "/mine/"
    assert browser.get("/mine/").status_code == 200


def test_a_page_waits_for_seconds_where_a_run_waits_for_minutes(lms):
    gateway = plugins.gateway()
    assert (gateway.settings.tries, gateway.settings.timeout) == (20, 120)
    brief = gateway.briefly()
    assert (brief.settings.tries, brief.settings.timeout, brief.http) == (1, 5, gateway.briefly().http)
