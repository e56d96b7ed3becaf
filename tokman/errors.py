"""What can go wrong, in words for the person at the terminal."""


class TokmanError(Exception):
    """One line saying what is wrong and, in `hint`, what to do next."""

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NothingToJudge(TokmanError):
    """There is no data, or unpriced data, where a verdict was asked for."""

    exit_code = 3


class BadRecord(ValueError):
    """A log record that states something impossible; its message is the reason shown."""
