"""Renews the catalogs from the code, with GNU gettext, and compiles them: `make messages`.

A new language is a new folder: `mkdir -p LANGUAGE/LC_MESSAGES`, then this.
"""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command
from django.core.management.commands import makemessages

HERE = Path(__file__).parent


class Messages(makemessages.Command):
    """Django's, which knows our other name of `gettext`, and guesses no translation."""

    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=_now"]
    msgmerge_options = ["-q", "--backup=none", "--update", "--no-fuzzy-matching"]


def renew(package: Path) -> None:
    """The catalogs in `package`/locale have its texts, and no others."""
    os.chdir(package)
    languages = [folder.parent.name for folder in (package / "locale").glob("*/LC_MESSAGES")]
    keep = {"no_wrap": True, "no_obsolete": True, "add_location": "file"}
    call_command(Messages(), locale=languages, verbosity=0, **keep)


def compiled(catalog: Path) -> None:
    """Beside the catalog, for those who have no GNU gettext: nobody who installs Conferral needs it."""
    with catalog.open("rb") as source, catalog.with_suffix(".mo").open("wb") as target:
        write_mo(target, read_po(source))


if __name__ == "__main__":
    settings.configure()
    renew(HERE.parent)
    for each in HERE.glob("*/LC_MESSAGES/django.po"):
        compiled(each)
