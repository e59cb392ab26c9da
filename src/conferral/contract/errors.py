"""What can go wrong, told to a person in one line."""


class ConferralError(Exception):
    """Something a person can mend; its text names the field or row, the value and the way out."""


class OptionsError(ConferralError):
    """Options that a plugin does not accept; the text names the field."""


class TransientError(ConferralError):
    """It may work later: try again, after `delay` seconds (at most an hour) when the source said so."""

    def __init__(self, message: str, *, delay: float | None = None) -> None:
        super().__init__(message)
        self.delay = delay


class PermanentError(ConferralError):
    """It will not work by trying again: the learner or the artifact fails, and the text is shown as the reason."""
