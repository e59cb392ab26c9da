"""Somebody wants files that are not theirs, or that no address leads to."""

import pytest

from conferral import storage
from conferral.issuance import correct
from conferral.models import Credential, CredentialArtifact
from tests.faces.conftest import address

FILE, PICTURE = "{}/certificate.pdf", "{}/picture/certificate.pdf"
CLIMBING = (
    "..%2f..%2fconferral.sqlite3",
    "%2e%2e%2f%2e%2e%2fsecret-key",
    "..%5c..%5csecret-key",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
    "certificate.pdf%00.html",
    "certificate.pdf%0d%0aSet-Cookie:%20x=1",
    "....%2f%2f....%2f%2fetc%2fpasswd",
    "certificate.pdf%20",
    "CERTIFICATE.PDF",
)


@pytest.fixture
def everybody(issued, stranger, person):
    """The holder, another learner, an instructor, staff without rights, and nobody at all."""
    holder = person("ana")
    issued.learner.user = holder.user
    issued.learner.save()
    instructor = person("teacher", "view_credential", "change_credential", "change_credentialconfiguration")
    other, staff = person("bo"), person("clerk", "view_issuer")
    return {"holder": holder, "stranger": stranger, "other": other, "instructor": instructor, "staff": staff}


def statuses(everybody, path):
    return {client.get(path).status_code for client in everybody.values()}


def test_what_was_taken_back_is_served_to_nobody(issued, everybody):
    correct.revoke(issued, "not her own work")
    assert statuses(everybody, FILE.format(address(issued))) == {410}
    assert statuses(everybody, PICTURE.format(address(issued))) == {404}


@pytest.mark.parametrize("state", ["held", "pending", "failed"])
def test_what_is_not_ready_is_served_to_nobody(issued, everybody, state):
    Credential.objects.update(state=state)
    for path in (FILE, PICTURE):
        assert statuses(everybody, path.format(address(issued))) == {404}


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_a_file_that_is_not_finished_is_served_to_nobody(issued, everybody, state):
    CredentialArtifact.objects.update(state=state)
    for path in (FILE, PICTURE):
        assert statuses(everybody, path.format(address(issued))) == {404}


def test_one_person_s_link_gives_one_person_s_file(course, template, issued, stranger):
    course.learner("bo", name="Bo Lee")
    course.run_and_generate()
    bo = Credential.objects.get(learner__key="bo")
    CredentialArtifact.objects.filter(credential=bo).update(filename="certificate-bo.pdf")
    assert stranger.get(f"{address(issued)}/certificate-bo.pdf").status_code == 404
    assert stranger.get(f"{address(issued)}/picture/certificate-bo.pdf").status_code == 404


def test_the_list_of_mine_is_mine_whoever_asks(issued, everybody):
    for name, client in everybody.items():
        page = client.get("/mine/", {"user": issued.learner.user_id, "learner": issued.learner_id})
        assert (b"Testing" in page.content) == (name == "holder")


@pytest.mark.parametrize("name", CLIMBING)
def test_no_name_climbs_out(issued, stranger, name):
    for path in (f"{address(issued)}/{name}", f"{address(issued)}/picture/{name}"):
        response = stranger.get(path)
        assert response.status_code == 404
        assert not response.cookies
        assert "Set-Cookie" not in response.headers


def test_the_name_in_the_storage_is_not_an_address(issued, stranger):
    stored = CredentialArtifact.objects.get().storage_name
    assert storage.exists(stored)
    for path in (f"/{stored}", f"/media/{stored}", f"/files/{stored}", f"{address(issued)}/{stored}"):
        assert stranger.get(path).status_code == 404
    assert stored.encode() not in stranger.get(address(issued)).content


@pytest.mark.parametrize("media_type", ["image/svg+xml", "text/html", "application/xhtml+xml", "text/xml"])
def test_what_a_browser_could_run_is_saved_and_shut_in(issued, stranger, media_type):
    """A plugin may make any file: an SVG or HTML of ours is not a page of ours."""
    CredentialArtifact.objects.update(media_type=media_type)
    assert stranger.get(PICTURE.format(address(issued))).status_code == 404
    response = stranger.get(FILE.format(address(issued)))
    assert response["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    response.close()
