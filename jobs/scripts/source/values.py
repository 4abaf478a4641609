"""Which strings an expression of a script may be, as far as its text says: constants, names, f-strings, parameters.

A name stands for everything that is assigned to it anywhere, a parameter for what the calls of its function
pass, a loop's name for all items. So more strings come out than one run would see, and none is missing among those that
can be followed.
"""

import ast
from collections.abc import Callable, Iterator, Mapping

from jobs.scripts.source.index import Frame, SourceIndex, parameters
from jobs.scripts.source.limits import MAX_DEPTH, MAX_EVALUATIONS, MAX_STRING, MAX_STRINGS
from jobs.scripts.source.numbers import number_of

UNKNOWN = "\0"
"""Stands in a string for a part that is not known."""
_METHODS: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper, "lower": str.lower, "strip": str.strip, "title": str.title, "capitalize": str.capitalize,
}  # fmt: skip
_CASTS = frozenset(("str", "int", "float", "bool"))


class Values(SourceIndex):
    """The strings of a script and of the files beside it."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        super().__init__(trees)
        self._left = MAX_EVALUATIONS

    def strings(self, node: ast.expr | None, frame: Frame | None = None, depth: int = 0) -> frozenset[str]:
        """All strings that an expression may be; empty where none is known.

        Parts that are not known are `UNKNOWN`, so that a prefix can be known alone.
        """
        self._left -= 1
        if node is None or depth > MAX_DEPTH or self._left < 0:
            return frozenset()
        strings: set[str] = set()
        for string in self._strings(node, frame, depth + 1):
            self._left -= 1
            strings.add(string[:MAX_STRING])
            if len(strings) > MAX_STRINGS:
                return frozenset()
        return frozenset(strings)

    @property
    def exhausted(self) -> bool:
        """Whether the file is so entangled that not all its strings were followed."""
        return self._left < 0

    def _strings(self, node: ast.expr, frame: Frame | None, depth: int) -> Iterator[str]:
        match node:
            case ast.Constant(value=bool() as value):
                yield str(int(value))
            case ast.Constant(value=str() | int() | float() as value):
                yield str(value)
            case ast.Name(id=name):
                yield from self._of_name(node, name, frame, depth)
            case ast.Attribute(attr=name):
                yield from self._of_attribute(node, name, depth)
            case ast.JoinedStr(values=parts):
                yield from self._joined([self._field(part, frame, depth) for part in parts])
            case ast.BinOp(left=left, op=ast.Add(), right=right) if number_of(node) is None:
                yield from self._joined([self.strings(left, frame, depth), self.strings(right, frame, depth)])
            case ast.BinOp() if (number := number_of(node)) is not None:
                yield str(number)
            case ast.UnaryOp(op=ast.USub()) if (number := number_of(node)) is not None:
                yield str(number)
            case ast.IfExp(body=body, orelse=other):
                yield from (*self.strings(body, frame, depth), *self.strings(other, frame, depth))
            case ast.BoolOp(values=parts):
                for part in parts:
                    yield from self.strings(part, frame, depth)
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=[]) if name in _METHODS:
                yield from (_METHODS[name](string) for string in self.strings(owner, frame, depth))
            case ast.Call(func=ast.Attribute(value=owner, attr="join"), args=parts) if _is_path_module(owner):
                yield from self._path(parts, frame, depth)
            case ast.Call(func=ast.Name(id=name), args=[only]) if name in _CASTS:
                yield from self.strings(only, frame, depth)
            case ast.Call(func=ast.Name(id="Path"), args=parts) | ast.Call(func=ast.Attribute(attr="Path"), args=parts):
                yield from self._path(parts, frame, depth)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                yield from self._path([left, right], frame, depth)

    def _of_name(self, node: ast.Name, name: str, frame: Frame | None, depth: int) -> Iterator[str]:
        is_own = frame is not None and self.function_of(node) is frame.function
        if is_own and frame is not None and (argument := self.argument(frame, name)) is not None:
            yield from self.strings(argument, None, depth)
            return
        for function in self.scopes(node):
            is_parameter = function is not None and name in parameters(function)
            values = [value for value in self.assigned.get(name, ()) if self.function_of(value) is function]
            loops = [loop for loop in self.loops.get(name, ()) if self.function_of(loop[0]) is function]
            if is_parameter and function is not None:
                for call in self.calls_of(function):
                    yield from self.strings(self.argument(Frame(function, call), name), None, depth)
            for value in values:
                yield from self.strings(value, frame, depth)
            for items, index in loops:
                for item in self.items(items, depth):
                    yield from self.strings(_part(item, index), frame, depth)
            if is_parameter or values or loops:
                return  # a name of a function hides those outside

    def _of_attribute(self, node: ast.Attribute, name: str, depth: int) -> Iterator[str]:
        if name == "name" and isinstance(node.value, ast.Name):  # a field of a dataclass
            for items, _ in self.loops.get(node.value.id, ()):
                for item in self.items(items, depth):
                    yield from self.strings(_part(item, None), None, depth)
        for value in self.attributes.get(name, ()):
            yield from self.strings(value, None, depth)

    def _field(self, part: ast.expr, frame: Frame | None, depth: int) -> frozenset[str]:
        if isinstance(part, ast.FormattedValue):
            if _is_decimal(part.format_spec):
                return frozenset((UNKNOWN,))
            return self.strings(part.value, frame, depth) or frozenset((UNKNOWN,))
        return self.strings(part, frame, depth)

    def _joined(self, parts: list[frozenset[str]]) -> Iterator[str]:
        whole = [""]
        for part in parts:
            if len(whole) * len(part) > MAX_STRINGS or len(whole[0]) > MAX_STRING:
                return
            whole = [before + after for before in whole for after in part or (UNKNOWN,)]
        if any(string.strip(UNKNOWN) for string in whole):
            yield from whole

    def _path(self, parts: list[ast.expr], frame: Frame | None, depth: int) -> Iterator[str]:
        steps: list[frozenset[str]] = []
        for part in parts:
            steps += [frozenset(("/",)), self.strings(part, frame, depth) or frozenset((UNKNOWN,))]
        yield from self._joined(steps[1:])

    def items(self, node: ast.expr, depth: int = 0) -> list[ast.expr]:
        """The items of a list that an expression is, as expressions; empty where they are not known."""
        if depth > MAX_DEPTH:
            return []
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return list(items)[:MAX_STRINGS]
            case ast.Dict(keys=keys, values=values):
                pairs = list(zip(keys, values, strict=True))[:MAX_STRINGS]
                return [ast.Tuple(elts=[key, value], ctx=ast.Load()) for key, value in pairs if key is not None]
            case ast.Name(id=name) if name in self.classes:
                return _fields(self.classes[name])
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in self.assigned:
                return [item for value in self.assigned[name] for item in self.items(value, depth + 1)]
            case ast.Call(func=ast.Attribute(value=owner, attr="items" | "keys"), args=[]):
                return self.items(owner, depth + 1)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as words), attr="split"), args=arguments):
                separator = arguments[0].value if arguments and isinstance(arguments[0], ast.Constant) else None
                parts = words.split(separator if isinstance(separator, str) and separator else None)
                return [ast.Constant(value=part) for part in parts[:MAX_STRINGS]]
            case ast.Call(func=ast.Name(id="fields" | "vars" | "list" | "sorted" | "set" | "dir"), args=[owner, *_]):
                return self.items(owner, depth + 1)
            case ast.Call(func=ast.Attribute(attr="fields"), args=[owner]):
                return self.items(owner, depth + 1)
            case ast.Attribute(value=owner, attr="__annotations__" | "__dict__" | "__dataclass_fields__"):
                return self.items(owner, depth + 1)
        return []


def _is_path_module(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr="path") | ast.Name(id="path" | "osp"):
            return True
    return False


def _part(item: ast.expr, index: int | None) -> ast.expr | None:
    """An item that is unpacked to several names, or the name of an item with its value."""
    if isinstance(item, (ast.Tuple, ast.List)):
        at = 0 if index is None else index
        return item.elts[at] if at < len(item.elts) else None
    return item if index in (None, 0) else None


def _fields(definition: ast.ClassDef) -> list[ast.expr]:
    """Names of a class's fields with their defaults, as pairs of expressions."""
    fields: list[ast.expr] = []
    for statement in definition.body:
        match statement:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=value)
                | ast.Assign(targets=[ast.Name(id=name)], value=value)
            ):
                parts = [ast.Constant(value=name), *([] if value is None else [value])]
                fields.append(ast.Tuple(elts=parts, ctx=ast.Load()))
    return fields[:MAX_STRINGS]


def _is_decimal(format_spec: ast.expr | None) -> bool:
    """Whether a field is written as a number with decimals, such as {loss:.4f}; no text that is known gets there."""
    match format_spec:
        case ast.JoinedStr(values=[*_, ast.Constant(value=str() as text)]):
            return text[-1:] in tuple("eEfFgG%")
    return False
