"""The `conferral` console script: Conferral's subcommands, and every Django management command."""

import os
import sys
from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from conferral.management import SUBCOMMANDS


def main() -> None:
    """`conferral run …` is `manage.py conferral run …`; `conferral migrate` is `manage.py migrate`."""
    _refuse_inside_an_lms()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conferral.service.settings")
    program, *arguments = sys.argv
    own = not arguments or arguments[0] in SUBCOMMANDS or arguments[0] in ("-h", "--help")
    try:
        execute_from_command_line([program, *(["conferral"] if own else []), *arguments])
    except ImproperlyConfigured as error:
        sys.exit(f"conferral: {error}")


def _refuse_inside_an_lms() -> None:
    """There the LMS's own command has its settings, its database and its start-up; ours would miss all three."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if module.startswith(("lms.", "cms.")) or (not module and find_spec("lms") and find_spec("openedx")):
        sys.exit("conferral: this is inside an LMS; run `./manage.py lms conferral …` there")
