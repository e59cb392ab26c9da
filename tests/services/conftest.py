"""Buckets of real servers."""

import os
from uuid import uuid4

import pytest

from tests.services import swift


@pytest.fixture(scope="session")
def guarded():
    """The options of a bucket on a server that refuses whoever has no key."""
    try:
        with swift.running() as options:
            yield options
    except swift.Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest.fixture
def keep_files_in(settings):
    """Sets the options of the storage."""

    def keep(options, **more):
        entry = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options | more}
        settings.STORAGES = settings.STORAGES | {"conferral": entry}

    return keep


@pytest.fixture
def bucket(guarded, keep_files_in):
    """A fresh bucket there, in which Conferral keeps its files; its resource."""
    import boto3

    options = swift.make_bucket(guarded, f"credentials-{uuid4()}")
    keep_files_in(options)
    keys = {"aws_access_key_id": options["access_key"], "aws_secret_access_key": options["secret_key"]}
    return boto3.resource(
        "s3", endpoint_url=options["endpoint_url"], region_name=options["region_name"], **keys
    ).Bucket(options["bucket_name"])


@pytest.fixture
def options(guarded, bucket):
    """The options of that bucket, to be changed and set again."""
    return guarded | {"bucket_name": bucket.name}
