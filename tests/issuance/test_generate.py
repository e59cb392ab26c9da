"""Generation: each artifact is made once, stored, recorded; trouble stays where it is."""

import logging
from collections import Counter
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferral import plugins, storage
from conferral.issuance import generate as generation
from conferral.issuance import lease, work
from conferral.issuance.generate import generate, generate_batch
from conferral.issuance.make import place_of
from conferral.issuance.sweep import sweep
from conferral.models import Credential, CredentialArtifact


def test_the_file_is_stored_with_its_hash_and_size_under_a_name_nobody_can_guess(course):
    course.learner("ana", name="Ana")
    course.configure()
    course.run_and_generate()

    artifact = CredentialArtifact.objects.get()
    content = storage.read(artifact.storage_name)
    assert content == b"Ana"
    assert (artifact.size, artifact.sha256) == (3, sha256(content).hexdigest())
    assert (artifact.state, artifact.filename, artifact.media_type) == ("stored", "certificate.txt", "text/plain")
    assert artifact.credential.verification_id not in artifact.storage_name
    assert len(artifact.storage_name.split("/", 1)[1]) >= 32
    assert (artifact.next_try, artifact.claim, artifact.attempts) == (None, "", 0)


def test_a_learner_without_a_name_fails_with_that_reason(course):
    course.learner("nameless", name="\u200b")
    course.learner("ana")
    course.configure()
    course.run_and_generate()
    assert course.states() == {"nameless": "failed", "ana": "available"}
    assert "has no name" in CredentialArtifact.objects.get(credential__learner__key="nameless").last_error


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Permanent", "this name cannot be engraved"),
        ("Bug", "the generator raised KeyError('oops')"),
        ("Nothing", "the generator made nothing"),
        ("Surrogate", "no \N{REPLACEMENT CHARACTER}"),
        ("NulReceipt", "the generator's receipt or problems cannot be recorded"),
        ("Path", "the generator named a file '../evil.txt'; it has to be certificate.…, or begin with certificate-"),
        ("Other", "the generator named a file 'badge.txt'; it has to be certificate.…, or begin with certificate-"),
        (
            "Endless",
            "the generator made something that cannot be recorded: media_type: Ensure this value has at most 100",
        ),
    ],
)
def test_what_goes_wrong_for_one_goes_wrong_for_one_alone(course, name, says, caplog):
    course.learner("odd", name=name)
    course.learner("even")
    course.configure(generators={"certificate": {"generator": "buggy"}})
    course.run_and_generate()
    assert course.states() == {"odd": "failed", "even": "available"}
    assert CredentialArtifact.objects.get(credential__learner__key="odd").last_error.startswith(says)
    assert ("Traceback" in caplog.text) == (name in ("Bug", "Nul"))


def test_a_service_that_is_away_is_tried_again(course):
    course.learner("ana")
    course.configure(generators={"certificate": {"generator": "unreliable"}})
    course.run_and_generate()
    artifact = CredentialArtifact.objects.get()
    assert (artifact.state, artifact.last_error) == ("pending", "the badge service is away")
    assert artifact.next_try is not None

    plugins.generator("unreliable").mended = True
    CredentialArtifact.objects.update(next_try=timezone.now())
    generate()
    assert course.states() == {"ana": "available"}
    assert CredentialArtifact.objects.get().attempts == 1


@pytest.mark.parametrize("name", ["Disk", "Never", "Before", "Sometime"])
def test_what_passes_is_tried_again_within_the_hour(course, name):
    course.learner("odd", name=name)
    course.learner("even")
    course.configure(generators={"certificate": {"generator": "buggy"}})
    course.run_and_generate()
    assert course.states() == {"odd": "pending", "even": "available"}
    waiting = CredentialArtifact.objects.get(credential__learner__key="odd")
    assert timezone.now() < waiting.next_try <= timezone.now() + timedelta(hours=1)


