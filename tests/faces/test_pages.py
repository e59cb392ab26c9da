"""The pages, seen from outside: by a stranger, the holder, another learner, and staff."""

import io
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image

from conferral import access, storage
from conferral.fingerprint import fingerprint
from conferral.issuance import correct, people
from conferral.issuance.generate import generate
from conferral.models import Credential, CredentialArtifact, Learner
from conferral.models.verification import shown
from tests.faces.conftest import address

UNKNOWN = "0000000000000000"


def text_of(response):
    return response.content.decode()


def test_the_page_proves_it_to_whoever_has_the_link(issued, stranger):
    response = stranger.get(address(issued))
    page = text_of(response)
    assert response.status_code == 200
    assert all(each in page for each in ("<h2>Genuine</h2>", "Ana Ñandú", "Completion", "Testing"))
    assert shown(issued.verification_id) in page
    assert f'href="{address(issued)}/certificate.pdf"' in page
    assert "ana@example.com" not in page
    assert "at least 80%" in page  # what the rule asked for
    assert "100%" not in page  # what she reached is hers to tell
    assert response["X-Robots-Tag"] == "noindex"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda text: f"No. {text}",
        lambda text: f"https://credentials.example/c/{text}?sha256=0",
        lambda text: text.replace("-", ""),
        lambda text: text.replace("0", "O"),
        lambda text: f" {text} ".replace("-", " "),
    ],
)
def test_the_id_however_it_is_typed(issued, stranger, typed):
    asked = stranger.get("/check/", {"id": typed(shown(issued.verification_id))})
    assert (asked.status_code, asked["Location"]) == (302, address(issued))


@pytest.mark.parametrize("typed", [str.lower, lambda text: text.replace("-", ""), lambda text: text.replace("0", "O")])
def test_the_page_however_its_id_is_typed(issued, stranger, typed):
    assert "<h2>Genuine</h2>" in text_of(stranger.get(f"/c/{typed(shown(issued.verification_id))}"))


def test_the_file_is_the_one_that_was_issued(issued, stranger):
    response = stranger.get(f"{address(issued)}/certificate.pdf")
    assert fingerprint(b"".join(response.streaming_content)) == CredentialArtifact.objects.get().sha256
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"].startswith("inline; filename*=utf-8''Completion%20-%20Ana")
    assert "sandbox" in response["Content-Security-Policy"]
    response.close()


