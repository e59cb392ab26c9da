"""Files in a bucket are private: nobody reads one without a link of ours, which ends; seen at a server that refuses."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory

from conferral import assets, storage
from conferral.api.health import ready
from conferral.contract import ConferralError
from conferral.fingerprint import fingerprint
from conferral.issuance import correct, people, withdraw
from conferral.issuance.generate import generate, generate_batch
from conferral.issuance.snapshot import page_url
from conferral.models import Credential, CredentialArtifact
from tests.services.swift import status, stranger


def address(credential):
    """The stable address of its file."""
    return f"{urllib.parse.urlsplit(page_url(credential.verification_id)).path}/certificate.txt"


def link_of(credential):
    response = Client().get(address(credential))
    assert response.status_code == 302, response
    return response["Location"]


@pytest.fixture
def credential(course, bucket):
    """Ana's, whose file is in the bucket."""
    course.learner("ana", name="Ana Ñandú")
    course.configure()
    course.run_and_generate()
    return Credential.objects.get()


@pytest.fixture
def link(credential):
    return link_of(credential)


def test_nobody_reads_anything_without_a_key(credential, link, bucket, guarded, template):
    assets.upload("template", "template.pdf", template)
    names = [each.key for each in bucket.objects.all()]
    assert {name.split("/")[0] for name in names} == {"assets", "credentials"}
    server = guarded["endpoint_url"]
    for name in names:
        assert status(f"{server}/{bucket.name}/{name}") in (400, 403)
        assert status(f"{server}/v1/AUTH_site/{bucket.name}/{name}") == 401  # the same, asked in Swift's own way
    assert status(f"{server}/{bucket.name}?list-type=2") in (400, 403, 412)
    assert [door for name in names for door in storage.open_doors(name)] == []
    assert status(link) == 200


def test_somebody_elses_key_does_not_open_it(credential, bucket, guarded, keep_files_in):
    keep_files_in(stranger(guarded) | {"bucket_name": bucket.name})
    with pytest.raises(ConferralError, match=r"could not be read: .*\(403\)|Forbidden"):
        storage.read(CredentialArtifact.objects.get().storage_name)


def test_a_link_brings_type_and_name_and_nobody_keeps_a_copy(link):
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert fingerprint(answer.read()) == CredentialArtifact.objects.get().sha256
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Content-Disposition"].endswith(
            "filename*=utf-8''Completion%20-%20Ana%20%C3%91and%C3%BA.txt"
        )


@pytest.mark.parametrize(
    "name", ["Ана Петренко", "王小明", 'Ana "the" O\'Neill; x', "عائشة", "Ana\u2019s 🎓", "a%2Fb?c&d"]
)
def test_names_of_every_script_come_through(course, bucket, name):
    course.learner("ana", name=name)
    course.configure()
    course.run_and_generate()
    with urllib.request.urlopen(link_of(Credential.objects.get()), timeout=10) as answer:
        said = answer.headers["Content-Disposition"]
    expected = f"Completion - {name}.txt".replace("/", "-")
    if "filename*" in said:
        assert urllib.parse.unquote(said.partition("''")[2]) == expected
    else:
        assert said.partition('filename="')[2].removesuffix('"').replace('\\"', '"') == expected


def test_a_link_ends(credential, settings):
    assert status(link_of(credential)) == 200
    settings.CONFERRAL_LINK_SECONDS = 1
    link = link_of(credential)
    time.sleep(2.5)
    assert status(link) == 403


def test_a_link_cannot_be_changed(course, credential, link):
    course.learner("bo", name="Bo")
    course.run_and_generate()
    mine, other = CredentialArtifact.objects.order_by("pk").values_list("storage_name", flat=True)
    assert status(link) == 200
    for changed in (
        link.replace(mine, other),
        link.replace("X-Amz-Expires=300", "X-Amz-Expires=86400"),
        link.replace("text%2Fplain", "text%2Fhtml"),
        link.replace("attachment", "inline"),
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.replace("us-east-1", "eu-west-1"),
    ):
        assert changed != link
        assert status(changed) in (400, 403)


def test_a_link_of_another_region_is_refused(credential, guarded, bucket, keep_files_in, monkeypatch):
    keep_files_in(guarded | {"bucket_name": bucket.name, "region_name": "eu-west-1"})
    monkeypatch.setattr(storage, "exists", lambda name: True)  # requests find their way there; links do not
    link = link_of(credential)
    assert "%2Feu-west-1%2Fs3%2Faws4_request" in link
    assert status(link) in (400, 403)


# What was given out ends when its credential does.


def test_a_revocation_ends_links_at_once(credential, link, bucket):
    before = CredentialArtifact.objects.get()
    assert status(link) == 200
    call_command("conferral", "revoke", credential.verification_id, reason="cheated")
    after = CredentialArtifact.objects.get()
    assert status(link) == 404
    assert Client().get(address(credential)).status_code == 410
    assert after.storage_name != before.storage_name
    assert [each.key for each in bucket.objects.all()] == [after.storage_name]
    assert fingerprint(storage.read(after.storage_name)) == before.sha256
    assert (after.next_try, after.claim, after.state) == (None, "", "stored")


