"""Names that people give: of sweeps, arms, tags, owners and imported folders."""

from collections.abc import Iterable

from golf.errors import InputError

MOST_CHARACTERS = 64
"""Longest name, in characters."""
MOST_FOLDER_CHARACTERS = 200
"""Longest name of a public record's folder, of which its entry is named."""
SWEEP_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
SWEEP_RULE = (
    f"expected letters, digits, '.', '_' and '-', a letter or digit first, at most {MOST_CHARACTERS} characters"
)
_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Characters that count as letters or signs, and show nothing."""


def rule(most: int = MOST_CHARACTERS) -> str:
    """What a name may be, in words."""
    return f"expected letters, digits and other visible signs, single spaces between them, at most {most} characters"


def is_name(name: str, most: int = MOST_CHARACTERS) -> bool:
    """Whether a name shows all that is in it: no control or format characters, no blanks but single spaces inside."""
    is_plain = name.isprintable() and not any(_is_invisible(character) for character in name)
    return is_plain and 0 < len(name) <= most and name == name.strip() and "  " not in name


def check_names(names: Iterable[str], where: str, most: int = MOST_CHARACTERS) -> None:
    """Check names that somebody gives.

    Raises:
        InputError: a line, which starts with `where`, for each with characters that do not show, or with too many.
    """
    if wrong := [name for name in names if not is_name(name, most)]:
        raise InputError(*(f"{where} {ascii_only(name)}: not a name; {rule(most)}" for name in wrong))


def ascii_only(name: str) -> str:
    """A name in quotes as an error shows it: what does not show, and everything beyond ASCII, as escapes."""
    return ascii(name if len(name) <= MOST_CHARACTERS else f"{name[:MOST_CHARACTERS]}...")


def _is_invisible(character: str) -> bool:
    return character in _BLANKS or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
