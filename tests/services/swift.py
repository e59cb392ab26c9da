"""An S3 server that guards what it keeps: OpenStack Swift with s3api, for as long as a block runs.

It refuses anonymous reads, expired links and wrong signatures, as Amazon does and `moto_server` does not. Its packages
come from an environment of their own (`make .venv-services`); its files want extended attributes of the file system.
"""

import getpass
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.services.smtp import free_port

PROGRAMS = Path(__file__).parent.parent.parent / ".venv-services" / "bin"
KEEPERS = ("account", "container", "object")
"""The servers behind the proxy: each keeps one kind of thing."""
ACCOUNT, USER, STRANGER, SECRET = "site", "conferral", "stranger", "keep-it"
REGION = "us-east-1"
STARTS_WITHIN = 60
"""Seconds, on a machine that is busy."""
RINGS = """
import sys
from swift.common.ring import RingBuilder

folder = sys.argv[1]
for kind, port in zip(("account", "container", "object"), map(int, sys.argv[2:])):
    ring = RingBuilder(4, 1, 1)
    where = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "device": "disk", "weight": 1.0, "meta": "", **where})
    ring.rebalance()
    ring.get_ring().save(f"{folder}/{kind}.ring.gz")
"""
"""One copy of everything on one disk; run by Swift's own Python."""


class Missing(Exception):
    """There is no Swift here, or no place where it could keep files."""


@contextmanager
def running(**proxy: str) -> Iterator[dict[str, Any]]:
    """The OPTIONS of a STORAGES entry: a fresh server with a bucket in it. Further settings of s3api may be given."""
    if not (PROGRAMS / "swift-proxy-server").exists():
        raise Missing("OpenStack Swift is not installed; make .venv-services")
    with tempfile.TemporaryDirectory(prefix="conferral-swift-") as name, ExitStack() as started:
        folder = Path(name)
        _check_attributes(folder)
        port = _start(folder, started, proxy)
        yield _options(port)


def stranger(options: dict[str, Any]) -> dict[str, Any]:
    """The options of somebody else who has an account on the same server."""
    return options | {"access_key": f"{ACCOUNT}:{STRANGER}"}


def make_bucket(options: dict[str, Any], name: str) -> dict[str, Any]:
    """The options of a further bucket, which is made."""
    import boto3

    keys = {"aws_access_key_id": options["access_key"], "aws_secret_access_key": options["secret_key"]}
    client = boto3.client("s3", endpoint_url=options["endpoint_url"], region_name=options["region_name"], **keys)
    client.create_bucket(Bucket=name)
    return options | {"bucket_name": name}


def _check_attributes(folder: Path) -> None:
    probe = folder / "probe"
    probe.touch()
    try:
        os.setxattr(probe, "user.conferral", b"x" * 512)
    except (OSError, AttributeError) as error:
        raise Missing(f"the file system of {folder.parent} has no extended attributes: {error}; set TMPDIR") from None


def _options(port: int) -> dict[str, Any]:
    reached = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": REGION, "addressing_style": "path"}
    keys = {"access_key": f"{ACCOUNT}:{USER}", "secret_key": SECRET, "signature_version": "s3v4"}
    return make_bucket(reached | keys, f"credentials-{uuid4()}")


def _start(folder: Path, started: ExitStack, proxy: dict[str, str]) -> int:
    """Starts all four and returns the port of the one that is spoken to; the stack stops them."""
    for part in ("etc", "cache", "disks/disk"):
        (folder / part).mkdir(parents=True)
    ports = {kind: free_port() for kind in (*KEEPERS, "proxy")}
    python = str(PROGRAMS / "python")
    subprocess.run([python, "-c", RINGS, folder / "etc", *(str(ports[kind]) for kind in KEEPERS)], check=True)
    hashes = {"swift_hash_path_prefix": uuid4().hex, "swift_hash_path_suffix": uuid4().hex}
    policy = {"name": "one-copy", "default": "yes"}
    _write(folder / "etc" / "swift.conf", {"swift-hash": hashes, "storage-policy:0": policy})
    for kind in KEEPERS:
        _write(folder / f"{kind}.conf", _keeper(kind, ports[kind], folder))
    _write(folder / "proxy.conf", _proxy(ports["proxy"], folder, proxy))
    servers = {kind: _server(kind, folder, started) for kind in ports}
    for kind, port in ports.items():
        _wait(kind, port, servers[kind], folder / f"{kind}.log")
    return ports["proxy"]


def _server(kind: str, folder: Path, started: ExitStack) -> "subprocess.Popen[bytes]":
    log = started.enter_context((folder / f"{kind}.log").open("wb"))
    command = [str(PROGRAMS / f"swift-{kind}-server"), str(folder / f"{kind}.conf")]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    started.callback(_stop, server)
    return server


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait(kind: str, port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    said = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise RuntimeError(f"swift-{kind}-server does not start (status {server.poll()}): {said}")


def _common(port: int, folder: Path) -> dict[str, str]:
    return {
        "bind_ip": "127.0.0.1",
        "bind_port": str(port),
        "workers": "0",
        "user": getpass.getuser(),
        "swift_dir": str(folder / "etc"),
        "log_address": "/dev/null",
    }


def _keeper(kind: str, port: int, folder: Path) -> dict[str, dict[str, str]]:
    return {
        "DEFAULT": {**_common(port, folder), "devices": str(folder / "disks"), "mount_check": "false"},
        "pipeline:main": {"pipeline": f"{kind}-server"},
        f"app:{kind}-server": {"use": f"egg:swift#{kind}", "recon_cache_path": str(folder / "cache")},
    }


def _proxy(port: int, folder: Path, s3api: dict[str, str]) -> dict[str, dict[str, str]]:
    """Who asks is found out by s3api, with the keys of tempauth; `s3_acl` has it obey ACLs as S3 does."""
    plain = {"catch_errors": "catch_errors", "listing_formats": "listing_formats", "copy": "copy", "slo": "slo"}
    filters = {
        **{name: {"use": f"egg:swift#{entry}"} for name, entry in plain.items()},
        "cache": {"use": "egg:swift#memcache", "memcache_servers": f"127.0.0.1:{free_port()}"},  # none: it does without
        "s3api": {"use": "egg:swift#s3api", "s3_acl": "true", "location": REGION, **s3api},
        "tempauth": {
            "use": "egg:swift#tempauth",
            f"user_{ACCOUNT}_{USER}": f"{SECRET} .admin .reseller_admin",
            f"user_{ACCOUNT}_{STRANGER}": SECRET,
        },
    }
    order = "catch_errors cache listing_formats s3api tempauth copy slo proxy-server"
    return {
        "DEFAULT": _common(port, folder),
        "pipeline:main": {"pipeline": order},
        "app:proxy-server": {
            "use": "egg:swift#proxy",
            "account_autocreate": "true",
            "allow_account_management": "true",
        },
        **{f"filter:{name}": content for name, content in filters.items()},
    }


def _write(path: Path, sections: dict[str, dict[str, str]]) -> None:
    lines = [
        line
        for section, entries in sections.items()
        for line in (f"[{section}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    path.write_text("\n".join(lines) + "\n")


def status(address: str) -> int:
    """What plain HTTP without any key gets."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
