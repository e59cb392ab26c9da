"""How a bucket is addressed, by whom links are signed, and what the inventory finds in one."""

import base64
import json
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from types import SimpleNamespace

import boto3
import pytest
from django.core.management import call_command
from django.test import Client

from conferral import assets, bucket, storage
from conferral.contract import ConferralError
from conferral.issuance import inventory
from conferral.models import Credential, CredentialArtifact
from tests.services import faulty, s3
from tests.services.test_private import address

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
KEYS = {"access_key": "test", "secret_key": "testing"}


@pytest.fixture(scope="module")
def endpoint():
    import os

    try:
        with s3.running() as address:
            yield address
    except s3.Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


def link(monkeypatch):
    """As it is given out, without a server to ask whether the object is there, and where."""
    monkeypatch.setattr(storage, "exists", lambda name: True)
    monkeypatch.setattr(bucket, "region_trouble", lambda storage: "")
    return urllib.parse.urlsplit(storage.link("credentials/ab/c.pdf", "a.pdf", "application/pdf", as_attachment=False))


@pytest.mark.parametrize(
    ("options", "host", "path"),
    [
        ({"region_name": "eu-central-1"}, "diplomas.s3.eu-central-1.amazonaws.com", "/credentials/ab/c.pdf"),
        ({"region_name": "eu-central-1", "addressing_style": "virtual"}, "diplomas.s3.eu-central-1.amazonaws.com", ""),
        ({"region_name": "ap-south-1", "addressing_style": "path"}, "s3.ap-south-1.amazonaws.com", "/diplomas/cred"),
        ({"region_name": "us-east-1"}, "diplomas.s3.amazonaws.com", "/credentials/ab/c.pdf"),
        (
            {"region_name": "me-south-1", "bucket_name": "of.dots"},
            "s3.me-south-1.amazonaws.com",
            "/of.dots/credentials",
        ),
        ({"endpoint_url": "https://s3.example.org", "region_name": "here"}, "s3.example.org", "/diplomas/credentials"),
        (
            {"endpoint_url": "https://s3.example.org", "region_name": "here", "addressing_style": "virtual"},
            "diplomas.s3.example.org",
            "/credentials/ab/c.pdf",
        ),
    ],
)
def test_a_link_is_signed_for_the_configured_host_and_region(keep_files_in, monkeypatch, options, host, path):
    """Without a signature version, too: botocore's own for links is one that new regions refuse."""
    keep_files_in({"bucket_name": "diplomas", **KEYS, **options})
    made = link(monkeypatch)
    query = urllib.parse.parse_qs(made.query)
    assert (made.hostname, made.path.startswith(path)) == (host, True)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Credential"][0].split("/")[2:] == [options["region_name"], "s3", "aws4_request"]
    assert query["X-Amz-SignedHeaders"] == ["host"]


def test_a_bucket_in_another_region_is_told(endpoint, keep_files_in, db):
    given = {"aws_access_key_id": "test", "aws_secret_access_key": "testing"}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="eu-central-1", **given)
    client.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    options = {"bucket_name": "far-away", "endpoint_url": endpoint, "region_name": "us-east-1", **KEYS}
    keep_files_in(options)
    assert storage.troubles() == [
        "the bucket is in eu-central-1, and links are signed for us-east-1; set region_name to eu-central-1"
    ]
    with pytest.raises(SystemExit):
        call_command("conferral", "storage", "check", stdout=(said := StringIO()))
    assert "set region_name to eu-central-1" in said.getvalue()
    keep_files_in(options | {"region_name": "eu-central-1"})
    assert storage.troubles() == []