def test_a_correction_ends_links_at_once(credential, link, bucket):
    call_command("conferral", "reissue", credential.verification_id, "--name", "Ana Nandu")
    assert status(link) == 404
    new = Credential.objects.get(current=True)
    assert status(link_of(new)) == 200
    assert len(list(bucket.objects.all())) == 2


def test_a_retirement_ends_links_at_once_and_leaves_nothing(credential, link, bucket):
    people.retire(people.find("roster", "ana"))
    assert status(link) == 404
    assert list(bucket.objects.all()) == []


def test_while_the_storage_is_away_the_revocation_stands_and_the_move_waits(
    credential, bucket, guarded, keep_files_in, settings
):
    settings.CONFERRAL_RETRY_SECONDS = 0
    link, name = link_of(credential), CredentialArtifact.objects.get().storage_name
    keep_files_in(stranger(guarded) | {"bucket_name": bucket.name})
    correct.revoke(credential, "cheated")
    assert withdraw.withdraw_batch()
    assert Client().get(address(credential)).status_code == 410
    row = CredentialArtifact.objects.get()
    assert (row.storage_name, row.attempts, row.claim) == (name, 1, "")
    assert row.last_error.startswith("withdrawn, but not moved yet: storage: ")
    assert status(link) == 200  # the bucket's own link, until the bucket can be reached or the link ends
    keep_files_in(guarded | {"bucket_name": bucket.name})
    assert withdraw.withdraw() == 1
    assert status(link) == 404
    assert (CredentialArtifact.objects.get().last_error, withdraw.due()) == ("", 0)


def test_who_is_retired_while_a_file_is_moved_leaves_nothing(credential, bucket, guarded, settings):
    """Right after the copy was made."""
    correct.revoke(credential, "cheated")
    options = guarded | {"bucket_name": bucket.name, "learner": "ana"}
    entry = {"BACKEND": "tests.services.retiring.Retiring", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"conferral": entry}
    withdraw.withdraw()
    assert list(bucket.objects.all()) == []
    assert CredentialArtifact.objects.get().storage_name == ""


def test_who_is_retired_after_a_move_was_interrupted_leaves_nothing(credential, bucket):
    """The copy was made, and then the worker was killed."""
    correct.revoke(credential, "cheated")
    row = CredentialArtifact.objects.get()
    copy = storage.withdrawn(row.storage_name)
    storage.put_at(copy, storage.read(row.storage_name), media_type=row.media_type)
    assert len(list(bucket.objects.all())) == 2
    people.retire(people.find("roster", "ana"))
    assert list(bucket.objects.all()) == []


def test_revoking_many_does_not_wait_for_the_bucket(course, bucket):
    course.learners(40)
    course.configure()
    course.run_and_generate()
    for one in Credential.objects.all():
        correct.revoke(one, "the exam was leaked")
    assert withdraw.due() == 40
    assert withdraw.withdraw() == 40
    assert withdraw.due() == 0
    before = {each.key for each in bucket.objects.all()}
    assert before == set(CredentialArtifact.objects.values_list("storage_name", flat=True))


# What would make files public is refused, before anything is written.


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"querystring_auth": False}, "querystring_auth is off, .*; set it to true"),
        ({"default_acl": "public-read"}, r"default_acl makes every file public \(public-read\); set default_acl to"),
        ({"default_acl": "authenticated-read"}, "default_acl makes every file public"),
        ({"object_parameters": {"ACL": "public-read"}}, "object_parameters makes every file public"),
        (
            {"object_parameters": {"GrantRead": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'}},
            "object_parameters makes every file public .*; take GrantRead out of it",
        ),
        (
            {
                "object_parameters": {
                    "GrantFullControl": "uri=http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
                }
            },
            "object_parameters makes every file public .*; take GrantFullControl out of it",
        ),
        (
            {"custom_domain": "cdn.example.org"},
            "custom_domain .* takes the signature off links, .*; set cloudfront_key",
        ),
    ],
)
def test_a_storage_that_would_be_public_is_refused(course, options, keep_files_in, option, said):
    keep_files_in(options | option)
    with pytest.raises(ConferralError, match=f"^storage 'conferral' is not private: {said}"):
        storage.check()
    (error,) = (each for each in run_checks() if each.id == "conferral.E001")
    assert error.level >= 40
    with pytest.raises(CommandError, match="is not private"):
        call_command("conferral", "status")
    answer = ready(RequestFactory().get("/health/ready"))
    assert (answer.status_code, json.loads(answer.content)["storage"]) == (503, "unavailable")
    course.learner("ana")
    course.configure()
    course.run_and_generate()
    row = CredentialArtifact.objects.get()
    assert (row.state, row.attempts) == ("pending", 1)
    assert "nothing is written, for it would not be private" in row.last_error
    keep_files_in(options)
    assert list(storage.listing("credentials")) == []


def test_what_is_made_private_again_is_made(course, options, keep_files_in, settings):
    settings.CONFERRAL_RETRY_SECONDS = 0
    keep_files_in(options | {"default_acl": "public-read"})
    course.learner("ana")
    course.configure()
    course.run()
    generate_batch()
    keep_files_in(options | {"default_acl": "private"})
    generate()
    assert status(link_of(Credential.objects.get())) == 200
    assert [each for each in run_checks() if each.id == "conferral.E001"] == []
