"""A backend of Django's: SQLite, asked how much it takes at once. Django has to find it under the name `base`."""
