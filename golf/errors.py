"""Exceptions by cause (bad input, divergence, too slow, too large), and values as their messages show them."""

from dataclasses import MISSING, fields
from typing import Any

MOST_CHARACTERS = 2000
"""Of one problem; a longer one, with a long path or list, is shortened in the middle."""
MOST_SHOWN = 80
"""Of a value in a problem."""


class InputError(ValueError):
    """What the user gave is wrong.

    Each problem is one line, "WHERE: what is wrong; what would be right". Most errors have one problem; checking a
    sweep file finds several.
    """

    def __init__(self, *problems: str) -> None:
        # A quoted value may hold line breaks, or be a file of its own.
        self.problems = tuple(_shorten(" ".join(problem.splitlines())) for problem in problems)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)

    @property
    def error(self) -> str:
        """What is wrong and where, without what would be right."""
        return "\n".join(_split(problem)[0] for problem in self.problems)

    @property
    def hint(self) -> str:
        """What would be right, or the command that helps; empty where no problem says so."""
        hints = (_split(problem)[1] for problem in self.problems)
        return "\n".join(dict.fromkeys(hint for hint in hints if hint))


def shown(value: Any) -> str:
    """A value as an error shows it: as Python writes it; a long one is cut in the middle."""
    return _cut(repr(value), MOST_SHOWN)


def shown_name(name: str) -> str:
    """A name as an error shows it: without quotes, unless it is long or has characters that do not show."""
    return name if name.isprintable() and len(name) <= MOST_SHOWN else shown(name)


def _shorten(problem: str) -> str:
    """A problem with its beginning and end, which say where and what would be right."""
    return _cut(problem, MOST_CHARACTERS)


def _cut(text: str, most: int) -> str:
    """A text of at most so many characters; a quarter of them is its end, which says what would be right."""
    end = most // 4
    return text if len(text) <= most else f"{text[: most - end - 1]}…{text[-end:]}"


def _split(problem: str) -> tuple[str, str]:
    """The parts of a problem before and after its last semicolon."""
    error, semicolon, hint = problem.rpartition("; ")
    return (error, hint) if semicolon else (problem, "")


class Diverged(ArithmeticError):
    """Training or test-time training reached a loss that is not finite; the message says where."""


class OverTime(RuntimeError):
    """Work exceeded its time limit; the message names both times."""


class TooLarge(ValueError):
    """Code and model exceed the challenge's size limit; the message names both sizes."""


class RanksDiffer(RuntimeError):
    """Processes that train together no longer have the same weights; the message says which and since when."""


class ShortRepr:
    """Gives a dataclass a representation without the fields that have their defaults."""

    __slots__ = ()

    def __repr__(self) -> str:
        changed = []
        for field in fields(self):  # type: ignore[arg-type]  # whoever derives from this is a dataclass
            default: Any = field.default if field.default_factory is MISSING else field.default_factory()
            if (value := getattr(self, field.name)) != default:
                changed.append(f"{field.name}={shown(value)}")
        return f"{type(self).__name__}({', '.join(changed)})"
