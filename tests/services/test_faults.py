"""A storage that fails: what is made waits with its reason, comes with the storage, or fails for all to see."""

import os
import resource
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client

from conferral import bucket as buckets
from conferral import storage
from conferral.contract import TransientError
from conferral.issuance import work
from conferral.issuance.generate import generate, generate_batch
from conferral.models import Credential, CredentialArtifact
from tests.services import faulty, swift
from tests.services.test_private import address, link_of

FAULTS = {
    "slow down": (faulty.answer(503, "SlowDown", "reduce your request rate"), "SlowDown|reduce your request rate"),
    "internal error": (faulty.answer(500, "InternalError"), "InternalError"),
    "access denied": (faulty.answer(403, "AccessDenied", "no permission"), "AccessDenied"),
    "no such bucket": (faulty.answer(404, "NoSuchBucket", "there is no such bucket"), "NoSuchBucket"),
    "reset": (faulty.reset, "Connection"),
    "cut in the middle": (faulty.cut_upload, "Connection"),
    "answer lost": (faulty.lose_the_answer, "Connection"),
}


@pytest.fixture
def faults(guarded, bucket, keep_files_in, monkeypatch):
    """Between us and the bucket."""
    with faulty.before(guarded["endpoint_url"]) as proxy:
        keep_files_in(guarded | {"bucket_name": bucket.name, "endpoint_url": proxy.address})
        yield proxy


@pytest.fixture
def three(course):
    """Three learners who have earned something."""
    course.learners(3)
    course.configure()
    course.run()


def rows():
    return list(CredentialArtifact.objects.order_by("pk"))


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_stored_waits_and_comes_with_the_storage(three, faults, bucket, settings, name):
    settings.CONFERRAL_RETRY_SECONDS = 60
    how, said = FAULTS[name]
    faults.spoil(how, "PUT")
    began = time.time()
    generate()
    ended = time.time()
    for row in rows():
        assert (row.state, row.attempts, row.storage_name, row.claim) == ("pending", 1, "", "")
        assert row.last_error.startswith("storage: the file could not be written: ")
        assert any(each in row.last_error for each in said.split("|")), row.last_error
        assert began < row.next_try.timestamp() - 60 < ended
    assert Client().get(address(Credential.objects.first())).status_code == 404
    faults.heal()
    assert list(bucket.objects.all()) == []
    assert not generate_batch()  # nothing is due before its time
    CredentialArtifact.objects.update(next_try="2026-01-01T00:00:00Z")
    generate()
    assert {(row.state, row.attempts, row.last_error) for row in rows()} == {("stored", 1, "")}
    assert swift.status(link_of(Credential.objects.first())) == 200


def test_what_cannot_even_be_removed_is_removed_before_the_next_try(three, faults, bucket, settings):
    settings.CONFERRAL_RETRY_SECONDS = 60
    faults.spoil(faulty.lose_the_answer, "PUT")
    faults.how["DELETE"] = faulty.answer(503, "SlowDown")
    generate()
    assert {row.state for row in rows()} == {"pending"}
    left = {each.key for each in bucket.objects.all()}
    assert {row.storage_name for row in rows()} == left
    assert len(left) == 3
    CredentialArtifact.objects.update(next_try="2026-01-01T00:00:00Z")
    generate()
    assert {each.key for each in bucket.objects.all()} == left, "nothing is added to it"
    faults.heal()
    CredentialArtifact.objects.update(next_try="2026-01-01T00:00:00Z")
    generate()
    assert {row.state for row in rows()} == {"stored"}
    assert {each.key for each in bucket.objects.all()} == {row.storage_name for row in rows()}
    assert not left & {row.storage_name for row in rows()}


def test_pauses_grow_and_after_all_tries_it_has_failed_where_everybody_sees_it(three, faults, settings, capsys):
    settings.CONFERRAL_ATTEMPTS, settings.CONFERRAL_RETRY_SECONDS = 3, 10
    faults.spoil(FAULTS["access denied"][0], "PUT")
    for pause in (10, 20, None):
        began = time.time()
        generate()
        ended = time.time()
        for row in rows():
            assert row.next_try is None if pause is None else began < row.next_try.timestamp() - pause < ended
        CredentialArtifact.objects.filter(state="pending").update(next_try="2026-01-01T00:00:00Z")
    assert {row.state for row in rows()} == {"failed"}
    assert all(row.last_error.startswith("given up after 3 tries: storage: ") for row in rows())
    assert set(Credential.objects.values_list("state", flat=True)) == {"failed"}
    from conferral.management.status import status

    said = status()["artifacts"]
    assert said["failed"] == 3
    assert any("AccessDenied" in reason for reason in said["reasons"])


def test_a_slow_storage_is_waited_for(three, faults):
    faults.spoil(faulty.trickle, "PUT")
    generate()
    assert {row.state for row in rows()} == {"stored"}


def test_a_storage_that_hangs_does_not_hold_the_worker(course, faults, monkeypatch):
    """With shorter times than ours, to the same end: one try of one group, and the batch is put off whole."""
    monkeypatch.setattr(buckets, "READ_SECONDS", 1)
    monkeypatch.setattr(work, "PATIENCE", 2)
    course.learners(30)
    course.configure()
    course.run()
    faults.spoil(faulty.hang, "PUT")
    assert generate_batch()
    assert {(row.state, row.attempts) for row in rows()} == {("pending", 1)}
    assert faults.count("PUT") <= 3 * storage.AT_ONCE
    assert not generate_batch()


def test_what_a_request_may_take_is_bounded(faults, settings, keep_files_in, guarded):
    config = storage._storage().client_config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (5, 20, 3)
    from botocore.config import Config

    own = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
    keep_files_in(guarded, client_config=own.merge(Config(signature_version="s3v4")))
    config = storage._storage().client_config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (1, 2, 1)


