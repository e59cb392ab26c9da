"""What is not in the store."""


class ItemNotFoundError(Exception):
    pass
