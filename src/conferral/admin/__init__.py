"""The face for operators and instructors: Django's admin, which saves, deletes and corrects through the use cases."""

from conferral.admin import (
    assets,
    configurations,
    credentials,
    declared,
    dry_runs,
    history,
    name_requests,
    records,
    runs,
    types,
)

__all__ = [
    "assets",
    "configurations",
    "credentials",
    "declared",
    "dry_runs",
    "history",
    "name_requests",
    "records",
    "runs",
    "types",
]
