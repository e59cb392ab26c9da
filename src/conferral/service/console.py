"""The `conferral` console script: Conferral's subcommands, and every Django management command."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from conferral.management import SUBCOMMANDS


def main() -> None:
    """`conferral run …` is `manage.py conferral run …`; `conferral migrate` is `manage.py migrate`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conferral.service.settings")
    program, *arguments = sys.argv
    own = not arguments or arguments[0] in SUBCOMMANDS or arguments[0] in ("-h", "--help")
    try:
        execute_from_command_line([program, *(["conferral"] if own else []), *arguments])
    except ImproperlyConfigured as error:
        sys.exit(f"conferral: {error}")
