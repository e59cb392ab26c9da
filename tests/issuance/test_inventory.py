"""What the database names and what is there, held beside each other."""

import json
import os
import time
import tracemalloc
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from conferral import assets, storage
from conferral.bucket import Listed
from conferral.contract import ConferralError
from conferral.issuance import correct, inventory
from conferral.issuance.generate import generate
from conferral.models import Credential, CredentialArtifact, CredentialAsset

DAYS = 86400


@pytest.fixture
def folder(tmp_path, settings):
    entry = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"conferral": entry}
    return tmp_path


@pytest.fixture
def site(course, folder, template):
    """A site with an asset and four certificates."""
    assets.upload("template", "template.pdf", template)
    course.learners(4)
    course.configure()
    course.run_and_generate()
    return course


def check(*options):
    """The exit status, and what was said."""
    out = StringIO()
    try:
        call_command("conferral", "storage", "check", *options, stdout=out)
    except SystemExit as ended:
        return int(ended.code), out.getvalue()
    return 0, out.getvalue()


def kinds(found):
    return {kind: count for kind, count in found.counts.items() if count}


def old(path: Path):
    os.utime(path, (time.time() - 2 * DAYS, time.time() - 2 * DAYS))


def test_a_sound_storage(site):
    status, said = check()
    assert status == 0
    assert "5 files are named, 5 are there" in said
    assert "nothing is missing, nothing is superfluous" in said
    assert check("--content")[0] == 0


def test_what_is_missing_is_told_with_its_credential_and_made_again(site, folder):
    row = CredentialArtifact.objects.first()
    (folder / row.storage_name).unlink()
    status, said = check()
    assert status == 1
    assert "1 missing" in said
    assert str(row.credential) in said
    assert "conferral retry ID" in said
    call_command("conferral", "retry", str(row.credential), stdout=StringIO())
    assert check()[0] == 0


def test_a_lost_asset_is_put_back_by_uploading_it_again(site, folder, template):
    (folder / CredentialAsset.objects.get().storage_name).unlink()
    status, said = check()
    assert (status, "template (version 1)" in said) == (1, True)
    assets.upload("template", "template.pdf", template)
    assert check()[0] == 0


def test_what_is_damaged_is_told_and_mended_as_it_says(site, folder):
    shorter, other = CredentialArtifact.objects.order_by("pk")[:2]
    (folder / shorter.storage_name).write_bytes(b"")
    content = (folder / other.storage_name).read_bytes()
    (folder / other.storage_name).write_bytes(content[:-1] + b"?")
    assert kinds(inventory.take()) == {"size": 1}
    assert kinds(inventory.take(content=True)) == {"size": 1, "content": 1}
    status, said = check("--content")
    assert status == 1
    for row in (shorter, other):
        assert str(folder / row.storage_name) in said
        (folder / row.storage_name).unlink()
        call_command("conferral", "retry", str(row.credential), stdout=StringIO())
    assert check("--content")[0] == 0


def test_orphans_are_removed_when_they_are_old_enough(site, folder):
    young, aged = (storage.put(b"x", folder="credentials", suffix=".pdf") for _ in range(2))
    old(folder / aged)
    found = inventory.take()
    assert (kinds(found), found.young, found.removed) == ({"orphan": 1}, 1, 0)
    assert storage.exists(aged)
    status, said = check("--remove-orphans")
    assert (status, "removed: 1" in said) == (0, True)
    assert (storage.exists(young), storage.exists(aged)) == (True, False)
    assert check("--remove-orphans", "--older-than", "0")[0] == 0
    assert not storage.exists(young)
    assert check()[0] == 0


def test_what_is_not_conferrals_is_neither_counted_nor_touched(site, folder):
    for name in ("credentials/reports/2026.pdf", "credentials/ab/short.pdf", "media/ab/" + "0" * 30 + ".pdf"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
        old(folder / name)
    assert check("--remove-orphans", "--older-than", "0")[0] == 0
    assert (folder / "credentials/reports/2026.pdf").exists()
    assert inventory.take().objects == 5


def test_another_sites_files_are_not_removed(site, folder):
    """A bucket that two share: to one, all that the other has are orphans."""
    for _ in range(6):
        old(folder / storage.put(b"x", folder="credentials", suffix=".pdf"))
    with pytest.raises(ConferralError, match="6 objects are orphans and 5 are not: none is removed"):
        inventory.take(remove_orphans=True)
    assert inventory.take().counts["orphan"] == 6


def test_what_others_do_meanwhile_is_no_trouble(site, monkeypatch):
    """After the database was read, one credential is issued, another is taken back, and both are on their way."""
    listing = storage.listing

    def meanwhile(folder) -> Iterator[Listed]:
        if folder == "credentials":
            correct.revoke(Credential.objects.first(), "cheated")
            site.learner("late")
            site.run_and_generate()
            from conferral.issuance.withdraw import withdraw

            withdraw()
        return listing(folder)

    monkeypatch.setattr(storage, "listing", meanwhile)
    found = inventory.take()
    assert (kinds(found), found.young) == ({}, 2)


def test_what_waits_to_be_moved_or_made_again_is_no_trouble(site):
    first, second = CredentialArtifact.objects.order_by("pk")[:2]
    correct.revoke(first.credential, "cheated")
    storage.withdraw(first.storage_name, first.media_type)  # and then the worker was killed
    storage.remove(second.storage_name)
    correct.retry([second.credential])
    assert kinds(inventory.take()) == {}
    generate()
    assert kinds(inventory.take()) == {}


def test_for_machines(site, folder):
    (folder / CredentialArtifact.objects.first().storage_name).unlink()
    status, said = check("--json")
    told = json.loads(said)
    assert status == 1
    assert (told["named"], told["objects"], told["counts"]["missing"]) == (5, 4, 1)
    assert told["troubles"][0]["owner"] == str(Credential.objects.first())


def test_a_hundred_thousand_objects_take_little_memory(site, monkeypatch, django_assert_max_num_queries):
    """Nothing of the list is kept but what is wrong, and of that a thousand."""

    def many(folder) -> Iterator[Listed]:
        for number in range(50_000):
            yield Listed(f"{folder}/{number % 256:02x}/{number:030x}.pdf", 1000, 0)

    monkeypatch.setattr(storage, "listing", many)
    tracemalloc.start()
    with django_assert_max_num_queries(10):
        found = inventory.take()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.objects, found.counts["orphan"], found.counts["missing"]) == (100_000, 100_000, 5)
    assert len(found.troubles) == 1005
    assert peak < 5_000_000


def test_ages_that_are_none_are_refused(site, capsys):
    with pytest.raises(BaseException, match="not a number of days"):
        call_command("conferral", "storage", "check", "--older-than", "soon")
