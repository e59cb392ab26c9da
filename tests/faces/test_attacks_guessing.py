"""Somebody tries numbers, on the pages and by the API; and what the API tells whoever has a right one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conferral.fingerprint import fingerprint
from conferral.issuance import correct, people
from conferral.issuance.generate import generate
from conferral.models import Credential, CredentialArtifact
from conferral.models.verification import normalised, shown
from tests.faces.conftest import address

UNKNOWN = "0000-0000-0000-0000"
MISTYPED = "0000-0000-0000-0001"
API = "/api/conferral/v1/credentials/{}/"
FACES = ("/c/{}", "/c/{}/certificate.pdf", "/c/{}/picture/certificate.pdf", "/check/?id={}", API)


def seen(client, face, number):
    """All that comes back, without the number that was asked for; and how many queries that took."""
    with CaptureQueriesContext(connection) as queries:
        response = client.get(face.format(number))
    said = b"".join(response) if response.streaming else response.content
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    return response.status_code, headers, said.replace(number.encode(), b"NUMBER"), len(queries)


@pytest.mark.parametrize("state", ["held", "pending", "failed"])
@pytest.mark.parametrize("face", FACES)
def test_what_is_not_ready_cannot_be_told_from_what_never_was(issued, stranger, face, state):
    Credential.objects.update(state=state)
    found = seen(stranger, face, shown(issued.verification_id))
    assert found == seen(stranger, face, UNKNOWN)
    assert found[0] == 404


@pytest.mark.parametrize("right", [None, "view_credential"])
def test_not_even_staff_are_shown_more_on_the_public_pages(issued, person, right):
    """What is not ready is for the admin, which asks for rights."""
    Credential.objects.update(state="held")
    client = person("eve", *([right] if right else []))
    for face in FACES:
        assert client.get(face.format(shown(issued.verification_id))).status_code == 404


def test_a_mistyped_number_is_told_apart_on_pages_alone(db, stranger):
    """That is no secret: the check symbol is computed from the other fifteen, by anybody. Programs get one answer."""
    assert normalised(MISTYPED) is None
    assert b"This number is mistyped" in stranger.get(f"/c/{MISTYPED}").content
    assert b"Unknown here" in stranger.get(f"/c/{UNKNOWN}").content
    answers = {stranger.get(API.format(asked)).content for asked in (MISTYPED, UNKNOWN, "x", "%00", "%0d%0a", "é" * 99)}
    assert answers == {b'{"verdict": "unknown"}'}


def test_a_number_that_was_never_shown_to_anybody_leads_nowhere(issued, stranger):
    """The successor of a replaced credential is unknown until it is ready, and the old number does not tell it."""
    new = correct.reissue(issued, name="Ana Vidal")
    for face in FACES:
        assert stranger.get(face.format(shown(new.verification_id))).status_code == 404
    told = stranger.get(API.format(shown(issued.verification_id)))
    assert told.json()["verdict"] == "replacing"
    for text in (told.content.decode(), stranger.get(address(issued)).content.decode()):
        assert shown(new.verification_id) not in text
        assert "Ana" not in text


# The API


def ask(client, credential):
    response = client.get(API.format(shown(credential.verification_id)))
    assert response.status_code == 200
    return response.json()


def test_a_program_is_told_what_the_page_shows(issued, stranger):
    told = ask(stranger, issued)
    (file,) = told.pop("files")
    assert told == {
        "verdict": "genuine",
        "verification_id": shown(issued.verification_id),
        "successor": None,
        "page": f"http://localhost:8000{address(issued)}",
        "hidden": False,
        "type": "Completion",
        "recipient": "Ana Ñandú",
        "context": "Testing",
        "description": None,
        "criteria": None,
        "fields": {},
        "requirements": [{"key": "completion", "step": None, "required": "0.8"}],
        "evidence": [],
        "issuer": {"name": "Test", "url": ""},
        "issued": issued.issued.isoformat(),
        "corrected": None,
        "expires": None,
        "revoked": None,
        "reason": None,
    }
    assert (file["name"], file["media_type"]) == ("certificate.pdf", "application/pdf")
    served = stranger.get(file["url"].removeprefix("http://localhost:8000"))
    assert fingerprint(b"".join(served.streaming_content)) == file["sha256"]
    served.close()


@pytest.mark.parametrize("evidence", [False, True])
def test_it_is_told_how_it_was_earned_as_far_as_the_type_publishes_it(course, stranger, evidence):
    course.learner("ana", "0.9")
    said = {"description": "She can weld.", "criteria": "Weld ten pieces.", "evidence": evidence}
    course.configure(publish=said)
    course.run_and_generate()
    told = ask(stranger, Credential.objects.get())
    required = {"key": "completion", "step": None, "required": "0.8"}
    assert (told["description"], told["criteria"]) == ("She can weld.", "Weld ten pieces.")
    assert told["requirements"] == ([required] if evidence else [])
    assert told["evidence"] == ([required | {"actual": "0.9", "met": True}] if evidence else [])
    Credential.objects.update(hidden=True)
    hidden = ask(stranger, Credential.objects.get())
    assert [hidden[name] for name in ("description", "criteria", "requirements", "evidence")] == [None, None, [], []]


def test_the_number_may_be_typed_as_on_the_page(issued, stranger):
    typed = shown(issued.verification_id).lower().replace("-", "").replace("0", "o")
    assert stranger.get(API.format(typed)).json() == ask(stranger, issued)


def test_a_revoked_one_has_no_files_and_its_reason_is_not_for_strangers(issued, stranger, person):
    correct.revoke(issued, "not her own work")
    told = ask(stranger, issued)
    issued.refresh_from_db()
    assert (told["verdict"], told["revoked"], told["files"]) == ("revoked", issued.revoked.isoformat(), [])
    for client in (stranger, person("registrar", "view_credential")):
        assert "not her own work" not in str(ask(client, issued))


def test_a_reason_that_the_type_publishes_is_told(course, stranger):
    course.learner("ana", "0.9")
    course.configure(publish={"revocation_reason": True})
    course.run_and_generate()
    correct.revoke(Credential.objects.get(), "handed in twice")
    assert ask(stranger, Credential.objects.get())["reason"] == "handed in twice"


def test_an_old_number_tells_its_successor_and_nothing_of_the_old(issued, stranger):
    new = correct.reissue(issued, name="Ana Vidal")
    generate()
    told = ask(stranger, issued)
    assert (told["verdict"], told["recipient"]) == ("corrected", "Ana Vidal")
    assert told["verification_id"] == shown(issued.verification_id)
    assert told["successor"] == shown(new.verification_id)
    assert told["page"].endswith(address(new))
    assert told["corrected"]
    assert "Ñandú" not in str(told)
    assert ask(stranger, new) == told | {"verification_id": shown(new.verification_id), "successor": None}


def test_of_somebody_who_was_removed_nothing_personal_is_told(issued, stranger):
    people.retire(issued.learner)
    told = ask(stranger, issued)
    number = shown(issued.verification_id)
    assert {name: value for name, value in told.items() if value} == {
        "verdict": "removed",
        "verification_id": number,
        "page": f"http://localhost:8000{address(issued)}",
        "issuer": {"name": "Test", "url": ""},
        "issued": str(issued.issued.year),
    }


def test_nor_of_one_that_was_revoked_before(issued, stranger):
    correct.revoke(issued, "not her own work")
    people.retire(Credential.objects.get().learner)
    told = ask(stranger, issued)
    assert (told["verdict"], told["issued"], told["revoked"], told["context"]) == (
        "revoked",
        str(issued.issued.year),
        None,
        None,
    )


def test_the_answer_is_the_same_for_everybody_and_sets_nothing(issued, stranger, person):
    answers = [client.get(API.format(issued)) for client in (stranger, person("eve", "view_credential"))]
    assert answers[0].content == answers[1].content
    for answer in (*answers, stranger.get(API.format(UNKNOWN))):
        assert answer["Cache-Control"] == "public, no-cache"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Cookie" not in answer.get("Vary", "")
        assert not answer.cookies
        assert not any(name.startswith("Access-Control") for name in answer.headers)


def test_who_keeps_an_answer_asks_whether_it_still_holds(issued, stranger):
    """A copy that somebody gives out for a minute would outlive a revocation."""
    kept = stranger.get(API.format(issued))["ETag"]
    again = stranger.get(API.format(issued), HTTP_IF_NONE_MATCH=kept)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", kept)
    correct.revoke(issued, "not her own work")
    now = stranger.get(API.format(issued), HTTP_IF_NONE_MATCH=kept)
    assert (now.status_code, now.json()["verdict"]) == (200, "revoked")


def test_it_only_reads(issued, stranger):
    for method in ("post", "put", "patch", "delete"):
        assert getattr(stranger, method)(API.format(issued)).status_code == 405


@pytest.mark.parametrize("times", [0, 1, 6])
def test_queries_do_not_grow_with_how_often_it_was_reissued(issued, stranger, django_assert_num_queries, times):
    last = issued
    for number in range(times):
        last = correct.reissue(last, name=f"Ana {number}")
        generate()
    with django_assert_num_queries(3 if times else 2):
        assert ask(stranger, issued)["successor"] == (shown(last.verification_id) if times else None)
    assert CredentialArtifact.objects.filter(credential=last, state="stored").count() == 1
