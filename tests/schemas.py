"""The committed JSON schemas, and a check that a command printed what they say."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[1] / "docs/schemas"
GROUPED = ("bench", "token", "webhook")
"""Commands that have commands below them."""


@cache
def validator(name: str) -> Draft202012Validator:
    """Of a file of docs/schemas/."""
    return Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text()))


def schema_name(words: Sequence[object]) -> str:
    """The schema of what a command prints."""
    command, *rest = map(str, words)
    name = f"{command}-{rest[0]}" if command in GROUPED else command
    return f"{name}.brief" if "--brief" in rest else name


def check_document(words: Sequence[object], out: str) -> Any:
    """The document that a command printed, which its schema allows.

    Args:
        words: of the command, after `golfsweep`.
        out: its whole stdout.
    """
    document = json.loads(out)
    is_error = isinstance(document, dict) and set(document) == {"error", "hint", "code"}
    validator("error" if is_error else schema_name(words)).validate(document)
    return document
