"""A document that fits: numbers of six digits, long texts cut, and lists shortened until all is within 2 kB."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

MOST_BYTES = 2000
MOST_TEXT = 200
"""Characters of a text; a longer one is cut in the middle."""
DIGITS = 6


def fit(document: Mapping[str, Any], lists: Sequence[str], most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Fit a document into a number of bytes.

    Args:
        document: plain data.
        lists: its keys whose lists may lose items, the last items first; of several, the one that is longest.
        most_bytes: of the document as `to_line` writes it.

    Returns:
        The document, with `left_out`: how many items each list lost. Without its lists it is as large as it is.
    """
    fitted: dict[str, Any] = _shorten(document)
    whole = {key: len(fitted[key]) for key in lists if fitted.get(key)}
    while True:
        left_out = {key: count - len(fitted[key]) for key, count in whole.items() if count > len(fitted[key])}
        made = fitted | {"left_out": left_out}
        longest = max(whole, key=lambda key: len(to_line(fitted[key])), default=None)
        if len(to_line(made)) <= most_bytes or longest is None or not fitted[longest]:
            return made
        fitted[longest] = fitted[longest][:-1]


def to_line(document: Any) -> str:
    """A document as one line of JSON in ASCII: a terminal obeys none of its characters."""
    return json.dumps(document, allow_nan=False, default=str)


def _shorten(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, str):
        end = MOST_TEXT // 4
        return value if len(value) <= MOST_TEXT else f"{value[: MOST_TEXT - end - 1]}…{value[-end:]}"
    if isinstance(value, Mapping):
        return {key: _shorten(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shorten(inner) for inner in value]
    return value
