"""Texts and lists as a TOML file has them, and texts in its comments."""

from collections.abc import Sequence

MOST_SHOWN = 60
"""Characters of a text in a comment, where nothing else is said."""


def toml_text(value: str) -> str:
    """A text as TOML writes it."""
    plain = value.encode("utf-8", "replace").decode()  # TOML has no lone surrogates
    return f'"{"".join(map(_escaped, plain))}"'


def toml_list(values: Sequence[str]) -> str:
    """A list of texts as TOML writes it."""
    return f"[{', '.join(map(toml_text, values))}]"


def shown(value: str, most: int = MOST_SHOWN) -> str:
    """A text in a comment: one line, shortened."""
    line = "".join(character if character.isprintable() else "?" for character in value)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _escaped(character: str) -> str:
    if character in ('"', "\\"):
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
