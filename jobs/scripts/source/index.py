"""A script's syntax trees by what one looks for in them: who assigns, calls, loops over and contains what."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a function: its parameters are the call's arguments."""

    function: Function
    call: ast.Call


class SourceIndex:
    """The trees of a script and of the files beside it, which share their names."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self.trees = trees
        self.nodes: tuple[ast.AST, ...] = tuple(node for tree in trees.values() for node in ast.walk(tree))
        self.parents: dict[ast.AST, ast.AST] = {}
        self.assigned: dict[str, list[ast.expr]] = defaultdict(list)
        self.attributes: dict[str, list[ast.expr]] = defaultdict(list)
        self.loops: dict[str, list[tuple[ast.expr, int | None]]] = defaultdict(list)
        self.classes: dict[str, ast.ClassDef] = {}
        self.calls: dict[str, list[ast.Call]] = defaultdict(list)
        self.functions: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = defaultdict(list)
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
                self.classes[name] = node
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self.functions[name].append(node)
            case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
                self.calls[name].append(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Name(id=name), _:
                self.assigned[name].append(value)
                self.attributes[name].append(value)  # of a class, or of whatever the names are copied to
            case ast.Attribute(attr=name), _:
                self.attributes[name].append(value)
            case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
                for part, item in zip(targets, values, strict=True):
                    self._assign(part, item)

    def _loop(self, target: ast.expr, items: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.loops[target.id].append((items, None))
        elif isinstance(target, ast.Tuple):
            for index, part in enumerate(target.elts):
                if isinstance(part, ast.Name):
                    self.loops[part.id].append((items, index))

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

    def scopes(self, node: ast.AST) -> Iterator[Function | None]:
        """The functions that a node is in, from inside, and at last the file."""
        function = self.function_of(node)
        while function is not None:
            yield function
            function = self.function_of(function)
        yield None

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


def parameters(function: Function) -> list[str]:
    """Names of a function's parameters."""
    arguments = function.args
    return [part.arg for part in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
