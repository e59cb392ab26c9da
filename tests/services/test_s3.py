"""Files in a bucket: our own link stays, and leads to a short-lived one of the bucket."""

import os
import urllib.parse
import urllib.request
from uuid import uuid4

import boto3
import pytest
from django.test import Client

from conferral.fingerprint import fingerprint
from conferral.issuance.snapshot import page_url
from conferral.models import Credential, CredentialArtifact
from tests.services import s3


@pytest.fixture(scope="module")
def endpoint():
    try:
        with s3.running() as address:
            yield address
    except s3.Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest.fixture
def bucket(endpoint, settings):
    access = {"access_key": "test", "secret_key": "testing", "endpoint_url": endpoint, "region_name": "us-east-1"}
    given = {"aws_access_key_id": "test", "aws_secret_access_key": "testing"}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **given)
    bucket = f"credentials-{uuid4()}"
    client.create_bucket(Bucket=bucket)
    options = {"bucket_name": bucket, "signature_version": "s3v4", "addressing_style": "path", **access}
    settings.STORAGES = settings.STORAGES | {
        "conferral": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    }
    return boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1", **given).Bucket(bucket)


@pytest.fixture
def file(course, bucket):
    """The address of a certificate's file."""
    course.learner("ana", name="Ana Ñandú")
    course.configure()
    course.run_and_generate()
    assert Credential.objects.get().state == "available"
    path = urllib.parse.urlsplit(page_url(Credential.objects.get().verification_id)).path
    return f"{path}/certificate.txt"


def test_our_link_leads_to_a_signed_one_that_lives_minutes(file):
    response = Client().get(file)
    assert response.status_code == 302
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(response["Location"]).query)
    assert query["X-Amz-Expires"] == ["300"]
    assert query["X-Amz-Signature"]
    assert query["response-content-disposition"][0].startswith("attachment; filename*=utf-8''Completion%20-%20Ana")
    assert response["Cache-Control"] == "private, no-cache"
    with urllib.request.urlopen(response["Location"], timeout=10) as answer:
        assert fingerprint(answer.read()) == CredentialArtifact.objects.get().sha256
        assert answer.headers["Content-Type"] == "text/plain"


def test_without_links_conferral_streams_it(file, settings):
    settings.CONFERRAL_LINK_SECONDS = 0
    response = Client().get(file)
    assert fingerprint(b"".join(response.streaming_content)) == CredentialArtifact.objects.get().sha256
    response.close()


def test_an_object_that_is_gone_gets_no_link(file, bucket):
    bucket.Object(CredentialArtifact.objects.get().storage_name).delete()
    response = Client().get(file)
    assert response.status_code == 503
    assert "Genuine" in response.content.decode()


def test_retiring_removes_the_objects(file, bucket):
    from conferral.issuance import people

    people.retire(people.find("roster", "ana"))
    assert list(bucket.objects.all()) == []
    assert Client().get(file).status_code == 410