def test_a_design_that_hangs_with_one_learner_is_interrupted_and_given_up(course, settings):
    settings.CONFERRAL_PLUGIN_SECONDS = 1
    course.learner("odd", name="Hang")
    course.learner("even")
    course.configure(generators={"certificate": {"generator": "hanging"}})
    course.run_and_generate()
    assert course.states() == {"odd": "pending", "even": "available"}
    for _ in range(2):
        CredentialArtifact.objects.filter(state="pending").update(next_try=timezone.now())
        generate()
    assert course.states() == {"odd": "failed", "even": "available"}
    failed = CredentialArtifact.objects.get(state="failed")
    assert failed.last_error == "given up after 3 tries: making certificate took longer than 1 s"


def test_a_design_that_hangs_with_everybody_leaves_the_workers_to_others(course, settings):
    """Two of them are tried; the others wait, in this batch and in those behind it, and are given up in the end."""
    settings.CONFERRAL_PLUGIN_SECONDS, settings.CONFERRAL_BATCH_SIZE, settings.CONFERRAL_ATTEMPTS = 1, 5, 4
    for number in range(12):
        course.learner(f"odd-{number:02}", name=f"Hang {number}")
    hanging = course.configure(generators={"certificate": {"generator": "hanging"}})
    course.run()
    course.type_name = "Attendance"
    course.configure()
    course.run()
    assert generate() == 5 + 12
    rows = CredentialArtifact.objects.filter(credential__configuration=hanging)
    said = Counter(rows.values_list("state", "attempts", "last_error"))
    took = "making certificate took longer than 1 s"
    assert said == {("pending", 1, took): 2, ("pending", 1, f"it waits, for making others took too long: {took}"): 10}
    assert CredentialArtifact.objects.filter(state="stored").count() == 12
    for _ in range(12):
        rows.filter(state="pending").update(next_try=timezone.now())
        generate()
    assert set(rows.values_list("state", flat=True)) == {"failed"}


def test_a_design_that_cannot_be_prepared_for_now_waits(course, monkeypatch):
    course.learner("ana")
    course.configure()
    course.run()
    with monkeypatch.context() as full:
        full.setattr(plugins.generator("text"), "prepare", lambda *_: Path("/dev/null/x").read_bytes())
        generate()
    assert course.states() == {"ana": "pending"}
    CredentialArtifact.objects.update(next_try=timezone.now())
    generate()
    assert course.states() == {"ana": "available"}


def test_the_pauses_grow_and_end(course, settings):
    settings.CONFERRAL_ATTEMPTS = 3
    course.learner("ana")
    course.configure(generators={"certificate": {"generator": "unreliable"}})
    course.run()
    for _ in range(3):
        CredentialArtifact.objects.update(next_try=timezone.now())
        generate()
    artifact = CredentialArtifact.objects.get()
    assert artifact.last_error == "given up after 3 tries: the badge service is away"
    assert course.states() == {"ana": "failed"}


def test_a_storage_that_is_away_is_tried_again(course, settings, tmp_path):
    course.learner("ana")
    course.configure()
    course.run()
    blocked = tmp_path / "not-a-directory"
    blocked.touch()
    location = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(blocked)}}
    settings.STORAGES = settings.STORAGES | {"conferral": location}
    generate()
    artifact = CredentialArtifact.objects.get()
    assert artifact.state == "pending"
    assert artifact.last_error.startswith("storage: the file could not be written")


def test_an_optional_slot_that_fails_leaves_the_credential_available(course):
    course.learner("ana", name="Permanent")
    course.configure(
        generators={
            "certificate": {"generator": "text"},
            "badge": {"generator": "buggy", "required": False},
        }
    )
    course.run_and_generate()
    assert course.states() == {"ana": "available"}
    assert dict(CredentialArtifact.objects.values_list("slot", "state")) == {"certificate": "stored", "badge": "failed"}


