"""Placeholders in the environment and the arguments of a script: `{data}`, `{run}`, `{in.weights}` and their like.

Only a lower-case word in braces, alone or `in.` and a role, is one: JSON such as `{"a": 1}` stays as it is. `{{seed}}`
is the text `{seed}`.
"""

import re
from collections.abc import Iterable, Mapping

from golf.errors import InputError, shown

WORDS = ("data", "data_dir", "tokenizer", "out", "run", "seed")
"""What every script can be given; `in.ROLE` is the path of an earlier output."""
VARYING = ("run", "out")
"""Those that differ from attempt to attempt and change no number."""
_PLACEHOLDER = re.compile(r"\{\{([a-z_]+|in\.[^{}\s]+)\}\}|\{([a-z_]+|in\.[^{}\s]+)\}")


def placeholders(text: str) -> set[str]:
    """The words of a text that would be filled in, e.g. {"data", "in.weights"}."""
    return {match[2] for match in _PLACEHOLDER.finditer(text) if match[2] is not None}


def unknown_placeholders(text: str, roles: Iterable[str]) -> list[str]:
    """Those of a text that mean nothing, where so many roles of earlier outputs can be named."""
    known = {*WORDS, *(f"in.{role}" for role in roles)}
    return sorted(placeholders(text) - known)


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled in.

    Raises:
        InputError: there is no value for one of them.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] is not None:
            return f"{{{match[1]}}}"
        if match[2] not in values:
            known = ", ".join(f"{{{word}}}" for word in values)
            hint = f"known are {known}, and {{{match[0]}}} is text"
            raise InputError(f"{shown(text)}: {match[0]} is no placeholder; {hint}")
        return values[match[2]]

    return _PLACEHOLDER.sub(value, text)
