"""Unpack a script that is packed into a string and executes what it unpacks, without executing it.

Public scripts have the form `exec(lzma.decompress(base64.b85decode("…")))`, with other codecs, other names for the
modules, several layers, or a raw LZMA stream with its filters. The calls are read off the syntax tree and done here,
each with a bound on its output.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from jobs.scripts.source.limits import MAX_EVALUATIONS, MAX_LAYERS, MAX_SOURCE_BYTES
from jobs.scripts.source.text.decoders import DAMAGED, NUMBERS, TEXT_CODECS, UnknownForm, decompress
from jobs.scripts.source.text.parsing import Parsed, parse

MAX_NESTING = 50
"""Calls and names within each other."""
_ENCODINGS = frozenset(("utf-8", "utf8", "latin-1", "latin1", "ascii"))


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
            except UnknownForm as error:
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
    executes = False
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name(id="eval"), args=[ast.Constant(), *_]):
                pass  # an expression that is there to be read
            case ast.Call(func=ast.Name(id="exec" | "eval"), args=[argument, *_]):
                yield node, argument
                executes = True
    if executes or not _runs_files(module):
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
            raise UnknownForm("not a text")
        return value

    def _value(self, node: ast.expr, depth: int) -> Any:
        self._left -= 1
        if depth > MAX_NESTING or self._left < 0:
            raise UnknownForm("too deep")
        match node:
            case ast.Constant(value=str() | bytes() | int() | None as value):
                return value
            case ast.Name(id=name):
                if (bound := self._values.get(name)) is None:
                    raise UnknownForm(f"{name[:40]} is not a constant")
                return self._value(bound, depth + 1)
            case ast.Attribute(attr=name) if name in NUMBERS:
                return NUMBERS[name]
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
        are_texts = type(left) is type(right) and isinstance(left, (str, bytes))
        if isinstance(node.op, ast.Add) and are_texts and len(left) + len(right) <= MAX_SOURCE_BYTES:
            return left + right
        return self._refuse(node)

    def _call(self, node: ast.Call, depth: int) -> Any:
        name = self._name(node.func)
        values = [self._value(part, depth + 1) for part in node.args[:1]]
        options = {part.arg: part.value for part in node.keywords if part.arg}
        last = name.rpartition(".")[2]
        try:
            if last in TEXT_CODECS and values:
                return TEXT_CODECS[last](values[0])
            if last == "fromhex" and values:
                return bytes.fromhex(values[0])
            if last == "decompress" and values:
                settings = [self._value(part, depth + 1) for part in node.args[1:]]
                named = {key: self._value(value, depth + 1) for key, value in options.items()}
                return decompress(name, values[0], settings, named)
            if name in ("bytes", "str", "compile", "bytearray", "memoryview") and values:
                return values[0]
            if last == "join" and isinstance(node.func, ast.Attribute) and values:
                return self._value(node.func.value, depth + 1).join(values[0])
            if last in ("decode", "encode", "strip") and isinstance(node.func, ast.Attribute):
                return self._method(last, self._value(node.func.value, depth + 1), values)
            if last in ("read", "read_text", "read_bytes") and isinstance(node.func, ast.Attribute):
                return self._file(node.func.value, depth)
        except (ValueError, TypeError, AttributeError, LookupError, EOFError, OverflowError) as error:
            raise UnknownForm(f"its text cannot be unpacked: {type(error).__name__}") from None
        except DAMAGED:
            raise UnknownForm("its packed text is damaged") from None
        return self._refuse(node)

    def _method(self, name: str, value: Any, arguments: list[Any]) -> Any:
        if name == "strip":
            return value.strip()
        encoding = arguments[0] if arguments else "utf-8"
        if encoding not in _ENCODINGS:
            raise UnknownForm("an encoding that no script uses")
        return value.decode(encoding, "replace") if name == "decode" else value.encode(encoding, "replace")

    def _file(self, node: ast.expr, depth: int) -> bytes:
        """The content of the file beside the script that an expression opens or names."""
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value in self._files:
                return self._files[part.value]
        raise UnknownForm("it is in a file that is not among those beside the script")

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
        raise UnknownForm(f"a form that is not followed: {type(node).__name__}")
