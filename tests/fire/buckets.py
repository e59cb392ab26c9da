"""Where the files of the stories under fire are, read from outside, without Conferral."""

import json
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from tests.services import swift


class Disk:
    """A folder of the site."""

    def __init__(self, path=Path()):
        self._path = path

    def hashes(self):
        """The SHA-256 of each file of a credential that is there, by its name."""
        found = (path for path in (self._path / "credentials").rglob("*") if path.is_file())
        return {str(path.relative_to(self._path)): sha256(path.read_bytes()).hexdigest() for path in found}


class Bucket:
    """A fresh one on a server that guards what it keeps; `through` is the address of what is before that server."""

    def __init__(self, server, through=""):
        import boto3

        self._options = swift.make_bucket(server, f"credentials-{uuid4()}")
        keys = {
            "aws_access_key_id": self._options["access_key"],
            "aws_secret_access_key": self._options["secret_key"],
            "region_name": self._options["region_name"],
        }
        self._bucket = boto3.resource("s3", endpoint_url=server["endpoint_url"], **keys).Bucket(
            self._options["bucket_name"]
        )
        used = self._options | ({"endpoint_url": through} if through else {})
        entry = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": used}
        self.environment = {"CONFERRAL_STORAGE": json.dumps(entry)}

    def hashes(self):
        """As of a disk."""
        found = self._bucket.objects.filter(Prefix="credentials/")
        return {each.key: sha256(each.get()["Body"].read()).hexdigest() for each in found}
