"""The catalogs say everything that the code says, in each language, and are compiled."""

import os
import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import conferral

PACKAGE = Path(conferral.__file__).parent
CATALOGS = sorted(PACKAGE.glob("locale/*/LC_MESSAGES/django.po"))
TRANSLATED = [path for path in CATALOGS if path.parts[-3] != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")
TAG = re.compile(r"</?\w+>")


def language_of(path):
    return path.parts[-3]


def read(path):
    with path.open("rb") as source:
        return read_po(source)


def texts(message):
    """Pairs of English and translation; each form of a plural, the last of which is for most numbers."""
    if isinstance(message.id, str):
        return [(message.id, message.string)]
    return [(message.id[-1], form) for form in message.string]


def test_the_languages():
    assert {language_of(path) for path in CATALOGS} >= {"ar", "en", "es"}


@pytest.mark.parametrize("path", TRANSLATED, ids=language_of)
def test_a_catalog_is_complete(path):
    catalog = read(path)
    for message in filter(lambda each: each.id, catalog):
        assert not message.fuzzy, f"{message.id!r} is fuzzy"
        for english, translated in texts(message):
            assert translated, f"{message.id!r} is not translated"
            assert english[-1:].isspace() == translated[-1:].isspace(), message.id
    plurals = [message for message in catalog if message.pluralizable]
    assert all(len(message.string) == catalog.num_plurals for message in plurals)


@pytest.mark.parametrize("path", TRANSLATED, ids=language_of)
def test_placeholders_and_tags_agree(path):
    for message in filter(lambda each: each.id, read(path)):
        for number, (english, translated) in enumerate(texts(message), 1):
            places = sorted(PLACEHOLDER.findall(english)), sorted(PLACEHOLDER.findall(translated))
            named = all(place.startswith("%(") for place in places[0])
            # “one thing” need not name its number, where numbers have names.
            if number == len(texts(message)) or not named:
                assert places[0] == places[1], message.id
            assert set(places[1]) <= set(places[0]), message.id
            assert sorted(TAG.findall(english)) == sorted(TAG.findall(translated)), message.id


@pytest.mark.parametrize("path", CATALOGS, ids=language_of)
def test_it_is_compiled(path):
    compiled = BytesIO()
    write_mo(compiled, read(path))
    assert path.with_suffix(".mo").read_bytes() == compiled.getvalue(), "run `make messages`"


def test_it_has_what_the_code_says(tmp_path):
    if not shutil.which("xgettext"):
        assert not os.environ.get("CI"), "GNU gettext is missing (Debian: apt install gettext)"
        pytest.skip("GNU gettext is not installed (Debian: apt install gettext)")
    copy = shutil.copytree(PACKAGE, tmp_path / "conferral", ignore=shutil.ignore_patterns("__pycache__", "static"))
    subprocess.run([sys.executable, str(copy / "locale" / "make.py")], check=True)
    for path in CATALOGS:
        ids = [{message.id for message in read(each)} for each in (path, copy / path.relative_to(PACKAGE))]
        assert ids[0] == ids[1], "run `make messages`, and translate what is new"
