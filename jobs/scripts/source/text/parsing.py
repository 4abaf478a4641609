"""Parse a script's text, whatever version of Python it is for.

Python 3.12 allows any expression in an f-string, with quotes of the same kind. Where this Python is older, such
f-strings are emptied, and what stood in them is parsed by itself.
"""

import ast
import sys
import warnings
from dataclasses import dataclass

from jobs.scripts.source.limits import MAX_SOURCE_BYTES
from jobs.scripts.source.text.fstrings import empty_fstrings

OLDEST, NEWEST = 8, min(sys.version_info.minor, 13)
"""Minor versions of Python 3 whose syntax can be distinguished here."""
FREE_FSTRINGS = 12
"""The minor version from which an f-string may contain any expression."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A script's syntax tree."""

    tree: ast.Module
    python: tuple[int, int]
    """The oldest version of Python whose syntax it is, as far as can be seen here."""


def parse(text: str) -> Parsed | str:
    """Parse a script, or say why that is not possible, in one line."""
    if len(text) > MAX_SOURCE_BYTES:
        return f"over {MAX_SOURCE_BYTES} characters"
    tree = _parse(text)
    if isinstance(tree, ast.Module):
        for minor in range(OLDEST, NEWEST):
            if isinstance(_parse(text, minor), ast.Module):
                return Parsed(tree, (3, minor))
        return Parsed(tree, (3, NEWEST))
    try:
        outer, expressions = empty_fstrings(text)
    except RecursionError:
        return tree
    emptied = _parse(outer) if expressions else tree
    if not isinstance(emptied, ast.Module):
        return tree
    for line, expression in expressions:
        inner = _parse(f"({expression}\n)")
        if isinstance(inner, ast.Module):
            emptied.body += [ast.increment_lineno(statement, line - 1) for statement in inner.body]
    return Parsed(emptied, (3, FREE_FSTRINGS))


def _parse(text: str, minor: int | None = None) -> ast.Module | str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are the author's affair
            return ast.parse(text, feature_version=None if minor is None else (3, minor))
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"cannot be parsed ({type(error).__name__})"
