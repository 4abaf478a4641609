"""Errors that say whose fault they are."""


class InputError(ValueError):
    """What the user gave is wrong: one line that says what, where, and what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))  # what is quoted in it may have lines of its own


class Diverged(ArithmeticError):
    """Training, or adapting to a document, led to a loss that is not finite; the message says where."""


class OverTime(RuntimeError):
    """Work did not fit the time it was given; the message names both."""


class TooLarge(ValueError):
    """Code and model do not fit the challenge's bytes; the message names both numbers."""
