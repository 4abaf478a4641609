"""Which strings an expression of a script may be, as far as its text says: constants, names, f-strings, parameters.

A name stands for everything that is assigned to it anywhere, a parameter for what the calls of its function
pass, a loop's name for all items. So more strings come out than one run would see, and none is missing among those that
can be followed.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from jobs.scripts.source.limits import MAX_DEPTH, MAX_EVALUATIONS, MAX_STRING, MAX_STRINGS
from jobs.scripts.source.numbers import number_of

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
UNKNOWN = "\0"
"""Stands in a string for a part that is not known."""
_METHODS: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper, "lower": str.lower, "strip": str.strip, "title": str.title, "capitalize": str.capitalize,
}  # fmt: skip
_CASTS = frozenset(("str", "int", "float", "bool"))


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a function: its parameters are the call's arguments."""

    function: Function
    call: ast.Call


class Values:
    """The strings of a script and of the files beside it, which share their names."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self.trees = trees
        self.nodes: tuple[ast.AST, ...] = tuple(node for tree in trees.values() for node in ast.walk(tree))
        self.parents: dict[ast.AST, ast.AST] = {}
        self._assigned: dict[str, list[ast.expr]] = defaultdict(list)
        self._attributes: dict[str, list[ast.expr]] = defaultdict(list)
        self._items: dict[str, list[tuple[ast.expr, int | None]]] = defaultdict(list)
        self._classes: dict[str, ast.ClassDef] = {}
        self.calls: dict[str, list[ast.Call]] = defaultdict(list)
        self.functions: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = defaultdict(list)
        self._left = MAX_EVALUATIONS
        for node in self.nodes:
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            self._index(node)

    def _index(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                self._assign(target, value)
            case ast.For(target=target, iter=items) | ast.comprehension(target=target, iter=items):
                self._loop(target, items)
            case ast.ClassDef(name=name):
                self._classes[name] = node
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self.functions[name].append(node)
            case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
                self.calls[name].append(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Name(id=name), _:
                self._assigned[name].append(value)
                self._attributes[name].append(value)  # of a class, or of whatever the names are copied to
            case ast.Attribute(attr=name), _:
                self._attributes[name].append(value)
            case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
                for part, item in zip(targets, values, strict=True):
                    self._assign(part, item)

    def _loop(self, target: ast.expr, items: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._items[target.id].append((items, None))
        elif isinstance(target, ast.Tuple):
            for index, part in enumerate(target.elts):
                if isinstance(part, ast.Name):
                    self._items[part.id].append((items, index))

    def file_of(self, node: ast.AST) -> str:
        """The name of the file that a node is in."""
        while (above := self.parents.get(node)) is not None:
            node = above
        return next(name for name, tree in self.trees.items() if tree is node)

    def function_of(self, node: ast.AST) -> Function | None:
        """The innermost function that a node is in."""
        above = self.parents.get(node)
        while above is not None and not isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            above = self.parents.get(above)
        return above

    def name_of(self, function: Function) -> str | None:
        """The name under which a function is called."""
        if not isinstance(function, ast.Lambda):
            return function.name
        above = self.parents.get(function)
        target = above.targets[0] if isinstance(above, ast.Assign) else None
        return target.id if isinstance(target, ast.Name) else None

    def calls_of(self, function: Function) -> list[ast.Call]:
        """Calls of a function in this file."""
        name = self.name_of(function)
        return [] if name is None else self.calls.get(name, [])

    def argument(self, frame: Frame, name: str) -> ast.expr | None:
        """The expression that a parameter has in a call; None if the function has no such parameter."""
        names = [argument.arg for argument in (*frame.function.args.posonlyargs, *frame.function.args.args)]
        passed = {part.arg: part.value for part in frame.call.keywords if part.arg}
        if name in passed:
            return passed[name]
        skipped = 1 if names[:1] in (["self"], ["cls"]) and isinstance(frame.call.func, ast.Attribute) else 0
        if name in names:
            at = names.index(name) - skipped
            if 0 <= at < len(frame.call.args):
                given = frame.call.args[at]
                return None if isinstance(given, ast.Starred) else given
            return dict(zip(reversed(names), reversed(frame.function.args.defaults), strict=False)).get(name)
        only = {
            part.arg: default
            for part, default in zip(frame.function.args.kwonlyargs, frame.function.args.kw_defaults, strict=True)
        }
        return only.get(name)

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
        if frame is not None and self.function_of(node) is frame.function:
            if (argument := self.argument(frame, name)) is not None:
                yield from self.strings(argument, None, depth)
                return
        for function in self._scopes(node):
            is_parameter = function is not None and name in parameters(function)
            values = [value for value in self._assigned.get(name, ()) if self.function_of(value) is function]
            loops = [loop for loop in self._items.get(name, ()) if self.function_of(loop[0]) is function]
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

    def _scopes(self, node: ast.AST) -> Iterator[Function | None]:
        """The functions that a node is in, from inside, and at last the file."""
        function = self.function_of(node)
        while function is not None:
            yield function
            function = self.function_of(function)
        yield None

    def _of_attribute(self, node: ast.Attribute, name: str, depth: int) -> Iterator[str]:
        if name == "name" and isinstance(node.value, ast.Name):  # a field of a dataclass
            for items, _ in self._items.get(node.value.id, ()):
                for item in self.items(items, depth):
                    yield from self.strings(_part(item, None), None, depth)
        for value in self._attributes.get(name, ()):
            yield from self.strings(value, None, depth)

    def _field(self, part: ast.expr, frame: Frame | None, depth: int) -> frozenset[str]:
        if isinstance(part, ast.FormattedValue):
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
            case ast.Name(id=name) if name in self._classes:
                return _fields(self._classes[name])
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in self._assigned:
                return [item for value in self._assigned[name] for item in self.items(value, depth + 1)]
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


def parameters(function: Function) -> list[str]:
    """Names of a function's parameters."""
    arguments = function.args
    return [part.arg for part in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


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
