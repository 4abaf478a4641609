"""Random changes of valid files: of bytes, and of the values of a JSON document."""

import copy
import json
import random
import struct
from collections.abc import Callable
from typing import Any

NUMBERS = (0, 1, -1, 2, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, -(2**31), 2**32 - 1, 2**53, 2**63 - 1, -(2**63), 2**64)
"""Integers at which formats and languages break."""
VALUES: tuple[Any, ...] = (
    None, True, False, "", "\u202ex", "\x1b[2J", "a\nb", "\ud800", "x" * 5000, [], {}, [[[[]]]], {"": None},
    0.5, -0.0, 1e308, float("inf"), float("nan"), "1e999999999", "0" * 50, *NUMBERS,
)  # fmt: skip


def mutate(content: bytes, chance: random.Random) -> bytes:
    """Change a few places of a file."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        chance.choice(_CHANGES)(changed, chance)
    return bytes(changed)


def mutate_json(document: Any, chance: random.Random) -> Any:
    """A copy of a JSON document in which one value or name is another."""
    changed = copy.deepcopy(document)
    places: list[tuple[Any, Any]] = []
    _collect(changed, places)
    if not places:
        return chance.choice(VALUES)
    holder, key = chance.choice(places)
    action = chance.randrange(4)
    if action == 0:
        del holder[key]
    elif action == 1 and isinstance(holder, dict):
        holder[chance.choice([str(chance.choice(NUMBERS)), "\u202e", key + "x", ""])] = holder[key]
    elif action == 2 and isinstance(holder[key], int):
        holder[key] += chance.choice([-1, 1, 7, 2**20, -(2**20)])
    else:
        holder[key] = chance.choice(VALUES)
    return changed


def nest(depth: int, chance: random.Random) -> bytes:
    """JSON that is nested deeply."""
    start, end = chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return start * depth + b"0" + end * chance.choice([0, depth])


def dump(document: Any) -> bytes:
    """JSON, in one of the forms that Python writes and not every reader takes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _collect(value: Any, places: list[tuple[Any, Any]]) -> None:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        places.append((value, key))
        _collect(value[key], places)


def _flip(content: bytearray, chance: random.Random) -> None:
    if content:
        content[_place(content, chance)] ^= 1 << chance.randrange(8)


def _set_number(content: bytearray, chance: random.Random) -> None:
    form = chance.choice(["<B", "<H", "<I", "<Q"])
    size = struct.calcsize(form)
    if len(content) >= size:
        at = _place(content, chance, size - 1)
        content[at : at + size] = struct.pack(form, chance.choice(NUMBERS) % 256**size)


def _truncate(content: bytearray, chance: random.Random) -> None:
    del content[_place(content, chance) if content else 0 :]


def _duplicate(content: bytearray, chance: random.Random) -> None:
    start, end = sorted(chance.randint(0, len(content)) for _ in range(2))
    at = chance.randint(0, len(content))
    content[at:at] = content[start:end]


def _delete(content: bytearray, chance: random.Random) -> None:
    start, end = sorted(chance.randint(0, len(content)) for _ in range(2))
    del content[start : min(end, start + 64)]


def _insert(content: bytearray, chance: random.Random) -> None:
    at = chance.randint(0, len(content))
    content[at:at] = chance.choice([bytes(64), b"\xff" * 64, chance.randbytes(16), b"\n", b"\x1b[31m"])


def _overwrite(content: bytearray, chance: random.Random) -> None:
    if content:
        at = _place(content, chance)
        content[at : at + 16] = chance.randbytes(min(16, len(content) - at))


def _place(content: bytearray, chance: random.Random, margin: int = 0) -> int:
    """A place, more often than not in the header."""
    last = max(1, len(content) - margin)
    return chance.randrange(min(last, 200)) if chance.random() < 0.6 else chance.randrange(last)


_CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _set_number, _truncate, _duplicate, _delete, _insert, _overwrite,
)  # fmt: skip
