"""Foreign text made harmless for its reader: a terminal, a spreadsheet, Markdown, HTML, JSON, or plain ASCII.

Foreign is what came from a file, a folder's name, a log, a database or an error message. Characters that a reader would
obey or could not see (control characters, escape sequences, text direction, zero width, lone surrogates, line ends) are
shown as Python writes them, e.g. `\\x1b` and `\\u202e`.
"""

import codecs
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

ASCII: Mapping[str, str] = {
    "±": "+/-", "·": "|", "…": "...", "–": "-", "—": "-", "−": "-", "→": "->", "←": "<-", "×": "x", "≤": "<=",
    "≥": ">=", "≪": "<<", "≈": "~", "∞": "inf", "²": "^2", "³": "^3", "½": "1/2", "√": "sqrt", "Σ": "sum", "δ": "delta",
    "“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "\u202f": " ", "▁": "_", "●": "o", "█": "#", "┃": "#",
    "━": "=", "╸": "=", "╺": "=", "─": "-", "│": "|", "├": "+", "┤": "+", "┌": "+", "┐": "+", "└": "+", "┘": "+",
    "┬": "+", "┴": "+", "┼": "+",
}  # fmt: skip
"""What stands for the characters of our own texts where only ASCII can be printed; others are escaped."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters of a text that a spreadsheet would run as a formula (OWASP, CSV injection)."""
ENCODING_ERRORS = "golfsweep.ascii"
"""Name of the way in which a stream writes characters that its encoding lacks."""
_MARKDOWN = re.compile(r"([\\`*\[\]|]|^[#+-](?=[# ])|~(?=~)|(?<![^\W_])_|_(?![^\W_]))")
"""Signs that mean something in Markdown where they stand; an underscore inside a word means nothing."""


def is_visible(char: str) -> bool:
    """Whether a terminal shows a character, and obeys nothing in it; spaces of any width are visible."""
    return char.isprintable() or (unicodedata.category(char) == "Zs")


def escape(text: str) -> str:
    """Text in one line, in which every character can be seen."""
    if text.isprintable():
        return text
    return "".join(char if is_visible(char) else _escape_char(char) for char in text)


def escape_lines(text: str) -> str:
    """Text whose own line ends stay; all else is as in `escape`."""
    return "\n".join(map(escape, text.split("\n")))


def escape_values(value: Any) -> Any:
    """Plain data, with every text in it escaped, names of fields too."""
    if isinstance(value, str):
        return escape_lines(value)
    if isinstance(value, Mapping):
        return {escape_values(name): escape_values(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [escape_values(inner) for inner in value]
    return value


def to_ascii(text: str) -> str:
    """Text in ASCII: our own signs by others like them, all other characters escaped."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else ASCII.get(char) or _escape_char(char) for char in text)


def to_json(content: Any, *, indent: int | None = 2, only_ascii: bool = False) -> str:
    """One JSON document, whose escapes are JSON's own."""
    text = json.dumps(content, indent=indent, ensure_ascii=only_ascii, allow_nan=False, default=str)
    if text.replace("\n", "").isprintable():
        return text
    # Line ends stand between values only: in a string, JSON has escaped them.
    return "".join(char if char == "\n" or is_visible(char) else json.dumps(char)[1:-1] for char in text)


def to_csv_field(value: Any) -> Any:
    """A value for a CSV file: tables and lists as JSON, and an apostrophe before what a spreadsheet would run."""
    if isinstance(value, Mapping | list | tuple):
        return to_json(value, indent=None)
    if not isinstance(value, str):
        return value
    return f"'{escape(value)}" if value.lstrip(" ").startswith(FORMULA_STARTS) else escape(value)


def escape_markdown(text: str) -> str:
    """Text that Markdown shows unchanged: it makes no table, link, tag or line of its own."""
    plain = _MARKDOWN.sub(r"\\\1", escape(" ".join(text.split())))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def escape_markdown_code(text: str) -> str:
    """Text between backticks, which Markdown shows unchanged; a pipe ends no cell of a table."""
    plain = escape(" ".join(text.split())).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", plain)), default=0))
    return f"{fence} {plain} {fence}" if "`" in plain else f"`{plain}`"


def to_chart_text(text: str) -> str:
    """Text for a label of a chart, whose library takes tags and entities in it for its own."""
    return escape(text).replace("&", "&amp;").replace("<", "&lt;")


def to_ascii_page(page: str) -> str:
    """An HTML page in ASCII that means the same: scripts have their own escapes."""
    parts = re.split(r"(<script\b.*?</script>)", page, flags=re.DOTALL)
    texts = ["" if part is None else part for part in parts]
    return "".join(
        _escape_script(part) if part.startswith("<script") else part.encode("ascii", "xmlcharrefreplace").decode()
        for part in texts
    )


def _escape_script(script: str) -> str:
    return "".join(char if char.isascii() else json.dumps(char)[1:-1] for char in script)


def _escape_char(char: str) -> str:
    return char.encode("unicode_escape").decode()


def _replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return to_ascii(error.object[error.start : error.end]), error.end


codecs.register_error(ENCODING_ERRORS, _replace_unencodable)
