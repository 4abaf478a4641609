"""Under which names a script has the environment: os.environ, other names for it, copies, and its `get`."""

import ast

from jobs.scripts.source.values import Values

_HARMLESS_CALLS = frozenset(("len", "print", "repr", "type", "id", "bool"))
"""Functions that take the environment and read no variable of it that changes a number."""
_COPIES = frozenset(("dict", "copy", "deepcopy"))
_ROUNDS = 4
"""How many names in a row for one thing are followed."""


class Environ:
    """Tells which expressions are the environment."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._os: set[str] = set()
        self._environ: set[str] = set()
        self._attributes: set[str] = set()
        """Names of attributes that are the environment."""
        self._getters: set[str] = set()
        for node in values.nodes:
            if isinstance(node, ast.Import):
                self._os |= {alias.asname for alias in node.names if alias.name == "os" and alias.asname}
                self._os |= {"os" for alias in node.names if alias.name.split(".")[0] == "os" and not alias.asname}
            elif isinstance(node, ast.ImportFrom) and node.module == "os":
                for alias in node.names:
                    if alias.name in ("environ", "environb", "*"):
                        self._environ.add(alias.asname or "environ")
                    if alias.name in ("getenv", "getenvb", "*"):
                        self._getters.add(alias.asname or "getenv")
        for _ in range(_ROUNDS):
            before = self._size()
            for node in values.nodes:
                self._follow(node)
            if self._size() == before:
                break

    def _size(self) -> int:
        return len(self._environ) + len(self._attributes) + len(self._getters)

    def is_environ(self, node: ast.AST) -> bool:
        """Whether an expression is the environment, or a copy of it that has a name."""
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr="environ" | "environb") if owner in self._os:
                return True
            case ast.Attribute(attr=name, ctx=ast.Load()) if name in self._attributes:
                return True
            case ast.Attribute(value=ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value="os")])):
                return node.attr == "environ"
            case ast.Name(id=name, ctx=ast.Load()):
                return name in self._environ
        return False

    def is_getter(self, node: ast.expr) -> bool:
        """Whether a function returns a variable of the environment by its name."""
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr="getenv" | "getenvb"):
                return owner in self._os
            case ast.Attribute(value=ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value="os")])):
                return node.attr == "getenv"
            case ast.Name(id=name):
                return name in self._getters
        return False

    def is_alias(self, node: ast.expr) -> bool:
        """Whether an expression is only given another name, under which it is followed."""
        match self._values.parents.get(node):
            case (
                ast.Assign(targets=[ast.Name() | ast.Attribute()], value=value)
                | ast.NamedExpr(target=ast.Name(), value=value)
            ):
                return value is node
            case ast.AnnAssign(target=ast.Name() | ast.Attribute(), value=value):
                return value is node
        return False

    def is_harmless(self, node: ast.expr) -> bool:
        """Whether the environment, or a copy, is handed on to where none of its variables is read unseen."""
        above = self._values.parents.get(node)
        match above:
            case ast.keyword(arg="env"):
                return True  # of a program that it starts
            case ast.keyword(arg=None):  # dict(**os.environ)
                call = self._values.parents.get(above)
                is_copy = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _COPIES
                return is_copy and isinstance(call, ast.expr) and self.is_harmless(call)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                if node is above.func:
                    return self.is_harmless(above)
                if name in _COPIES:
                    return self.is_harmless(above)
                return name in _HARMLESS_CALLS or self._parameter(above, node) is not None
            case ast.Dict() | ast.BinOp(op=ast.BitOr()):
                return self.is_harmless(above)
            case ast.Expr() | ast.Delete():
                return True
            case ast.Attribute(attr="update" | "clear" | "putenv" | "unsetenv"):
                return True
        return self.is_alias(node)

    def _follow(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._name(name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._name(name, value)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                self._name(name, value)
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=value):
                if self.is_environ(value) or self._is_copy(value):
                    self._attributes.add(name)
            case ast.Call(args=arguments, keywords=keywords):
                for argument in (*arguments, *(keyword.value for keyword in keywords)):
                    if self.is_environ(argument) and (parameter := self._parameter(node, argument)) is not None:
                        self._environ.add(parameter)

    def _name(self, name: str, value: ast.expr) -> None:
        if self.is_environ(value) or self._is_copy(value):
            self._environ.add(name)
            if isinstance(self._values.parents.get(self._values.parents[value]), ast.ClassDef):
                self._attributes.add(name)
        elif self.is_getter(value) or (
            isinstance(value, ast.Attribute) and value.attr == "get" and self.is_environ(value.value)
        ):
            self._getters.add(name)

    def _is_copy(self, node: ast.expr) -> bool:
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr="copy")) if self.is_environ(owner):
                return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[first, *_]) if name in _COPIES:
                return self.is_environ(first)
            case ast.Call(func=ast.Name(id="dict"), args=[], keywords=[ast.keyword(arg=None, value=value), *_]):
                return self.is_environ(value)
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                return any(key is None and self.is_environ(value) for key, value in pairs)
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return self.is_environ(left) or self.is_environ(right)
        return False

    def _parameter(self, call: ast.Call, argument: ast.expr) -> str | None:
        """The parameter that takes an argument, if the function is one of the script's."""
        match call.func:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                pass
            case _:
                return None
        for keyword in call.keywords:
            if keyword.value is argument:
                return keyword.arg if self._values.functions.get(name) else None
        for function in self._values.functions.get(name, ()):
            names = [part.arg for part in (*function.args.posonlyargs, *function.args.args)]
            skipped = 1 if names[:1] in (["self"], ["cls"]) else 0
            at = call.args.index(argument) + skipped
            return names[at] if at < len(names) else None
        return None
