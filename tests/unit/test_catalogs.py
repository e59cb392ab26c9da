"""The catalogs say everything that the code says, in each language, and are compiled."""

import ast
import os
import pickle
import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.utils.functional import Promise
from django.utils.translation import gettext, override

import conferral
from conferral.contract import Audience, ConferralError, NotAccepted, OptionsError, PermanentError, TransientError
from conferral.contract.options import parse
from conferral.locale import make
from conferral.spoken import spoken, without_place

PACKAGE = Path(conferral.__file__).parent
CATALOGS = sorted(PACKAGE.glob("locale/*/LC_MESSAGES/django.po"))
TRANSLATED = [path for path in CATALOGS if path.parts[-3] != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[sd](?!\w)|\{\w+\}")
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


def test_every_name_under_which_gettext_is_imported_is_extracted():
    known = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy", "override"}
    known |= {"get_language", "npgettext", "npgettext_lazy", *make.NAMES}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                names = {name.asname or name.name for name in node.names if "gettext" in name.name}
                assert names <= known, f"{path.name}: locale/make.py does not extract {names - known}"


def shown_by(admin_):
    """The names of what its pages show: of its list, its forms, its rows."""
    sets = [getattr(admin_, name, None) or () for name in ("fieldsets", "add_fieldsets")]
    listed = [*admin_.list_display, *(admin_.fields or ()), *getattr(admin_, "view_fields", ())]
    return {*listed, *(name for each in sets for name in flatten_fieldsets(each)), *admin_.form.base_fields}


def is_said(label):
    """Whether a text is another one in Arabic and in Spanish, or the same on purpose."""
    english, translated = str(label), []
    for language in ("ar", "es"):
        with override(language):
            translated.append(isinstance(label, Promise) and str(label) != english)
    return english in THE_SAME or all(translated)


THE_SAME = {"", "#", "SHA-256", "Logo", "Bytes", 'JSON: <code>{"primary": "#1b2a4e"}</code>.'}


def test_every_label_of_the_admin_is_translated():
    missing = set()
    for model, admin_ in admin.site._registry.items():
        if model._meta.app_label != "conferral":
            continue
        fields = {field.name: field for field in model._meta.get_fields() if hasattr(field, "verbose_name")}
        for name in shown_by(admin_):
            method, field, formed = getattr(admin_, name, None), fields.get(name), admin_.form.base_fields.get(name)
            labels = [getattr(method, "short_description", "")] if callable(method) else []
            if formed:
                labels += [formed.label, formed.help_text]
            elif field and not callable(method):
                labels += [field.verbose_name, field.help_text]
            missing |= {f"{model.__name__}.{name}: {label}" for label in labels if label and not is_said(label)}
        for inline in admin_.inlines:
            own = {field.name: field for field in inline.model._meta.get_fields()}
            names = [name for name in inline.fields if name in own and not hasattr(inline, name)]
            missing |= {f"{inline.__name__}.{name}" for name in names if not is_said(own[name].verbose_name)}
    assert not missing


@pytest.mark.parametrize("language", ["ar", "es"])
def test_every_text_of_the_options_of_our_plugins_is_translated(language):
    with override(language):
        for text in filter(make.WORD.search, set(make.of_plugins()) - {"QR", "PDF", "X", "Y"}):
            assert gettext(text) != text, text


def test_an_error_is_said_in_the_readers_language_and_logged_in_english():
    inner = NotAccepted("it has to be at least %(ge)s", ge=1)
    error = OptionsError("%(value)s is not accepted: %(why)s", where="guards.learners", value="-1", why=inner)
    assert str(error) == "guards.learners: -1 is not accepted: it has to be at least 1"
    with override("es"):
        assert spoken(error) == "guards.learners: -1 no se acepta: debe ser al menos 1"
        assert without_place(error) == "-1 no se acepta: debe ser al menos 1"
        assert spoken("the learner has no e-mail address") == "el estudiante no tiene correo electrónico"
        assert spoken("name: is required") == "name: es obligatorio"
        assert spoken(ConferralError("a plugin's own: 100% of it")) == "a plugin's own: 100% of it"
        assert spoken(PermanentError("")) == spoken("") == ""


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        (
            "held back: each is to be looked at before it is issued; release or refuse it",
            "retenida: hay que mirar cada una antes de emitirla; libérela o rechácela",
        ),
        ("closed on 12 May 2026: somebody's own words", "cerrada el 12 de mayo de 2026: somebody's own words"),
        (
            "not open yet: it opens on 1 May 2027 09:00 Asia/Tokyo",
            "aún no está abierta: se abre el 1 de mayo de 2027 09:00 Asia/Tokyo",
        ),
        ("withdrawn, but not moved yet: storage: 503", "retirada, pero aún no se ha movido: storage: 503"),
        ("given up after  tries: ", "given up after  tries: "),
        ("cancelled by dean: at night: 100%", "cancelada por dean: at night: 100%"),
        ("refused by " + "x" * 3000, "refused by " + "x" * 3000),
    ],
)
def test_what_was_recorded_with_values_is_said_with_them(recorded, said):
    with override("es"):
        assert spoken(recorded) == said
    with override("en"):
        assert spoken(recorded) == recorded


def test_pydantics_refusals_are_in_our_words():
    with pytest.raises(OptionsError) as refused:
        parse(Audience, {"modes": "verified", "beta_testers": "perhaps"}, "audience")
    assert str(refused.value) == (
        "audience.modes: 'verified' is not accepted: write a list; "
        "audience.beta_testers: 'perhaps' is not accepted: say yes or no"
    )
    with override("es"):
        assert "no se acepta: escriba una lista; audience.beta_testers" in spoken(refused.value)


def test_an_error_survives_its_way_to_another_process():
    error = pickle.loads(pickle.dumps(TransientError("%(who)s is away", where="lms", delay=5, who="it")))
    assert (str(error), error.message, error.values, error.delay) == (
        "lms: it is away",
        "%(who)s is away",
        {"who": "it"},
        5,
    )
