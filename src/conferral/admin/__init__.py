"""The face for operators and instructors: Django's admin, which saves, deletes and corrects through the use cases."""

from conferral.admin import assets, configurations, credentials, declared, records, types

__all__ = ["assets", "configurations", "credentials", "declared", "records", "types"]