def test_from_a_bucket_in_another_region_files_are_streamed(course, endpoint, keep_files_in, caplog):
    """Links would be refused there; every upload works."""
    given = {"aws_access_key_id": "test", "aws_secret_access_key": "testing"}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="eu-central-1", **given)
    client.create_bucket(Bucket="over-there", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with faulty.before(endpoint) as proxy:
        options = {"bucket_name": "over-there", "endpoint_url": proxy.address, "region_name": "us-east-1", **KEYS}
        keep_files_in(options)
        course.learner("ana")
        course.configure()
        course.run_and_generate()
        asked = []
        for _ in range(3):
            before = proxy.count("HEAD")
            answer = Client().get(address(Credential.objects.get()))
            assert (answer.status_code, len(b"".join(answer)) > 0) == (200, True)
            asked.append(proxy.count("HEAD") - before)
        assert asked[1] == asked[2] == asked[0] - 1  # where the bucket is, is asked once
        assert caplog.text.count("set region_name to eu-central-1; until then, files are streamed") == 1
        keep_files_in(options | {"region_name": "eu-central-1"})
        assert Client().get(address(Credential.objects.get())).status_code == 302


def test_a_bucket_that_did_not_answer_is_asked_again_where_it_is(monkeypatch):
    """Else its links would be refused until the worker is started anew."""
    answers = [ConnectionError("timed out"), "the bucket is in eu-central-1"]

    def trouble(_):
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    monkeypatch.setattr(bucket, "region_trouble", trouble)
    asked = SimpleNamespace(custom_domain=None)
    assert [bucket.is_elsewhere(asked) for _ in range(3)] == [False, True, True]


def test_an_access_point_of_many_regions_is_refused(keep_files_in):
    name = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
    keep_files_in({"bucket_name": name, "region_name": "eu-central-1", **KEYS})
    with pytest.raises(ConferralError, match="cannot be used: bucket_name is an access point of many regions"):
        storage.check()


def test_a_bucket_that_anybody_reads_whatever_we_say_is_told(course, endpoint, keep_files_in):
    """A policy of the bucket that makes it public is none of our settings."""
    given = {"aws_access_key_id": "test", "aws_secret_access_key": "testing"}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **given)
    client.create_bucket(Bucket="open-house", ACL="public-read")
    keep_files_in({"bucket_name": "open-house", "endpoint_url": endpoint, "region_name": "us-east-1", **KEYS})
    course.learner("ana")
    course.configure()
    course.run_and_generate()
    name = CredentialArtifact.objects.get().storage_name
    client.put_object_acl(Bucket="open-house", Key=name, ACL="public-read")
    with pytest.raises(SystemExit):
        call_command("conferral", "storage", "check", "--json", stdout=(said := StringIO()))
    assert json.loads(said.getvalue())["bucket"] == [
        "the bucket shows its files to anybody, without a key; take public access from its policy"
    ]


class Open(BaseHTTPRequestHandler):
    """A CloudFront that shows a certificate or an asset to whoever asks."""

    def do_GET(self):
        self.send_response(200 if self.path.startswith(f"/{self.server.shows}/") else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.mark.parametrize("shows", ["credentials", "assets", "nothing"])
def test_a_cloudfront_that_signs_and_asks_for_no_signature_is_told(course, options, keep_files_in, cloudfront, shows):
    signer, _ = cloudfront
    front = ThreadingHTTPServer(("127.0.0.1", 0), Open)
    front.shows = shows
    threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    domain = f"127.0.0.1:{front.server_port}"
    keep_files_in(options | {"custom_domain": domain, "url_protocol": "http:", "cloudfront_signer": signer})
    storage.check()
    assets.upload("letters", "letters.png", PICTURE)
    course.learner("ana")
    course.configure()
    course.run_and_generate()
    said = StringIO()
    if shows == "nothing":
        call_command("conferral", "storage", "check", "--json", stdout=said)
    else:
        with pytest.raises(SystemExit):
            call_command("conferral", "storage", "check", "--json", stdout=said)
    front.shutdown()
    front.server_close()
    found = json.loads(said.getvalue())["bucket"]
    assert len(found) == (0 if shows == "nothing" else 1)
    assert all(f"custom_domain ({domain}) shows files to anybody, without a signature" in each for each in found)


@pytest.fixture
def cloudfront(tmp_path):
    """CloudFront's signer with a key of our own, and whether a link is signed with it."""
    from botocore.signers import CloudFrontSigner

    key, public, signature = tmp_path / "key.pem", tmp_path / "public.pem", tmp_path / "signature"
    openssl("genrsa", "-out", key, "2048")
    openssl("rsa", "-in", key, "-pubout", "-out", public)

    def sign(message):
        return openssl("dgst", "-sha1", "-sign", key, given=message)

    def holds(link):
        plain, _, rest = link.partition("Expires=")
        query = urllib.parse.parse_qs(f"Expires={rest}")
        resource = {"Resource": plain[:-1], "Condition": {"DateLessThan": {"AWS:EpochTime": int(query["Expires"][0])}}}
        policy = json.dumps({"Statement": [resource]}, separators=(",", ":")).encode()
        text = query["Signature"][0].replace("-", "+").replace("_", "=").replace("~", "/")
        signature.write_bytes(base64.b64decode(text))
        said = openssl("dgst", "-sha1", "-verify", public, "-signature", signature, given=policy, check=False)
        return b"Verified OK" in said and query["Key-Pair-Id"] == ["K1"]

    return CloudFrontSigner("K1", sign), holds


def openssl(*arguments, given=None, check=True):
    try:
        return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=check).stdout
    except FileNotFoundError:
        pytest.skip("openssl is not installed")