def test_the_picture(issued, stranger):
    response = stranger.get(f"{address(issued)}/picture/certificate.pdf")
    assert response["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(response.content)) as picture:
        assert (picture.format, picture.width) == ("JPEG", 1400)


def test_a_picture_that_a_browser_has_is_not_drawn_again(issued, stranger):
    path = f"{address(issued)}/picture/certificate.pdf"
    first, small = stranger.get(path), stranger.get(path, {"width": "640"})
    with Image.open(io.BytesIO(small.content)) as picture:
        assert picture.width == 640
    assert len(small.content) < len(first.content)
    assert first["ETag"] != small["ETag"]
    storage.remove(CredentialArtifact.objects.get().storage_name)
    again = stranger.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    with Image.open(io.BytesIO(stranger.get(path, {"width": "9999"}).content)) as picture:
        assert picture.width == 1400  # another width is none


def test_the_page_keeps_the_place_of_the_picture(issued, stranger):
    stranger.get(f"{address(issued)}/picture/certificate.pdf")
    with Image.open(io.BytesIO(stranger.get(f"{address(issued)}/picture/certificate.pdf").content)) as picture:
        shape = f'width="{picture.width}" height="{picture.height}"'
    page = text_of(stranger.get(address(issued)))
    assert shape in page
    assert f'<a href="{address(issued)}/certificate.pdf"><img' in page


def test_a_file_that_cannot_be_drawn_has_no_picture(issued, stranger):
    name = storage.put(b"%PDF- in name only", folder="credentials", suffix=".pdf")
    CredentialArtifact.objects.update(storage_name=name)
    assert stranger.get(f"{address(issued)}/picture/certificate.pdf").status_code == 404


def test_ids_that_lead_nowhere(db, stranger):
    mistyped = stranger.get("/c/K7QF-2M9X")
    assert mistyped.status_code == 404
    assert "This number is mistyped" in text_of(mistyped)
    for path in (f"/c/{UNKNOWN}", f"/c/{UNKNOWN}/certificate.pdf"):
        unknown = stranger.get(path)
        assert unknown.status_code == 404
        assert "Unknown here" in text_of(unknown)
    assert stranger.get(f"/c/{UNKNOWN}/picture/certificate.pdf").status_code == 404
    wrong = stranger.get("/check/", {"id": "K7QF-2M9X-4TBD-HW3Q"})
    assert "has the right length, but one of its letters or figures is wrong" in text_of(wrong)
    assert "they have 16 letters and figures" in text_of(mistyped)
    hostile = stranger.get("/check/", {"id": "<script>alert(1)</script>"})
    assert "<script>" not in text_of(hostile)


@pytest.mark.parametrize("state", ["held", "pending", "failed"])
def test_what_is_not_there_yet_is_as_unknown_as_what_never_was(issued, stranger, person, state):
    Credential.objects.update(state=state)
    pages = [stranger.get(address(issued)), stranger.get(f"{address(issued)}/certificate.pdf")]
    assert {response.status_code for response in pages} == {404}
    assert all("Ana" not in text_of(response) for response in pages)


def test_revoked_serves_no_file_and_tells_the_reason_to_those_concerned(issued, stranger, person):
    correct.revoke(issued, "not her own work")
    holder, other, staff = person("ana"), person("bo"), person("registrar", "view_credential")
    issued.learner.user = holder.user
    issued.learner.save()
    for client, told in ((stranger, False), (other, False), (holder, True), (staff, True)):
        page = text_of(client.get(address(issued)))
        assert "<h2>Revoked</h2>" in page
        assert "certificate.pdf" not in page
        assert ("not her own work" in page) == told
        assert client.get(f"{address(issued)}/certificate.pdf").status_code == 410
        assert client.get(f"{address(issued)}/picture/certificate.pdf").status_code == 404


def test_an_old_link_leads_to_the_successor_and_shows_nothing_of_the_old(issued, stranger):
    new = correct.reissue(issued, name="Ana Vidal")
    waiting = stranger.get(address(issued))
    assert "Being replaced" in text_of(waiting)
    assert "Ñandú" not in text_of(waiting)
    assert stranger.get(f"{address(issued)}/certificate.pdf").status_code == 410
    assert stranger.get(f"{address(issued)}/picture/certificate.pdf").status_code == 204
    generate()
    moved = stranger.get(address(issued))
    assert (moved.status_code, moved["Location"]) == (302, f"{address(new)}?instead-of={shown(issued.verification_id)}")
    told = text_of(stranger.get(moved["Location"]))
    assert f'You came with the number <bdi class="number">{shown(issued.verification_id)}</bdi>' in told
    assert stranger.get(f"{address(issued)}/certificate.pdf")["Location"] == f"{address(new)}/certificate.pdf"
    page = text_of(stranger.get(address(new)))
    assert "Genuine, corrected on" in page
    assert not any(each in page for each in ("Ñandú", "You came with"))


def test_nobody_is_told_that_a_number_of_theirs_was_replaced_by_this(issued, stranger):
    for number in (UNKNOWN, "x", shown(issued.verification_id)):
        assert "You came with" not in text_of(stranger.get(address(issued), {"instead-of": number}))


def test_expired_says_until_when(issued, stranger):
    Credential.objects.update(expires=timezone.now() - timedelta(days=1))
    page = text_of(stranger.get(address(issued)))
    assert "<h2>Expired</h2>" in page
    assert "certificate.pdf" in page


def test_retired_says_so_and_shows_nothing(issued, stranger):
    people.retire(issued.learner)
    page = text_of(stranger.get(address(issued)))
    assert f"genuine, issued {issued.issued.year} by <bdi>Test</bdi>, details removed" in page
    assert shown(issued.verification_id) in page
    assert not any(each in page for each in ("Ana", "Completion", "Testing", f"{issued.issued:%B}"))
    assert stranger.get(f"{address(issued)}/certificate.pdf").status_code == 410


@pytest.mark.parametrize(
    ("before", "verdict"),
    [
        (lambda one: correct.revoke(one, "not her own work"), "Revoked"),
        (lambda one: Credential.objects.update(expires=timezone.now() - timedelta(days=1)), "Expired"),
        (lambda one: Credential.objects.update(hidden=True), "Genuine, details removed"),
    ],
)
def test_retired_shows_nothing_whatever_was_before(issued, stranger, person, before, verdict):
    before(issued)
    people.retire(Credential.objects.get().learner)
    for who in (stranger, person("op", "view_credential")):
        page = text_of(who.get(address(issued)))
        assert f"<h1>{verdict}</h1>" in page
        assert "account was deleted" in page
        assert str(issued.issued.year) in page
        assert not any(each in page for each in ("Ana", "Completion", "Testing", "not her own", f"{issued.issued:%B}"))
        assert "It is mine" not in page
        assert "og:image" not in page
        assert who.get(f"{address(issued)}/certificate.pdf").status_code == 410
        assert who.get(f"{address(issued)}/share/card.png").status_code == 404


def test_a_missing_file_is_said_and_the_credential_stays_genuine(issued, stranger):
    storage.remove(CredentialArtifact.objects.get().storage_name)
    response = stranger.get(f"{address(issued)}/certificate.pdf")
    assert response.status_code == 503
    assert "The file cannot be had at the moment" in text_of(response)
    assert "<h2>Genuine</h2>" in text_of(response)
    assert stranger.get(f"{address(issued)}/picture/certificate.pdf").status_code == 503
    assert stranger.get(address(issued)).status_code == 200


def test_no_other_file_can_be_had(issued, stranger):
    for name in ("certificate.txt", "..%2f..%2fconferral.sqlite3", "%2e%2e", "certificate.pdf%00"):
        assert stranger.get(f"{address(issued)}/{name}").status_code == 404


def test_pages_only_read(issued, stranger):
    for path in ("/", "/check/", address(issued), f"{address(issued)}/certificate.pdf"):
        assert stranger.post(path).status_code == 405


def test_my_credentials_are_mine(issued, stranger, person):
    assert stranger.get("/mine/").status_code == 302
    holder, other = person("ana"), person("bo")
    issued.learner.user = holder.user
    issued.learner.save()
    assert "Testing" in text_of(holder.get("/mine/"))
    assert "Nothing has been issued to you yet" in text_of(other.get("/mine/"))


def test_a_username_alone_opens_nothing(issued, person):
    """The roster's `ana` is not our user `ana`, until somebody links them."""
    assert "Nothing has been issued" in text_of(person("ana").get("/mine/"))


def test_the_holder_sees_how_it_was_earned(issued, person):
    holder = person("ana")
    issued.learner.user = holder.user
    issued.learner.save()
    page = text_of(holder.get(address(issued)))
    assert all(each in page for each in ("Content completed", "100%", "needed: at least 80%", "reached"))


def test_a_name_is_text(course, issued, stranger):
    Credential.objects.update(recipient_name="<img src=x onerror=alert(1)>")
    assert "<img src=x" not in text_of(stranger.get(address(issued)))


@pytest.mark.parametrize("count", [1, 12])
def test_queries_do_not_grow_with_what_somebody_has(course, person, django_assert_max_num_queries, count):
    holder = person("ana")
    course.learners(count)
    course.configure()
    course.run_and_generate()
    Learner.objects.update(user=holder.user)
    with django_assert_max_num_queries(13):
        page = text_of(holder.get("/mine/"))
    assert page.count('class="card sheet"') == count


def test_the_page_is_a_handful_of_queries(issued, stranger, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        stranger.get(address(issued))


def test_sign_in_tokens(person, django_user_model):
    user = person("ana").user
    token = access.sign_in_token(user)
    assert access.user_of(token) == user
    assert access.user_of(token[:-2] + "xx") is None
    assert access.user_of("nonsense") is None
    user.set_password("new")
    user.save()
    assert access.user_of(token) is None
    token = access.sign_in_token(user)
    user.is_active = False
    user.save()
    assert access.user_of(token) is None


def test_checking_a_number_that_is_being_replaced(issued, stranger):
    correct.reissue(issued, name="Ana Vidal")
    asked = stranger.get("/check/", {"id": issued.verification_id}, follow=True)
    assert "Being replaced" in text_of(asked)
    Credential.objects.filter(pk=issued.pk).update(current=None, state="failed")
    pending = Credential.objects.get(current=True)
    assert stranger.get("/check/", {"id": pending.verification_id}).status_code == 404


API = "/api/conferral/v1/credentials/{}/"


def test_a_correction_that_is_revoked_before_it_is_made_is_called_revoked_everywhere(issued, stranger, person):
    holder = person("ana")
    Learner.objects.update(user=holder.user)
    digest = CredentialArtifact.objects.get().sha256
    new = correct.reissue(issued, name="Ana Vidal")
    assert "It is issued again, and is being made." in text_of(holder.get("/mine/"))
    correct.revoke(new, "copied")
    generate()
    led = stranger.get(address(issued), {"sha256": digest})
    assert led["Location"].startswith(f"{address(new)}?")
    page = text_of(stranger.get(led["Location"]))
    assert "<h2>Revoked</h2>" in page
    assert "and what took its place was revoked" in page
    assert "Being replaced" not in page
    for one in (issued, new):
        told = stranger.get(API.format(one.verification_id)).json()
        assert (told["verdict"], told["page"][-19:]) == ("revoked", shown(new.verification_id))
        assert stranger.get(f"{address(one)}/certificate.pdf", follow=True).status_code == 410
        assert stranger.get(f"{address(one)}/picture/certificate.pdf").status_code == 404
    mine = text_of(holder.get("/mine/"))
    assert "the staff know" not in mine
    assert "Revoked" in mine
    assert f'href="{address(new)}"' in mine


def test_what_was_revoked_and_never_seen_is_nowhere(issued, person):
    holder = person("ana")
    Learner.objects.update(user=holder.user)
    Credential.objects.update(state="failed")
    correct.revoke(correct.reissue(issued, name="Ana Vidal"), "copied")
    generate()
    mine = holder.get("/mine/")
    assert (mine.context["cards"], mine.context["coming"]) == ([], [])
    assert holder.get(address(issued)).status_code == 404


def test_the_holder_is_removed_while_a_correction_is_made(issued, stranger):
    new = correct.reissue(issued, name="Ana Vidal")
    people.retire(new.learner)
    generate()
    page = text_of(stranger.get(address(issued), follow=True))
    assert "Genuine, details removed" in page
    assert "Being replaced" not in page
    assert stranger.get(API.format(issued.verification_id)).json()["verdict"] == "removed"


def test_after_a_correction_that_could_not_be_made_the_next_is_one_too(issued, stranger):
    failed = correct.reissue(issued, name="Ana V")
    failed.artifacts.update(state="failed", next_try=None)
    Credential.objects.filter(pk=failed.pk).update(state="failed")
    new = correct.reissue(failed, name="Ana Vidal")
    generate()
    assert "Genuine, corrected on" in text_of(stranger.get(address(issued), follow=True))
    told = stranger.get(API.format(issued.verification_id)).json()
    assert (told["verdict"], told["corrected"]) == ("corrected", new.recorded.isoformat())


def test_a_page_that_is_open_while_it_is_replaced_asks_for_no_picture_that_is_missing(issued, stranger):
    old = f"{address(issued)}/picture/certificate.pdf"
    before = stranger.get(old).content
    new = correct.reissue(issued, name="Ana Vidal")
    answer = stranger.get(old)
    assert (answer.status_code, answer.content) == (204, b"")
    generate()
    assert stranger.get(old).content == stranger.get(f"{address(new)}/picture/certificate.pdf").content != before
    correct.revoke(new, "copied")
    assert stranger.get(old).status_code == 404
