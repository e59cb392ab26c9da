"""SQLite as Django has it, with as many parameters in a statement as the library was built for.

Django takes what SQLite allowed in 2009, so that a page of credentials would be inserted in dozens of statements.
"""

import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base, features
from django.utils.functional import cached_property


class DatabaseFeatures(features.DatabaseFeatures):
    """What this SQLite can."""

    @cached_property
    def max_query_params(self) -> int:  # type: ignore[override]  # a property is asked as an attribute is
        """At least 32,766 since SQLite 3.32."""
        self.connection.ensure_connection()
        opened: Any = self.connection.connection
        return int(opened.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to it."""

    features_class = DatabaseFeatures
