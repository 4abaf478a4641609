"""Unpack a script that is packed into a string and executes what it unpacks, without executing it.

Public scripts have the form `exec(lzma.decompress(base64.b85decode("…")))`, with other codecs, other names for the
modules, several layers, or a raw LZMA stream with its filters. The calls are read off the syntax tree and done here,
each with a bound on its output.
"""

import ast
import base64
import binascii
import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import zstandard

from jobs.scripts.source.limits import MAX_EVALUATIONS, MAX_LAYERS, MAX_SOURCE_BYTES
from jobs.scripts.source.parsing import Parsed, parse

MAX_DICTIONARY_BYTES = 2**26
"""Of LZMA filters and Zstandard windows, which take that much memory."""
MAX_NESTING = 50
"""Calls and names within each other."""
_TEXT_CODECS: Mapping[str, Callable[[bytes], bytes]] = {
    "b85decode": base64.b85decode,
    "a85decode": base64.a85decode,
    "b64decode": base64.b64decode,
    "standard_b64decode": base64.b64decode,
    "urlsafe_b64decode": base64.urlsafe_b64decode,
    "b32decode": base64.b32decode,
    "b16decode": base64.b16decode,
    "unhexlify": binascii.unhexlify,
    "a2b_base64": binascii.a2b_base64,
}
_NUMBERS = {name: getattr(lzma, name) for name in dir(lzma) if name.startswith(("FORMAT_", "FILTER_", "PRESET_"))}
_NUMBERS |= {"MAX_WBITS": zlib.MAX_WBITS}
_ENCODINGS = frozenset(("utf-8", "utf8", "latin-1", "latin1", "ascii"))


class _Unknown(Exception):
    """An expression has a form that is not followed here."""


def unpack(tree: ast.Module, files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """What a script executes of itself, layer by layer from outside.

    Args:
        tree: the script.
        files: contents of the files beside it, which may hold the packed text.

    Returns:
        The texts that it unpacks and executes, and a line for each call of `exec` that could not be followed.
    """
    beside = {content.decode("utf-8", "replace") for content in files.values()}
    texts: list[str] = []
    problems: list[str] = []
    waiting = [(tree, 0)]
    while waiting:
        module, depth = waiting.pop()
        for call, argument in _executions(module):
            try:
                text = _Reader(module, files).text(argument)
            except _Unknown as error:
                problems.append(f"line {call.lineno}: it executes a text that cannot be read here ({error})")
                continue
            if text in texts or text in beside:
                continue
            if depth == MAX_LAYERS:
                problems.append(f"line {call.lineno}: more than {MAX_LAYERS} wrappers within each other")
                continue
            texts.append(text)
            if isinstance(parsed := parse(text), Parsed):
                waiting.append((parsed.tree, depth + 1))
    return texts, problems


def _executions(module: ast.Module) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Calls of exec with what they execute, and texts that are unpacked for another way to run them."""
    executed: set[ast.AST] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("exec", "eval"):
            if node.args and not (node.func.id == "eval" and isinstance(node.args[0], ast.Constant)):
                yield node, node.args[0]
                executed |= set(ast.walk(node))
    if executed or not _runs_files(module):
        return
    for node in ast.walk(module):  # `runpy` of a file that is unpacked first
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "decompress":
            yield node, node
            return


def _runs_files(module: ast.Module) -> bool:
    names = {alias.name for node in ast.walk(module) if isinstance(node, ast.Import) for alias in node.names}
    return "runpy" in names


class _Reader:
    """Computes the value of an expression of constants and decoders."""

    def __init__(self, module: ast.Module, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._left = MAX_EVALUATIONS
        self._values: dict[str, ast.expr | None] = {}
        self._modules: dict[str, str] = {}
        for node in ast.walk(module):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                self._values[name] = None if name in self._values else node.value
            elif isinstance(node, ast.Import):
                self._modules |= {alias.asname or alias.name: alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                self._modules |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}

    def text(self, node: ast.expr) -> str:
        """The text of an expression."""
        value = self._value(node, 0)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str):
            raise _Unknown("not a text")
        return value

    def _value(self, node: ast.expr, depth: int) -> Any:
        self._left -= 1
        if depth > MAX_NESTING or self._left < 0:
            raise _Unknown("too deep")
        match node:
            case ast.Constant(value=str() | bytes() | int() | None as value):
                return value
            case ast.Name(id=name):
                if (bound := self._values.get(name)) is None:
                    raise _Unknown(f"{name[:40]} is not a constant")
                return self._value(bound, depth + 1)
            case ast.Attribute(attr=name) if name in _NUMBERS:
                return _NUMBERS[name]
            case ast.List(elts=parts) | ast.Tuple(elts=parts) if len(parts) <= 10_000:
                return [self._value(part, depth + 1) for part in parts]
            case ast.Dict(keys=keys, values=values) if len(keys) <= 20 and None not in keys:
                pairs = zip(keys, values, strict=True)
                return {self._value(key, depth + 1): self._value(value, depth + 1) for key, value in pairs if key}
            case ast.BinOp(op=ast.Add() | ast.BitOr()):
                return self._sum(node, depth)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self._value(operand, depth + 1)
                return -value if isinstance(value, int) else self._refuse(node)
            case ast.Call():
                return self._call(node, depth)
        return self._refuse(node)

    def _sum(self, node: ast.BinOp, depth: int) -> Any:
        left, right = self._value(node.left, depth + 1), self._value(node.right, depth + 1)
        if isinstance(node.op, ast.BitOr) and isinstance(left, int) and isinstance(right, int):
            return left | right
        if isinstance(node.op, ast.Add) and type(left) is type(right) and isinstance(left, (str, bytes)):
            if len(left) + len(right) <= MAX_SOURCE_BYTES:
                return left + right
        return self._refuse(node)

    def _call(self, node: ast.Call, depth: int) -> Any:
        name = self._name(node.func)
        values = [self._value(part, depth + 1) for part in node.args[:1]]
        options = {part.arg: part.value for part in node.keywords if part.arg}
        last = name.rpartition(".")[2]
        try:
            if last in _TEXT_CODECS and values:
                return _TEXT_CODECS[last](values[0])
            if last == "fromhex" and values:
                return bytes.fromhex(values[0])
            if last == "decompress" and values:
                settings = [self._value(part, depth + 1) for part in node.args[1:]]
                named = {key: self._value(value, depth + 1) for key, value in options.items()}
                return _decompress(name, values[0], settings, named)
            if name in ("bytes", "str", "compile", "bytearray", "memoryview") and values:
                return values[0]
            if last == "join" and isinstance(node.func, ast.Attribute) and values:
                return self._value(node.func.value, depth + 1).join(values[0])
            if last in ("decode", "encode", "strip") and isinstance(node.func, ast.Attribute):
                return self._method(last, self._value(node.func.value, depth + 1), values)
            if last in ("read", "read_text", "read_bytes") and isinstance(node.func, ast.Attribute):
                return self._file(node.func.value, depth)
        except (ValueError, TypeError, AttributeError, LookupError, EOFError, OverflowError) as error:
            raise _Unknown(f"its text cannot be unpacked: {type(error).__name__}") from None
        except (lzma.LZMAError, zlib.error, OSError, zstandard.ZstdError, MemoryError):
            raise _Unknown("its packed text is damaged") from None
        return self._refuse(node)

    def _method(self, name: str, value: Any, arguments: list[Any]) -> Any:
        if name == "strip":
            return value.strip()
        encoding = arguments[0] if arguments else "utf-8"
        if encoding not in _ENCODINGS:
            raise _Unknown("an encoding that no script uses")
        return value.decode(encoding, "replace") if name == "decode" else value.encode(encoding, "replace")

    def _file(self, node: ast.expr, depth: int) -> bytes:
        """The content of the file beside the script that an expression opens or names."""
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value in self._files:
                return self._files[part.value]
        raise _Unknown("it is in a file that is not among those beside the script")

    def _name(self, node: ast.expr) -> str:
        """The dotted name of a function, with the module's own name."""
        match node:
            case ast.Name(id=name):
                return self._modules.get(name, name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                return f"{self._modules.get(owner, owner)}.{name}"
            case ast.Attribute(
                value=ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value=str() as owner)])
            ):
                return f"{owner}.{node.attr}"
            case ast.Attribute(attr=name):
                return name
        return ""

    def _refuse(self, node: ast.expr) -> Any:
        raise _Unknown(f"a form that is not followed: {type(node).__name__}")