def test_behind_cloudfront_its_signer_signs(course, options, keep_files_in, cloudfront):
    signer, holds = cloudfront
    front = {"custom_domain": "diplomas.example.org", "cloudfront_signer": signer}
    keep_files_in(options | front)
    storage.check()
    course.learner("ana", name="Ana Ñandú")
    course.configure()
    course.run_and_generate()
    response = Client().get(address(Credential.objects.get()))
    given = response["Location"]
    assert response.status_code == 302
    assert given.startswith(f"https://diplomas.example.org/{CredentialArtifact.objects.get().storage_name}?")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(given).query)
    # The names that S3 knows, to which CloudFront passes them on.
    assert query["response-content-type"] == ["text/plain"]
    assert "Ana%20%C3%91and%C3%BA.txt" in query["response-content-disposition"][0]
    assert query["response-cache-control"] == ["private, no-store"]
    assert 295 <= int(query["Expires"][0]) - time.time() <= 301
    assert holds(given)
    assert not holds(given.replace("attachment", "inline"))


# The inventory, in a bucket.


@pytest.mark.parametrize("location", ["", "some/place"])
def test_the_inventory_of_a_bucket(course, options, bucket, keep_files_in, location):
    keep_files_in(options | {"location": location})
    assets.upload("letters", "letters.png", PICTURE)
    course.learners(4)
    course.configure()
    course.run_and_generate()
    bucket.put_object(Key="somebody/elses.txt", Body=b"x")
    sound = inventory.take(content=True)
    assert (sound.named, sound.objects, sum(sound.counts.values())) == (5, 5, 0)
    root = f"{location}/" if location else ""
    gone, damaged, shorter, _ = CredentialArtifact.objects.order_by("pk").values_list("storage_name", flat=True)
    content = bucket.Object(f"{root}{damaged}").get()["Body"].read()
    bucket.Object(f"{root}{gone}").delete()
    bucket.Object(f"{root}{damaged}").put(Body=b"?" * len(content))
    bucket.Object(f"{root}{shorter}").put(Body=b"?")
    orphan = storage.put(b"x", folder="credentials", suffix=".pdf")
    assert inventory.take().young == 1
    found = inventory.take(content=True, older_than=-60)
    assert found.counts == {"missing": 1, "size": 1, "content": 1, "orphan": 1}
    removed = inventory.take(remove_orphans=True, older_than=-60)
    assert removed.removed == 1
    assert not storage.exists(orphan)
    assert bucket.Object("somebody/elses.txt").get()["Body"].read() == b"x"


def test_an_inventory_of_a_bucket_that_fails_says_so_and_removes_nothing(course, guarded, bucket, keep_files_in):
    course.learners(2)
    course.configure()
    with faulty.before(guarded["endpoint_url"]) as proxy:
        keep_files_in(guarded | {"bucket_name": bucket.name, "endpoint_url": proxy.address})
        course.run_and_generate()
        proxy.spoil(faulty.answer(503, "SlowDown"), "GET")
        with pytest.raises(storage.Unavailable, match="the files cannot be listed: .*SlowDown"):
            inventory.take(remove_orphans=True, older_than=0)
        proxy.heal()
        proxy.spoil(faulty.cut_download, "GET")
        with pytest.raises(storage.Unavailable, match="cannot be listed"):
            inventory.take(remove_orphans=True, older_than=0)
    assert proxy.count("DELETE") == 0


def test_a_list_is_read_a_page_at_a_time(guarded, bucket, keep_files_in, monkeypatch):
    with faulty.before(guarded["endpoint_url"]) as proxy:
        keep_files_in(guarded | {"bucket_name": bucket.name, "endpoint_url": proxy.address})
        for number in range(5):
            bucket.put_object(Key=f"credentials/ab/{number:030x}.pdf", Body=b"x")
        client = storage._storage().connection.meta.client
        operation = client.get_paginator

        def short(name):
            paginator = operation(name)
            pages = paginator.paginate
            monkeypatch.setattr(paginator, "paginate", lambda **said: pages(**said, PaginationConfig={"PageSize": 2}))
            return paginator

        monkeypatch.setattr(client, "get_paginator", short)
        names = storage.listing("credentials")
        next(names)
        assert proxy.count("GET") == 1
        assert len(list(names)) == 4
        assert proxy.count("GET") == 3
