"""`manage.py conferral SUBCOMMAND`, also installed as the console script `conferral`."""

import logging
import sys
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.conf import settings as django_settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from rich.console import Console

from conferral import storage
from conferral.contract import ConferralError
from conferral.contract.text import check_storable
from conferral.management import SUBCOMMANDS
from conferral.settings import current

OF_THE_SERVICE = ("demo", "serve")
WITHOUT_DATABASE = ("demo", "serve", "plugins")
"""The first two migrate by themselves; listing plugins asks for none."""


class Error(CommandError):
    """What a person can mend: Django prints the class's name and the text, and exits with 1."""


class Command(BaseCommand):
    """Finds the subcommand and tells its errors in one line."""

    help = "Issues and shows learning credentials."
    requires_system_checks = ()
    """What they would say of us is said below, in one line."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """A parser for each subcommand."""
        subparsers = parser.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
        for name in SUBCOMMANDS:
            module = import_module(f"conferral.management.{name}")
            subparser = subparsers.add_parser(name, help=module.HELP, description=module.HELP)
            module.arguments(subparser)

    def handle(self, *args: Any, subcommand: str, **options: Any) -> None:
        """Runs it; what a person can mend is said in one line, with a non-zero exit."""
        console = Console(file=getattr(self.stdout, "_out", sys.stdout), highlight=False, soft_wrap=True)
        module = import_module(f"conferral.management.{subcommand}")
        logging.getLogger("conferral").setLevel(logging.WARNING)  # what goes well is said by the command itself
        current()  # a wrong setting is told before anything else is done
        try:
            _check_place(subcommand)
            _check_texts(options)
            storage.check()
            if subcommand not in WITHOUT_DATABASE:
                _check_migrations()
            module.handle(options, console)
        except ConferralError as error:
            raise Error(str(error)) from error
        except OperationalError as error:
            raise Error(f"the database: {str(error).splitlines()[0]}") from error
        except KeyboardInterrupt:
            raise Error("interrupted; what was under way is taken up by the next run", returncode=130) from None


def _check_place(subcommand: str) -> None:
    if subcommand in OF_THE_SERVICE and django_settings.ROOT_URLCONF.startswith("lms."):
        raise ConferralError(f"{subcommand}: is for the service of its own, not for an LMS")


def _check_texts(options: dict[str, Any]) -> None:
    for name, value in options.items():
        for text in value if isinstance(value, list) else [value]:
            try:
                check_storable(text if isinstance(text, str) else "")
            except ValueError as error:
                raise ConferralError(f"{name}: {text!r} is not accepted: {error}") from None


def _check_migrations() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise ConferralError("the database is not up to date; run `conferral migrate` first")
