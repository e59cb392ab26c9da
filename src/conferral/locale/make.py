"""Renews the catalogs from the code, with GNU gettext, and compiles them: `make messages`.

A new language is a new folder: `mkdir -p LANGUAGE/LC_MESSAGES`, then this.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command
from django.core.management.commands import makemessages

HERE = Path(__file__).parent
NAMES = ("_now", "_lazy", "Phrase")
"""What marks a text, besides Django's own names."""
TOLD = ("Told", "ValueError")
"""What errors are made of whose message is said in the reader's language."""
OPERATORS = {"management", "service", "lms", "settings.py", "storage.py", "mail.py"}
"""Rooms that speak to operators, in English, as commands and logs do."""
PLACE, WORD = re.compile(r"%\(\w+\)[sr]"), re.compile(r"\w\w")
"""What is filled in, and what there has to be besides for a text to be translated."""
APPS = ("auth", "contenttypes", "admin")


class Messages(makemessages.Command):
    """Django's, which knows our other names of `gettext`, and guesses no translation."""

    xgettext_options = [*makemessages.Command.xgettext_options, *(f"--keyword={name}" for name in NAMES)]
    msgmerge_options = ["-q", "--backup=none", "--update", "--no-fuzzy-matching"]


def of_errors(package: Path) -> Iterator[str]:
    """The messages of errors; not those that are put together, which nobody could translate."""
    nodes = [
        node
        for path in package.rglob("*.py")
        if not OPERATORS & {*path.relative_to(package).parts}
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    ]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    names = set(TOLD)
    while new := {one.name for one in classes if names & {getattr(base, "id", "") for base in one.bases}} - names:
        names |= new
    for node in nodes:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
            match node.args:
                case [ast.Constant(str(text)), *_]:
                    yield text


def of_plugins() -> Iterator[str]:
    """What the plugins that come with Conferral say of themselves and of their options, in the words of the forms."""
    from conferral import plugins  # noqa: PLC0415 - once Django is set up
    from conferral.admin.drawn import texts  # noqa: PLC0415 - as above
    from conferral.contract import Audience  # noqa: PLC0415 - as above

    yield from texts(Audience.model_json_schema())
    for group, load in ((plugins.PROCESSORS, plugins.processor), (plugins.GENERATORS, plugins.generator)):
        for name, point in plugins.offered(group).items():
            if point.value.startswith("conferral."):
                plugin: Any = load(name)
                yield plugin.label
                yield from texts(plugin.Options.model_json_schema())


def renew(package: Path) -> None:
    """The catalogs in `package`/locale have its texts, and no others."""
    os.chdir(package)
    languages = [folder.parent.name for folder in (package / "locale").glob("*/LC_MESSAGES")]
    keep = {"no_wrap": True, "no_obsolete": True, "add_location": "file"}
    told = package / "errors_and_options.py"
    said = dict.fromkeys((*of_errors(package), *of_plugins()))
    told.write_text("".join(f"_({text!r})\n" for text in said if WORD.search(PLACE.sub("", text))), "utf-8")
    try:
        call_command(Messages(), locale=languages, verbosity=0, **keep)
    finally:
        told.unlink()


def compiled(catalog: Path) -> None:
    """Beside the catalog, for those who have no GNU gettext: nobody who installs Conferral needs it."""
    with catalog.open("rb") as source, catalog.with_suffix(".mo").open("wb") as target:
        write_mo(target, read_po(source))


if __name__ == "__main__":
    apps: Any = [*(f"django.contrib.{name}" for name in APPS), "django_celery_beat", "django_jsonform", "conferral"]
    settings.configure(INSTALLED_APPS=apps, SECRET_KEY="none is needed")  # noqa: S106 - and none is  # nosec B106
    django.setup()
    renew(HERE.parent)
    for each in HERE.glob("*/LC_MESSAGES/django.po"):
        compiled(each)
