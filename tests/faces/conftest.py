"""People who look at the pages."""

import pytest
from celery import Celery, current_app
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from conferral.issuance.snapshot import page_url
from conferral.models import Context, Credential


@pytest.fixture
def person(db):
    """`person("ana", "view_credential")`: a browser in which that user is signed in, staff when they have rights."""

    def signed_in(username, *rights, **fields):
        user = get_user_model().objects.create(username=username, is_staff=bool(rights), **fields)
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="conferral", codename__in=rights))
        client = Client()
        client.force_login(user)
        client.user = user
        return client

    return signed_in


@pytest.fixture
def silent_broker():
    """Messages go nowhere: what is asked for is carried out by hand."""
    before = current_app._get_current_object()
    Celery("faces", broker="memory://").set_current()
    yield
    before.set_current()


@pytest.fixture
def stranger():
    return Client()


@pytest.fixture
def operator(person):
    """Who may do everything, on every page for staff."""
    client = person("operator")
    get_user_model().objects.filter(pk=client.user.pk).update(is_staff=True, is_superuser=True)
    return client


@pytest.fixture
def teacher(course, person):
    """Of the course; Django does not call them staff, and gives them no right."""
    client = person("teacher")
    Context.objects.get(key=course.key).teachers.add(client.user)
    return client


@pytest.fixture
def issued(course, template):
    """Ana's certificate, a real PDF, ready."""
    from conferral.issuance import configure

    configure.save_asset("plain", "plain.pdf", template)
    course.learner("ana", name="Ana Ñandú", email="ana@example.com")
    course.configure(generators={"certificate": {"generator": "pdf", "options": {"template": "plain"}}})
    course.run_and_generate()
    return Credential.objects.get()


def address(credential):
    """The path of its page."""
    return "/" + page_url(credential.verification_id).split("/", 3)[3]