def _decompress(name: str, packed: Any, settings: list[Any], named: Mapping[str, Any]) -> bytes:
    """Decompress at most a script's length."""
    module = name.rpartition(".")[0]
    if not isinstance(packed, bytes):
        raise _Unknown("packed text that is not bytes")
    unpacked: bytes
    if module == "lzma":
        unpacked = _lzma(packed, *settings[:3], **named)
    elif module == "zlib":
        bits = named.get("wbits", settings[0] if settings else zlib.MAX_WBITS)
        unpacked = zlib.decompressobj(bits).decompress(packed, MAX_SOURCE_BYTES + 1)
    elif module == "gzip":
        unpacked = zlib.decompressobj(31).decompress(packed, MAX_SOURCE_BYTES + 1)
    elif module == "bz2":
        unpacked = bz2.BZ2Decompressor().decompress(packed, MAX_SOURCE_BYTES + 1)
    elif module in ("zstandard", "zstd"):
        window = zstandard.ZstdDecompressor(max_window_size=MAX_DICTIONARY_BYTES)
        unpacked = window.stream_reader(packed).read(MAX_SOURCE_BYTES + 1)
    else:
        raise _Unknown(f"a codec that is not followed: {module[:40] or name[:40]}")
    if len(unpacked) > MAX_SOURCE_BYTES:
        raise _Unknown(f"over {MAX_SOURCE_BYTES} bytes")
    return unpacked


def _lzma(packed: bytes, format: Any = lzma.FORMAT_AUTO, memlimit: Any = None, filters: Any = None) -> bytes:
    if filters is not None and any(part.get("dict_size", 0) > MAX_DICTIONARY_BYTES for part in filters):
        raise _Unknown("filters that take too much memory")
    limit = None if format == lzma.FORMAT_RAW else 2 * MAX_DICTIONARY_BYTES
    return lzma.LZMADecompressor(format, limit, filters).decompress(packed, MAX_SOURCE_BYTES + 1)