def test_a_generator_may_make_several_files(course):
    course.learner("ana")
    course.configure(generators={"certificate": {"generator": "two-files"}})
    course.run_and_generate()
    files = CredentialArtifact.objects.order_by("pk").values_list("filename", "state")
    assert list(files) == [("certificate.txt", "stored"), ("certificate.json", "stored")]
    assert course.states() == {"ana": "available"}


def test_what_cannot_be_removed_of_several_files_is_removed_by_the_next_try(course, monkeypatch):
    """The storage takes the first, refuses the second, and removes nothing at that time."""
    course.learner("ana")
    course.configure(generators={"certificate": {"generator": "two-files"}})
    course.run()
    save, written = FileSystemStorage._save, []

    def refusing(self, name, content):
        if len(written) == 2:
            raise OSError("503")
        written.append(save(self, name, content))
        if len(written) == 2:
            raise OSError("503")
        return written[-1]

    with monkeypatch.context() as broken:
        broken.setattr(FileSystemStorage, "_save", refusing)
        broken.setattr(FileSystemStorage, "delete", lambda *_: (_ for _ in ()).throw(OSError("503")))
        generate()
    assert len(written) == 2
    assert course.states() == {"ana": "pending"}
    CredentialArtifact.objects.update(next_try=timezone.now())
    generate()
    assert course.states() == {"ana": "available"}
    names = set(CredentialArtifact.objects.values_list("storage_name", flat=True))
    assert len(names) == 2
    assert not [name for name in written if name not in names and storage.exists(name)]


def claimed(course, claim):
    course.learner("ana")
    course.configure()
    course.run()
    CredentialArtifact.objects.update(claim=claim, claimed_until=timezone.now() + timedelta(seconds=60))


def test_what_another_worker_holds_is_left_to_it(course):
    claimed(course, "another-host:1:token")
    assert generate() == 0


def test_what_a_process_that_is_gone_held_is_taken_over_at_once(course):
    claimed(course, "another-host:1:token")
    abandon(CredentialArtifact.objects.all())
    sweep()
    assert generate() == 1
    assert course.states() == {"ana": "available"}


def test_what_was_claimed_too_long_ago_is_due_again(course):
    claimed(course, "another-host:1:token")
    CredentialArtifact.objects.update(claimed_until=timezone.now())
    assert generate() == 1


def test_work_that_kills_its_worker_each_time_is_given_up_and_takes_no_neighbour_with_it(course, settings):
    settings.CONFERRAL_ATTEMPTS = 3
    course.learners(4)
    course.configure()
    course.run()
    # A batch of four was under way; then, each time, the first of them alone.
    abandon(CredentialArtifact.objects.all())
    first = CredentialArtifact.objects.order_by("pk").first()
    CredentialArtifact.objects.filter(pk=first.pk).update(attempts=2)
    sweep()
    generate()
    assert sorted(course.states().values()) == ["available"] * 3 + ["failed"]
    first.refresh_from_db()
    assert first.last_error == "given up: the worker stopped 3 times while making it"


def left_by_a_killed_worker(course):
    """The name of a file in the storage, of a certificate that is still to be made."""
    course.learner("ana")
    course.configure()
    course.run()
    left_by = "elsewhere.example:1:" + "0" * 32
    artifact = CredentialArtifact.objects.get()
    name = storage.put_at(f"{place_of(artifact.pk, left_by)}-certificate.txt", b"Ana", media_type="text/plain")
    CredentialArtifact.objects.update(claim=left_by, claimed_until=timezone.now())
    return name


def test_what_a_killed_worker_left_in_the_storage_is_removed(course):
    name = left_by_a_killed_worker(course)
    generate()
    assert course.states() == {"ana": "available"}
    assert not storage.exists(name)
    assert storage.read(CredentialArtifact.objects.get().storage_name) == b"Ana"