@pytest.mark.parametrize("name", ["slow down", "access denied", "no such bucket", "reset"])
def test_a_file_that_cannot_be_looked_for_gets_no_link(three, faults, name):
    generate()
    faults.spoil(FAULTS[name][0], "GET", "HEAD")
    answer = Client().get(address(Credential.objects.first()))
    assert answer.status_code == 503
    assert "Genuine" in answer.content.decode()


def test_half_a_file_is_never_taken_for_a_whole_one(faults):
    name = storage.put(b"x" * 100_000, folder="tests", suffix=".txt")
    faults.spoil(faulty.cut_download, "GET")
    with pytest.raises(TransientError, match="could not be read"):
        storage.read(name)
    faults.heal()
    assert storage.read(name) == b"x" * 100_000


def test_an_asset_that_cannot_be_read_makes_all_wait(course, faults, template, tmp_path, settings):
    from conferral import assets

    settings.CONFERRAL_RETRY_SECONDS = 0
    assets.upload("page", "page.pdf", template)
    course.learners(2)
    course.configure(generators={"certificate": {"generator": "pdf", "options": {"template": "page", "elements": {}}}})
    course.run()
    faults.spoil(FAULTS["slow down"][0], "GET")
    generate_batch()
    assert {(row.state, row.attempts) for row in rows()} == {("pending", 1)}
    assert all("storage: " in row.last_error for row in rows())
    faults.heal()
    generate()
    assert {row.state for row in rows()} == {"stored"}


def test_of_a_batch_those_that_are_refused_wait_and_the_others_are_made(course, faults):
    course.learners(20)
    course.configure()
    course.run()
    refused = faulty.answer(403, "AccessDenied")
    count = iter(range(10_000))

    def now_and_then(handler):
        if next(count) % 4 == 0:
            refused(handler)
        else:
            handler.say(*handler.ask())

    faults.spoil(now_and_then, "PUT")
    generate_batch()
    states = [row.state for row in rows()]
    assert (states.count("pending"), states.count("stored")) == (5, 15)
    for row in rows():
        assert (row.state == "stored") == (row.storage_name != "") == (row.sha256 != "")
        if row.storage_name:
            assert storage.content_digest(row.storage_name) == row.sha256


def test_objects_are_stored_side_by_side_where_the_storage_is_elsewhere(course, faults):
    course.learners(24)
    course.configure()
    course.run()
    faults.delay = 0.05
    generate()
    assert {row.state for row in rows()} == {"stored"}
    assert 1 < faults.most_at_once <= storage.AT_ONCE


# A disk that is full.


@contextmanager
def small_disk(folder: Path, size: str):
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small disk is for root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "conferral-test", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(path):
    with path.open("wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()


def on(folder, settings):
    entry = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = settings.STORAGES | {"conferral": entry}


def files(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.name != "filler")


def test_a_full_disk_keeps_nothing_half_written(course, tmp_path, settings):
    settings.CONFERRAL_RETRY_SECONDS = 0
    with small_disk(tmp_path, "1m"):
        on(tmp_path, settings)
        with pytest.raises(TransientError, match="No space left on device"):
            storage.put(b"x" * 2_000_000, folder="tests", suffix=".bin")
        assert files(tmp_path) == []
        filler = tmp_path / "filler"
        with pytest.raises(OSError, match="No space left"):
            fill(filler)
        course.learners(2)
        course.configure()
        course.run()
        generate_batch()
        assert {(row.state, row.attempts) for row in rows()} == {("pending", 1)}
        assert all("No space left on device" in row.last_error for row in rows())
        assert files(tmp_path) == []
        filler.unlink()
        generate()
        assert {row.state for row in rows()} == {"stored"}
        assert len(files(tmp_path)) == 2


class FullDisk(FileSystemStorage):
    """The system refuses to write more than so much of a file, half of which may be there by then; while it is full."""

    room = 0

    def _save(self, name, content):
        if self.room is None:
            return super()._save(name, content)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.room, before[1]))
        try:
            return super()._save(name, content)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def full_disk(tmp_path, settings, monkeypatch):
    """Needs no right to mount anything. It is a quota's refusal, which comes where that of a full disk does."""
    entry = {"BACKEND": f"{__name__}.FullDisk", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"conferral": entry}
    monkeypatch.setattr(FullDisk, "room", 0)
    return FullDisk


def test_a_file_that_may_not_grow_is_not_left_half_written(tmp_path, full_disk):
    full_disk.room = 100_000
    with pytest.raises(TransientError, match="File too large"):
        storage.put(b"x" * 200_000, folder="tests", suffix=".bin")
    assert files(tmp_path) == []


def test_what_finds_no_room_waits_and_is_made_when_there_is(three, tmp_path, full_disk, settings):
    settings.CONFERRAL_RETRY_SECONDS = 60
    for tries, pause in ((1, 60), (2, 120)):
        began = time.time()
        generate()
        ended = time.time()
        for row in rows():
            assert (row.state, row.attempts, row.storage_name, row.claim) == ("pending", tries, "", "")
            assert row.last_error.startswith("storage: the file could not be written: ")
            assert "File too large" in row.last_error
            assert began < row.next_try.timestamp() - pause < ended
        assert files(tmp_path) == []
        assert not generate_batch()  # nothing is due before its time
        CredentialArtifact.objects.update(next_try="2026-01-01T00:00:00Z")
    assert Client().get(address(Credential.objects.first())).status_code == 404
    full_disk.room = None
    generate()
    assert {(row.state, row.last_error) for row in rows()} == {("stored", "")}
    assert len(files(tmp_path)) == 3
    assert b"".join(Client().get(address(Credential.objects.first()))) == b"Learner-0"
