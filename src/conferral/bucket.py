"""What is particular about a bucket (S3, through django-storages): who may read it, links, patience, the list."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from django.core.files.storage import Storage

CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 20, 3
"""Of one request. What is not stored within a minute is tried again later, and the worker does something else."""
BOTOCORES_SECONDS = 60
"""What botocore waits when nobody has said how long."""
PUBLIC_ACLS = ("public", "authenticated")
"""How the names of canned ACLs begin that let the world read: `public-read`, `publicRead`, `authenticated-read`."""
SIGNED = "s3v4"
ASKING_SECONDS = 10


class Listed(NamedTuple):
    """One object of a listing: its name, its bytes, and when it was written, in seconds since 1970."""

    name: str
    size: int
    written: float


def is_s3(storage: Storage) -> bool:
    """Whether it is django-storages' for S3, or a subclass."""
    return hasattr(storage, "cloudfront_signer")


def exposure(storage: Any) -> str:
    """What of its settings would make files public, with the way out; empty when nothing does."""
    given = getattr(storage, "object_parameters", None) or {}
    for option, acl in (
        ("default_acl", getattr(storage, "default_acl", None)),
        ("object_parameters", given.get("ACL")),
    ):
        if acl and str(acl).lower().startswith(PUBLIC_ACLS):
            return f"{option} makes every file public ({acl}); set default_acl to private"
    if getattr(storage, "querystring_auth", True) is False:
        return "querystring_auth is off, so that links would want a public bucket; set it to true"
    if is_s3(storage) and storage.custom_domain and not storage.cloudfront_signer:
        return (
            f"custom_domain ({storage.custom_domain}) takes the signature off links, so that they would want a public "
            "bucket; set cloudfront_key_id and cloudfront_key, which sign them, or custom_domain to null"
        )
    return ""


def signed(storage: Any, name: str, disposition: str, media_type: str, seconds: int) -> str:
    """A link of the bucket, or of the CloudFront before it; nobody on the way may keep what it leads to."""
    said = {
        "ContentDisposition": disposition,
        "ContentType": media_type,
        "CacheControl": "private, no-store",  # a copy in CloudFront or a proxy would outlive a revocation
    }
    if storage.custom_domain:
        # django-storages puts these into the address as they are; the bucket behind CloudFront knows them so.
        names = {"ContentDisposition": "disposition", "ContentType": "type", "CacheControl": "cache-control"}
        about = {"CacheControl": "response-cache-control"}
        parameters = {about.get(key) or f"response-content-{names[key]}": value for key, value in said.items()}
    else:
        parameters = {f"Response{key}": value for key, value in said.items()}
    return str(storage.url(name, parameters=parameters, expire=seconds))


def complete(storage: Any) -> None:
    """Decides what the site has left open; before the first request, or it does nothing.

    A request is bounded: botocore's own waits add up to five minutes. Links are signed as all regions understand, and
    for the region's own host: the common one sends some regions' buckets away, with a signature that is then wrong.
    """
    from botocore.config import Config  # noqa: PLC0415 - there whenever there is a storage for S3

    config = storage.client_config
    wanted: dict[str, Any] = {}
    if config.connect_timeout == BOTOCORES_SECONDS:
        wanted["connect_timeout"] = CONNECT_SECONDS
    if config.read_timeout == BOTOCORES_SECONDS:
        wanted["read_timeout"] = READ_SECONDS
    if not config.retries:
        wanted["retries"] = {"mode": "standard", "total_max_attempts": TRIES}
    if config.signature_version is None:
        wanted["signature_version"] = SIGNED
    style = (config.s3 or {}).get("addressing_style")
    if style is None and not storage.endpoint_url and "." not in storage.bucket_name:
        wanted["s3"] = {**(config.s3 or {}), "addressing_style": "virtual"}
    if wanted:
        storage.client_config = config.merge(Config(**wanted))


def listing(storage: Any, folder: str) -> Iterator[Listed]:
    """The objects under that folder, a page of the bucket's list at a time, by the names that the storage knows."""
    root = f"{storage.location.strip('/')}/" if storage.location.strip("/") else ""
    pages = storage.connection.meta.client.get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=storage.bucket_name, Prefix=f"{root}{folder}/"):
        for entry in page.get("Contents", ()):
            yield Listed(entry["Key"].removeprefix(root), entry["Size"], entry["LastModified"].timestamp())


def region_trouble(storage: Any) -> str:
    """What is wrong with the region, with the way out. Asks the bucket, which answers from wherever it is.

    Requests find their way to another region, but the host and the region of a link are signed, and are refused there.
    """
    client = storage.connection.meta.client
    headers = client.head_bucket(Bucket=storage.bucket_name)["ResponseMetadata"]["HTTPHeaders"]
    there, here = headers.get("x-amz-bucket-region"), client.meta.region_name
    if there and here != there:
        return f"the bucket is in {there}, and links are signed for {here}; set region_name to {there}"
    return ""


def is_readable_by_anybody(storage: Any, name: str) -> bool:
    """Whether plain HTTP without a key gets the object; False when that cannot be found out."""
    plain = storage.unsigned_connection.meta.client.generate_presigned_url(
        "get_object",
        Params={"Bucket": storage.bucket_name, "Key": storage._normalize_name(name)},  # noqa: SLF001
    )
    if not plain.startswith(("http:", "https:")):
        return False
    try:
        with urlopen(Request(plain, headers={"Range": "bytes=0-0"}), timeout=ASKING_SECONDS):  # noqa: S310 - as above  # nosec B310
            return True
    except (HTTPError, URLError, OSError):
        return False
