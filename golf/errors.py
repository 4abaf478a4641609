"""Exceptions by cause: bad input, divergence, too slow, too large."""


class InputError(ValueError):
    """Invalid user input; the message is one line: what is wrong, where, and what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))  # quoted values may contain line breaks


class Diverged(ArithmeticError):
    """Training or adapting led to a loss that is not finite; the message says where."""


class OverTime(RuntimeError):
    """Work exceeded its time limit; the message names both times."""


class TooLarge(ValueError):
    """Code and model exceed the challenge's size limit; the message names both sizes."""