def test_what_is_recorded_while_somebody_takes_over_keeps_its_file(course):
    """The first worker was slow, not gone: it records just before the second has the row."""
    course.learner("ana")
    course.configure()
    course.run()
    waiting = generation.waiting_artifacts()
    batch = list(work.claim_alike(waiting, token := lease.new_token(), 10, alike=(), clean_up=None))
    CredentialArtifact.objects.update(claimed_until=timezone.now())
    seen = waiting.due(timezone.now()).first()
    generation._work(batch, token, generation.prepare)
    cleaned = []
    assert not work._take_over(waiting, seen, lease.new_token(), cleaned.append)
    assert cleaned == []
    stored = CredentialArtifact.objects.get()
    assert (stored.state, stored.attempts) == ("stored", 0)
    assert storage.exists(stored.storage_name)


def test_what_is_recorded_after_somebody_has_taken_over_is_not(course):
    course.learner("ana")
    course.configure()
    course.run()
    waiting = generation.waiting_artifacts()
    batch = list(work.claim_alike(waiting, token := lease.new_token(), 10, alike=(), clean_up=None))
    CredentialArtifact.objects.update(claimed_until=timezone.now())

    def too_late(row):
        generation._work(batch, token, generation.prepare)

    (taken,) = work.claim_alike(waiting, lease.new_token(), 10, alike=(), clean_up=too_late)
    assert (taken.state, taken.attempts) == ("pending", 1)
    taken.refresh_from_db()
    assert (taken.state, taken.storage_name) == ("pending", "")
    assert not storage.exists(batch[0].storage_name)


def test_who_stops_while_cleaning_up_leaves_that_to_the_next(course):
    name = left_by_a_killed_worker(course)

    def power_cut(row):
        raise KeyboardInterrupt

    waiting = generation.waiting_artifacts()
    with pytest.raises(KeyboardInterrupt):
        work.claim_alike(waiting, lease.new_token(), 10, alike=(), clean_up=power_cut)
    assert storage.exists(name)
    CredentialArtifact.objects.update(claimed_until=timezone.now())
    generate()
    assert not storage.exists(name)
    assert (course.states(), CredentialArtifact.objects.get().attempts) == ({"ana": "available"}, 2)


def test_who_cannot_clean_up_waits_and_makes_nothing_before_it_is_done(course, monkeypatch):
    """The storage is away just then: what the killed worker left there is remembered until it is gone."""
    name = left_by_a_killed_worker(course)

    def away(*_):
        raise ConnectionRefusedError(111, "Connection refused")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(FileSystemStorage, "listdir", away)
        for _ in range(12):  # more often than anything is tried
            CredentialArtifact.objects.update(next_try=timezone.now())
            generate()
            waits = CredentialArtifact.objects.get()
            assert (waits.state, waits.attempts, waits.claimed_until) == ("pending", 0, None)
            assert waits.next_try > timezone.now()
            assert "could not be removed: [Errno 111] Connection refused" in waits.last_error
    assert storage.exists(name)
    CredentialArtifact.objects.update(next_try=timezone.now())
    generate()
    assert not storage.exists(name)
    assert course.states() == {"ana": "available"}


def test_a_storage_that_is_away_is_asked_once_for_all_that_killed_workers_left(course, monkeypatch, settings):
    settings.CONFERRAL_RETRY_SECONDS = 0
    course.learners(3)
    course.configure()
    course.run()
    asked = []

    def away(self, folder):
        asked.append(folder)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(FileSystemStorage, "listdir", away)
    CredentialArtifact.objects.update(claim="elsewhere.example:1:" + "0" * 32, claimed_until=timezone.now())
    assert generate() == 0
    assert len(asked) == 1
    CredentialArtifact.objects.update(next_try=timezone.now())
    course.learner("new")
    course.run()
    generate()
    assert sorted(course.states().values()) == ["available", "pending", "pending", "pending"]


