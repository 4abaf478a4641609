"""Exceptions by cause: bad input, divergence, too slow, too large."""

MOST_CHARACTERS = 2000
"""Of one problem; a longer one, which quotes a hostile value, is shortened in the middle."""


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


def _shorten(problem: str) -> str:
    """A problem with its beginning and end, which say where and what would be right."""
    half = MOST_CHARACTERS // 2
    return problem if len(problem) <= MOST_CHARACTERS else f"{problem[:half]} … {problem[-half:]}"


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
