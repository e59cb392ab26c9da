"""What can go wrong, told to a person in one line."""

from typing import Any


class Phrase(str):
    """A text that is in the catalogs: faces say it in the reader's language."""

    __slots__ = ()


class Told(Exception):
    """An error whose message faces say in the reader's language: `values` fill its `%(name)s`; a log has it in English.

    `where` is the field or the row that it is about, if it is one that the reader wrote.
    """

    def __init__(self, message: str, *, where: str = "", **values: Any) -> None:
        self.message, self.where, self.values = message, where, values
        text = message % values if values else message
        super().__init__(f"{where}: {text}" if where else text)


class ConferralError(Told):
    """Something a person can mend; its text names the field or row, the value and the way out."""


class NotAccepted(Told, ValueError):
    """A value of an option that is wrong, for validators."""


class OptionsError(ConferralError):
    """Options that a plugin does not accept; the text names the field."""


class TransientError(ConferralError):
    """It may work later: try again, after `delay` seconds (at most an hour) when the source said so."""

    def __init__(self, message: str, *, delay: float | None = None, **values: Any) -> None:
        super().__init__(message, **values)
        self.delay = delay


class PermanentError(ConferralError):
    """It will not work by trying again: the learner or the artifact fails, and the text is shown as the reason."""