def test_a_storage_that_tells_no_names_keeps_what_was_left_and_nothing_waits(course, monkeypatch, caplog):
    name = left_by_a_killed_worker(course)

    def never(*_):
        raise NotImplementedError("subclasses of Storage must provide a listdir() method")

    monkeypatch.setattr(FileSystemStorage, "listdir", never)
    generate()
    assert course.states() == {"ana": "available"}
    assert storage.exists(name)
    assert "superfluous files are left" in caplog.text


def test_who_is_interrupted_after_it_was_recorded_removes_nothing(course):
    class Interrupting(logging.Handler):
        def emit(self, record):
            if record.getMessage().startswith("certificates made"):
                raise KeyboardInterrupt

    course.learner("ana")
    course.configure()
    course.run()
    logger, handler = logging.getLogger("conferral"), Interrupting()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with pytest.raises(KeyboardInterrupt):
            generate()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    stored = CredentialArtifact.objects.get()
    assert stored.state == "stored"
    assert storage.exists(stored.storage_name)


def test_a_batch_ends_when_the_process_has_grown_and_the_rest_stays_due(course, monkeypatch):
    monkeypatch.setattr(generation, "GROWTH", 0)
    course.learners(60)
    course.configure(generators={"certificate": {"generator": "leaking"}})
    course.run()
    try:
        assert generate_batch()
        made = CredentialArtifact.objects.filter(state="stored").count()
        assert 0 < made < 60
        left = CredentialArtifact.objects.filter(state="pending")
        assert set(left.values_list("attempts", "claim", "claimed_until", "last_error")) == {(0, "", None, "")}
        assert left.due(timezone.now()).count() == 60 - made
        assert generate() == 60 - made
    finally:
        plugins.generator("leaking").kept.clear()
    assert set(course.states().values()) == {"available"}


def abandon(artifacts):
    """As a worker leaves them that was killed while it made them."""
    dead = lease.new_token().rsplit(":", 2)[0] + ":4194305:token"
    artifacts.update(claim=dead, claimed_until=timezone.now() + timedelta(seconds=60))


def test_ten_kills_before_anything_is_recorded_fail_nobody(course, settings):
    settings.CONFERRAL_ATTEMPTS = 3
    course.learners(5)
    course.configure()
    course.run()
    for _ in range(10):
        abandon(CredentialArtifact.objects.all())
    sweep()
    generate()
    assert set(course.states().values()) == {"available"}


def test_a_retry_uses_the_edition_not_the_type_as_it_is_now(course):
    course.learner("ana", name="Ana")
    course.configure()
    course.run()
    course.configure(generators={"certificate": {"generator": "two-files"}})
    generate()
    assert [artifact.filename for artifact in CredentialArtifact.objects.all()] == ["certificate.txt"]


def test_a_generator_that_is_not_installed_waits_for_its_package(course):
    course.learner("ana")
    course.configure()
    course.run()
    edition = Credential.objects.get().edition
    edition.content["generators"]["certificate"]["generator"] = "gone"
    edition.save()
    generate()
    artifact = CredentialArtifact.objects.get()
    assert artifact.state == "pending"
    assert "generator: 'gone' is not installed" in artifact.last_error


def test_queries_grow_with_batches_not_with_credentials(course, settings):
    settings.CONFERRAL_BATCH_SIZE = 50
    course.configure()
    course.learners(100)
    course.run()
    with CaptureQueriesContext(connection) as queries:
        assert generate() == 100
    assert len(queries) <= 30


def test_what_differs_from_learner_to_learner_is_each_ones_own(course):
    course.learner("ana", name="Ana")
    course.learner("bo", name="Bo")
    course.configure(generators={"certificate": {"generator": "remote"}})
    course.run_and_generate()
    rows = CredentialArtifact.objects.values_list("credential__recipient_name", "url", "receipt", "problems", "size")
    assert sorted(rows) == [
        ("Ana", "https://badges.example/Ana", {"at": "badges/Ana", "score": 3, "none": None}, [], None),
        ("Bo", "https://badges.example/Bo", {"at": "badges/Bo", "score": 2, "none": None}, ["short name"], None),
    ]
