"""Take the expressions out of a text's f-strings, by the grammar of Python 3.12."""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r"#[^\n]*|(?P<word>\b[A-Za-z]{1,8})?(?P<quote>'''|\"\"\"|'|\")")
"""A comment, or the beginning of a string with the word before it, which is its prefix or a keyword."""
_PREFIXES = frozenset(("f", "fr", "rf"))
_OPEN, _CLOSED = "([{", ")]}"


@dataclass(slots=True)
class _Emptied:
    """Parts of a text without the expressions of its f-strings, and those expressions."""

    parts: list[str] = field(default_factory=list)
    expressions: list[tuple[int, str]] = field(default_factory=list)
    """The line of each in the text, counted from 0, and its text."""


def empty_fstrings(text: str) -> tuple[str, list[tuple[int, str]]]:
    """A text whose f-strings have `{0}` for each expression, and the expressions with the lines where they start.

    Expressions of f-strings within expressions are taken out in turn. Line numbers stay.

    Raises:
        RecursionError: f-strings are nested deeper than any script's.
    """
    outer = _empty(text)
    waiting, expressions = [(line + 1, inner) for line, inner in outer.expressions], []
    while waiting:
        line, expression = waiting.pop()
        inner = _empty(expression)
        expressions.append((line, "".join(inner.parts)))
        waiting += [(line + below, deeper) for below, deeper in inner.expressions]
    return "".join(outer.parts), sorted(expressions)


def _empty(text: str) -> _Emptied:
    emptied = _Emptied()
    at = copied = lines = counted = 0
    while token := _TOKEN.search(text, at):
        at = token.end()
        if token["quote"] is None:
            continue
        if not _is_fstring(token):
            at = _end_of_string(text, at, token["quote"])
            continue
        emptied.parts.append(text[copied:at])
        lines += text.count("\n", counted, at)
        counted = at
        inner = _Emptied()
        at = copied = _empty_string(text, at, token["quote"], inner)
        emptied.parts += inner.parts
        emptied.expressions += [(lines + line, expression) for line, expression in inner.expressions]
    emptied.parts.append(text[copied:])
    return emptied


def _is_fstring(token: re.Match[str]) -> bool:
    return (token["word"] or "").lower() in _PREFIXES


def _end_of_string(text: str, at: int, quote: str) -> int:
    """Where a plain string ends, behind its quote."""
    ending = re.compile(r"\\.|" + (quote if len(quote) == 3 else f"{quote}|\n"), re.DOTALL)
    while match := ending.search(text, at):
        at = match.end()
        if not match.group().startswith("\\"):
            return at
    return len(text)


def _empty_string(text: str, at: int, quote: str, emptied: _Emptied) -> int:
    """Read an f-string from behind its opening quote; returns where it ends."""
    ending = re.compile(r"\\.|\{\{|\}\}|\{|" + (quote if len(quote) == 3 else f"{quote}|\n"), re.DOTALL)
    lines = 0
    while match := ending.search(text, at):
        emptied.parts.append(text[at : match.end()])
        lines += text.count("\n", at, match.end())
        at = match.end()
        if match.group() in (quote, "\n"):
            return at
        if match.group() == "{":
            expressions, end = _expressions(text, at)
            emptied.expressions += [(lines, expression) for expression in expressions if expression.strip()]
            below = text.count("\n", at, end)
            emptied.parts.append("0" + "\n" * below * (len(quote) == 3) + "}")
            lines += below
            at = end
    emptied.parts.append(text[at:])
    return len(text)


def _expressions(text: str, at: int) -> tuple[list[str], int]:
    """The expressions of a replacement field from behind its brace, those of its format last, and where it ends."""
    mark = re.compile(r"#[^\n]*|(?P<word>\b[A-Za-z]{1,8})?(?P<quote>'''|\"\"\"|'|\")|[()\[\]{}:!]")
    start, depth, end = at, 0, None
    of_format: list[str] = []
    while match := mark.search(text, at):
        at = match.end()
        sign = match.group()
        if end is not None:  # in the format
            if sign == "{":
                inner, at = _expressions(text, at)
                of_format += inner
            elif sign == "}":
                break
        elif match["quote"]:
            is_formatted = _is_fstring(match)
            at = (
                _empty_string(text, at, match["quote"], _Emptied())
                if is_formatted
                else _end_of_string(text, at, match["quote"])
            )
        elif sign in _OPEN:
            depth += 1
        elif sign in _CLOSED and depth:
            depth -= 1
        elif sign == "}":
            end = match.start()
            break
        elif depth == 0 and (sign == ":" or (sign == "!" and text[at : at + 1] != "=")):
            end = match.start()
    else:
        end, at = len(text) if end is None else end, len(text)
    return [text[start:end].rstrip().removesuffix("="), *of_format], at
