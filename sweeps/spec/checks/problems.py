"""Collecting problems of a sweep file, to report all of them at once."""

from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from golf.errors import InputError

P = ParamSpec("P")
T = TypeVar("T")


class Problems:
    """What is wrong, a line each."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, lines: Iterable[str]) -> None:
        """Collect lines."""
        self.lines += lines

    def attempt(self, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What a function makes; None, with its problems collected, if it raises InputError."""
        try:
            return make(*args, **kwargs)
        except InputError as error:
            self.add(error.problems)
            return None

    def check(self) -> None:
        """Raise what was collected.

        Raises:
            InputError: there is at least one problem.
        """
        if self.lines:
            raise InputError(*self.lines)
