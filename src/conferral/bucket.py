"""What is particular about a bucket (S3, through django-storages): who may read it, links, patience, the list."""

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from django.core.files.storage import Storage
from django.utils.encoding import filepath_to_uri

logger = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 20, 3
"""Of one request. What is not stored within a minute is tried again later, and the worker does something else."""
BOTOCORES_SECONDS = 60
"""What botocore waits when nobody has said how long."""
PUBLIC_ACLS = ("public", "authenticated")
"""How the names of canned ACLs begin that let the world read: `public-read`, `publicRead`, `authenticated-read`."""
GRANTS, EVERYBODY = ("GrantRead", "GrantReadACP", "GrantWriteACP", "GrantFullControl"), "groups/global/"
"""What gives somebody a file, or the right to give it away; and what Amazon's groups of strangers have in common."""
SIGNED = "s3v4"
_ELSEWHERE = "_conferral_elsewhere"
ASKING_SECONDS = 10
FORBIDDEN = 403


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
    for grant in GRANTS:
        if EVERYBODY in str(given.get(grant, "")).lower():
            return f"object_parameters makes every file public ({grant}: {given[grant]}); take {grant} out of it"
    if getattr(storage, "querystring_auth", True) is False:
        return "querystring_auth is off, so that links would want a public bucket; set it to true"
    if is_s3(storage) and storage.custom_domain and not storage.cloudfront_signer:
        return (
            f"custom_domain ({storage.custom_domain}) takes the signature off links, so that they would want a public "
            "bucket; set cloudfront_key_id and cloudfront_key, which sign them, or custom_domain to null"
        )
    return ""


def unsupported(storage: Any) -> str:
    """Why a bucket of that kind cannot be used, with the way out; empty when it can."""
    name = str(storage.bucket_name)
    if name.startswith("arn:") and name.endswith(".mrap"):
        return (
            f"bucket_name is an access point of many regions ({name}), which wants links of signature version 4A; "
            "name one of its buckets, and set region_name to that bucket's region"
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


def denies(error: Exception) -> bool:
    """Whether a bucket has said that the key is not good for that."""
    answer: Any = getattr(error, "response", None) or {}
    return bool(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") == FORBIDDEN)


def ask(storage: Any) -> None:
    """Raises what botocore raises when there is no such bucket, or it does not answer.

    One that denies it is there: a key may be good for the files alone.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

    try:
        storage.connection.meta.client.head_bucket(Bucket=storage.bucket_name)
    except ClientError as refused:
        if not denies(refused):
            raise


def region_trouble(storage: Any) -> str:
    """What is wrong with the region, with the way out. Asks the bucket, which answers from wherever it is.

    Requests find their way to another region, but the host and the region of a link are signed, and are refused there.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

    client = storage.connection.meta.client
    try:
        answer = client.head_bucket(Bucket=storage.bucket_name)
    except ClientError as refused:  # a key may be good for the files alone; where the bucket is, a refusal tells too
        answer = refused.response
        if _region_in(answer) is None:
            raise
    there, here = _region_in(answer), client.meta.region_name
    if there and here != there:
        return f"the bucket is in {there}, and links are signed for {here}; set region_name to {there}"
    return ""


def is_elsewhere(storage: Any) -> bool:
    """Whether links would be refused, the bucket being in another region: asked once in a process, and logged then.

    A bucket that does not tell is taken to be where the settings say; one that does not answer, until it is asked
    again by the next link. CloudFront's signature knows no regions.
    """
    if storage.custom_domain:
        return False
    found = getattr(storage, _ELSEWHERE, None)
    if found is None:
        try:
            found = region_trouble(storage)
        except Exception as error:  # botocore has errors of its own, and no common base
            logger.warning("the bucket does not tell its region: %s", error)
            if not denies(error):
                return False
            found = ""
        if found:
            logger.error("%s; until then, files are streamed", found)
        setattr(storage, _ELSEWHERE, found)
    return bool(found)


def open_doors(storage: Any, name: str) -> Iterator[str]:
    """By which ways plain HTTP without a key gets the object, with the way out; what cannot be found out is none."""
    key = storage._normalize_name(name)  # noqa: SLF001
    plain = storage.unsigned_connection.meta.client.generate_presigned_url(
        "get_object", Params={"Bucket": storage.bucket_name, "Key": key}
    )
    if _is_answered(plain):
        yield "the bucket shows its files to anybody, without a key; take public access from its policy"
    front = storage.custom_domain
    if front and _is_answered(f"{storage.url_protocol}//{front}/{filepath_to_uri(key)}"):
        yield (
            f"custom_domain ({front}) shows files to anybody, without a signature; have CloudFront restrict viewer "
            "access, to the trusted key group of cloudfront_key_id"
        )


def _region_in(answer: Any) -> str | None:
    found: str | None = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region")
    return found


def _is_answered(address: str) -> bool:
    if not address.startswith(("http:", "https:")):
        return False
    try:
        with urlopen(Request(address, headers={"Range": "bytes=0-0"}), timeout=ASKING_SECONDS):  # noqa: S310 - as above  # nosec B310
            return True
    except (HTTPError, URLError, OSError):
        return False
