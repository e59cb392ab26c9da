"""Django's backend for MySQL and MariaDB, that believes of every server what is true of MySQL 8."""

from django.db.backends.mysql import base, features


class DatabaseFeatures(features.DatabaseFeatures):
    """It cannot say which keys the rows have that were inserted together."""

    can_return_columns_from_insert = False
    can_return_rows_from_bulk_insert = False


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures
