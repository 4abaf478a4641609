"""One file of a record, read with bounded memory: a training log, or submission.json."""

import codecs
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

from golf.errors import InputError
from golf.files import open_regular
from jobs.logs import Log, parse

T = TypeVar("T")
MAX_LOG_BYTES = 32 << 20
MAX_JSON_BYTES = 4 << 20
PIECE_BYTES = 1 << 16
"""Of a log, read at once."""
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""First bytes of a text file that is not plain UTF-8 → its encoding; Windows shells write such logs."""


class UnreadableFile(Exception):
    """Why a file was not read."""


def printable(text: str) -> str:
    """Foreign text without control characters and surrogates: safe for a terminal, a database and JSON."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def printable_path(path: str | Path) -> str:
    """The printable text of a path or name, the same under any locale: its bytes are taken for UTF-8."""
    return printable(os.fsencode(path).decode("utf-8", "replace"))


def read_log(path: Path) -> Log:
    """Read a training log.

    Raises:
        UnreadableFile: it is too large, or the system refuses it.
    """
    try:
        return parse(_read_text(path, "read"))
    except OSError as error:
        raise UnreadableFile(f"cannot be read ({error.strerror})") from None


def parse_lines(path: Path, parse_log: Callable[[Iterable[bytes]], T]) -> T:
    """Parse a log by its lines, of which a very long one is several.

    Raises:
        UnreadableFile: it is too large, or the system refuses it.
    """
    try:
        return parse_log(_read_text(path, "readline"))
    except OSError as error:
        raise UnreadableFile(f"cannot be read ({error.strerror})") from None


def _read_text(path: Path, method: Literal["read", "readline"]) -> Iterator[bytes]:
    """A log in UTF-8: in pieces, or by line."""
    with _open(path, MAX_LOG_BYTES) as stream:
        encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if stream.peek(4).startswith(mark)), None)
        if encoding is None:
            yield from iter(lambda: getattr(stream, method)(PIECE_BYTES), b"")
            return
        text = io.TextIOWrapper(stream, encoding, errors="replace", newline="\n")
        yield from (piece.encode() for piece in iter(lambda: getattr(text, method)(PIECE_BYTES), ""))


def read_json(path: Path, oddities: list[str]) -> dict[str, Any]:
    """Read a JSON object; as `load_json`.

    Raises:
        UnreadableFile: it is too large, no JSON, or no object.
    """
    content = load_json(path, oddities)
    if not isinstance(content, dict):
        raise UnreadableFile(f"a JSON {type(content).__name__}; expected an object with a submission's claims")
    return content


def load_json(path: Path, oddities: list[str]) -> Any:
    """Read a JSON document; numbers with a fraction become decimals with the digits that were written.

    Args:
        path: the file.
        oddities: gets a line for every field that appears twice with different values, which counts as null.

    Raises:
        UnreadableFile: it is too large, or no JSON.
    """

    def merge_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for name, value in pairs:
            if name in merged and merged[name] != value:
                field = printable(name[:40])
                oddities.append(f"{path.name}: {field} appears twice with different values; neither counts")
                value = None
            merged[name] = value
        return merged

    try:
        with _open(path, MAX_JSON_BYTES) as stream:
            plain = stream.read(MAX_JSON_BYTES)
        # json detects which of Unicode's encodings the bytes are in.
        return json.loads(plain, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=merge_fields)
    except RecursionError:
        raise UnreadableFile("nested too deeply; not read") from None
    except OSError as error:
        raise UnreadableFile(f"cannot be read ({error.strerror})") from None
    except ValueError as error:  # bytes that are no UTF-8 and integers of thousands of digits are among them
        raise UnreadableFile(f"no JSON ({error})") from None


def _open(path: Path, limit: int) -> io.BufferedReader:
    """Open a file whose size is within a limit.

    Raises:
        UnreadableFile: it is larger, no regular file, or cannot be opened.
    """
    try:
        stream = open_regular(path, "expected a record's file")
    except InputError as error:
        raise UnreadableFile(error.error.removeprefix(f"{path}: ")) from None
    if (size := os.fstat(stream.fileno()).st_size) > limit:
        stream.close()
        raise UnreadableFile(f"{size:,} bytes, over {limit:,}; not read")
    return stream
