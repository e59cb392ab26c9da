"""Whether a file is the one that was issued, told by its digest alone."""

import hashlib
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from conferral import storage
from conferral.issuance import correct, people
from conferral.issuance.generate import generate
from conferral.models import Credential, CredentialArtifact
from conferral.models.verification import shown
from tests.faces.conftest import address
from tests.faces.test_pages import text_of
from tests.faces.test_scale import read_whole

OTHER = hashlib.sha256(b"another file").hexdigest()


@pytest.fixture
def digest(issued):
    """Of the very file that a stranger is given."""
    return hashlib.sha256(storage.read(CredentialArtifact.objects.get().storage_name)).hexdigest()


def whose(browser, sha256):
    response = browser.get(reverse("conferral:check-file", args=[sha256]))
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    return response.json()


def test_the_digest_leads_to_the_page_which_says_so(issued, digest, stranger):
    assert whose(stranger, digest) == {"verification_id": shown(issued.verification_id)}
    page = text_of(stranger.get(address(issued), {"sha256": digest}))
    assert "This is the file we issued" in page


def test_other_bytes_are_compared_with_the_original_and_never_called_forged(issued, stranger):
    assert whose(stranger, OTHER) == {"verification_id": None}
    page = text_of(stranger.get(address(issued), {"sha256": OTHER}))
    assert "Not the file we issued: re-saved or altered" in page
    comparison = page[page.index("Not the file we issued") : page.index('class="verdict-aside')]
    assert all(each in comparison for each in ("Ana Ñandú", "Completion", "Testing", str(issued.issued.year)))
    assert "forge" not in page.lower()


def test_a_file_that_was_tampered_with_looks_approved_nowhere(issued, stranger):
    page = text_of(stranger.get(address(issued), {"sha256": OTHER}))
    assert page.index("Not the file we issued") < page.index("The credential with this number is genuine")
    assert "<h2>Genuine</h2>" not in page
    assert 'class="verdict good"' not in page


@pytest.mark.parametrize(("deed", "said"), [("revoked", "was revoked"), ("expires", "has expired")])
def test_other_bytes_of_one_that_does_not_hold(issued, stranger, deed, said):
    now = timezone.now()
    Credential.objects.update(**{deed: now - timedelta(days=1)})
    page = text_of(stranger.get(address(issued), {"sha256": OTHER}))
    assert re.search(f"The credential with this number (is genuine, but )?{said}", page)


def test_the_file_of_one_that_was_replaced(issued, digest, stranger):
    new = correct.reissue(issued, name="Ana Vidal")
    generate()
    assert whose(stranger, digest) == {"verification_id": shown(issued.verification_id)}
    led = stranger.get(address(issued), {"sha256": digest})
    came_with = shown(issued.verification_id)
    assert led["Location"] == f"{address(new)}?instead-of={came_with}&sha256={digest}"
    page = text_of(stranger.get(led["Location"]))
    assert "We issued this file, and replaced it" in page
    assert "Ñandú" not in page


def test_the_file_of_one_that_was_replaced_and_then_revoked(issued, digest, stranger):
    new = correct.reissue(issued, name="Ana Vidal")
    generate()
    correct.revoke(new, "copied")
    page = text_of(stranger.get(address(new), {"sha256": digest}))
    assert "and what took its place was revoked" in page


def test_a_file_of_somebody_else_is_none_of_this_number(course, issued, digest, stranger):
    """Who shows another person's file beside a number is found out on the page of that number."""
    course.learner("bo")
    course.run_and_generate()
    other = Credential.objects.get(learner__key="bo")
    page = text_of(stranger.get(address(other), {"sha256": digest}))
    assert "The file of another credential" in page
    assert address(issued) in page
    assert "This is the file we issued" not in page
    assert page.index("data-file-verdict") < page.index("data-verdict")


def test_the_file_of_one_that_was_revoked(issued, digest, stranger):
    correct.revoke(issued, "copied")
    page = text_of(stranger.get(address(issued), {"sha256": digest}))
    assert "<h2>Revoked</h2>" in page
    assert "but the credential was revoked" in page


def test_the_file_of_somebody_who_was_removed(issued, digest, stranger):
    people.retire(issued.learner)
    assert whose(stranger, digest) == {"verification_id": shown(issued.verification_id)}
    assert "This is the file we issued" in text_of(stranger.get(address(issued), {"sha256": digest}))


@pytest.mark.parametrize("state", ["held", "pending", "failed"])
def test_what_nobody_has_seen_is_nobodys(issued, digest, stranger, state):
    Credential.objects.update(state=state)
    assert whose(stranger, digest) == {"verification_id": None}


@pytest.mark.parametrize("text", ["x", "A" * 64, "0" * 63, "0" * 65, "%00"])
def test_what_is_no_digest_is_nobodys(issued, stranger, text):
    assert whose(stranger, text) == {"verification_id": None}
    assert "data-file-verdict" not in text_of(stranger.get(address(issued), {"sha256": text}))


def test_who_asks_too_often_waits(db, stranger, settings):
    settings.CONFERRAL_RATE_LIMIT = "2/m"
    path = reverse("conferral:check-file", args=[OTHER])
    assert [stranger.get(path).status_code for _ in range(3)] == [200, 200, 429]


def test_without_scripts_the_page_says_what_to_do(issued, stranger):
    for path in ("/check/", address(issued)):
        page = text_of(stranger.get(path))
        assert "To check a file, the browser has to run scripts" in page
        assert "The file never leaves your computer" in page


def test_one_query_by_an_index(issued, digest, stranger, django_assert_num_queries):
    with django_assert_num_queries(1) as captured:
        whose(stranger, digest)
    assert "ORDER BY" not in captured[0]["sql"]
    assert read_whole(stranger, reverse("conferral:check-file", args=[digest])) == []
