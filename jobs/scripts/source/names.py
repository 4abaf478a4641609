"""The environment variables that a script reads, with their defaults and kinds.

Reads through other names of `os.environ` and of its `get`, through functions that take the name as an argument, and in
loops over lists of names are followed. What cannot be followed is said: then a name that was not seen may be read.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from jobs.scripts.source.environ import Environ
from jobs.scripts.source.index import Frame, parameters
from jobs.scripts.source.limits import MAX_STRINGS
from jobs.scripts.source.numbers import number_of
from jobs.scripts.source.values import UNKNOWN, Values

Kind = Literal["int", "float", "bool", "str"]
_CASTS: dict[str, Kind] = {"int": "int", "float": "float", "bool": "bool", "str": "str"}
_READERS = frozenset(("get", "setdefault", "pop", "__getitem__", "__contains__"))
_SETTINGS_LIBRARIES = frozenset(("decouple", "dotenv", "envparse", "environs", "environ", "pydantic_settings"))
_FALLBACKS = frozenset(("default", "fallback", "default_value"))
"""Names of parameters that a function returns where the variable is not set."""
_MEANS_BOOL = frozenset(("0", "1", "true", "false", "yes", "no", "on", "off", "y", "t", "n", "f"))


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentName:
    """A variable that a script reads."""

    name: str
    default: str | None
    """What it takes where the variable is not set, as it would be set; None if that is not a constant."""
    kind: Kind
    file: str
    line: int


@dataclass(kw_only=True, slots=True)
class NamesRead:
    """All variables that a script reads."""

    names: dict[str, EnvironmentName] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)
    """Beginnings of names that are put together, e.g. "TTT_" of f"TTT_{key}"."""
    whole: list[str] = field(default_factory=list)
    """Why further names may be read, a line each."""


@dataclass(frozen=True, slots=True)
class _Read:
    """One place that reads a variable."""

    node: ast.expr
    key: ast.expr
    default: ast.expr | None


def read_names(values: Values) -> NamesRead:
    """Find the variables that the files read."""
    names_read = NamesRead()
    environ = Environ(values)
    for node in values.nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            _look_for_libraries(values, node, names_read)
        elif environ.is_environ(node):
            assert isinstance(node, ast.expr)
            _look_at_use(values, environ, node, names_read)
        elif isinstance(node, ast.Call) and environ.is_getter(node.func):
            _take(values, _of_call(node), names_read)
    order = {name: index for index, name in enumerate(values.trees)}
    listed = sorted(names_read.names.values(), key=lambda entry: (order[entry.file], entry.line))
    names_read.names = {entry.name: entry for entry in listed}
    if values.exhausted:
        names_read.whole.append("its strings refer to each other more often than is followed here")
    return names_read


def _look_for_libraries(values: Values, node: ast.Import | ast.ImportFrom, names_read: NamesRead) -> None:
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    for module in modules:
        if module.split(".")[0] in _SETTINGS_LIBRARIES:
            _note(values, node, f"it imports {module}, which reads the environment", names_read)


def _look_at_use(values: Values, environ: Environ, node: ast.expr, names_read: NamesRead) -> None:
    above = values.parents.get(node)
    match above:
        case ast.Attribute(attr=attribute):
            call = values.parents.get(above)
            if attribute in _READERS:
                if isinstance(call, ast.Call) and call.func is above:
                    _take(values, _of_call(call), names_read)
                elif not environ.is_alias(above):
                    _note(values, node, "it hands on what reads the environment", names_read)
            elif attribute in ("items", "keys", "values", "__iter__"):
                _note(values, node, "it goes through the whole environment", names_read)
            elif attribute == "copy" and isinstance(call, ast.expr) and not environ.is_harmless(call):
                _note(values, node, "it hands on a copy of the environment", names_read)
        case ast.Subscript(slice=key, ctx=ast.Load()):
            _take(values, _Read(above, key, None), names_read)
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()]):
            _take(values, _Read(above, key, None), names_read)
        case ast.Subscript():
            pass  # it sets or deletes the variable
        case _ if not environ.is_harmless(node):
            _note(values, node, "it hands on the environment as a whole", names_read)


def _of_call(call: ast.Call) -> _Read | None:
    named = {part.arg: part.value for part in call.keywords if part.arg}
    key = call.args[0] if call.args else named.get("key")
    default = call.args[1] if len(call.args) > 1 else named.get("default", named.get("failobj"))
    return None if key is None else _Read(call, key, default)


def _take(values: Values, read: _Read | None, names_read: NamesRead) -> None:
    """Add the names of one read, for each call of the function that it is in."""
    if read is None:
        return
    kind = _kind(values, read.node)
    frames = _frames(values, read)
    for frame in frames:
        names = values.strings(read.key, frame)
        for name in sorted(names):
            _add(values, read, name, frame, kind, names_read)
        if names:
            continue
        _note(values, read.node, "it reads a variable whose name is not in the text", names_read)


def _frames(values: Values, read: _Read) -> Sequence[Frame | None]:
    """The calls of the function that a read is in, if they say which variable it is."""
    function = values.function_of(read.key)
    if function is None:
        return [None]
    parts = (part for node in (read.key, read.default) if node is not None for part in ast.walk(node))
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    if names.isdisjoint(parameters(function)):
        return [None]
    return [Frame(function, call) for call in values.calls_of(function)[: 4 * MAX_STRINGS]] or [None]


def _add(values: Values, read: _Read, name: str, frame: Frame | None, kind: Kind | None, names_read: NamesRead) -> None:
    if UNKNOWN in name:
        prefix = name.partition(UNKNOWN)[0]
        if prefix:
            names_read.prefixes.add(prefix)
        else:
            _note(values, read.node, "it reads a variable whose name it puts together", names_read)
        return
    default = _default(values, read, frame)
    place = read.node if frame is None else frame.call
    entry = EnvironmentName(
        name=name,
        default=default,
        kind=kind or _kind_of_default(values, read, frame, default),
        file=values.file_of(place),
        line=place.lineno,
    )
    if (known := names_read.names.get(name)) is not None:  # read in several places: the one that says most counts
        first = known if known.default is not None else entry if default is not None else known
        entry = replace(first, kind=known.kind if known.kind != "str" else entry.kind)
    names_read.names[name] = entry


def _default(values: Values, read: _Read, frame: Frame | None) -> str | None:
    node = read.default
    above = values.parents.get(read.node)
    if node is None and isinstance(above, ast.BoolOp) and isinstance(above.op, ast.Or) and above.values[0] is read.node:
        node = above.values[1]
    if node is None and frame is not None and (fallback := set(parameters(frame.function)) & _FALLBACKS):
        node = values.argument(frame, fallback.pop())
    strings = values.strings(node, frame)
    return next(iter(strings)) if len(strings) == 1 and UNKNOWN not in next(iter(strings)) else None


def _kind(values: Values, node: ast.AST) -> Kind | None:
    """What the text of a variable is turned into; None if the place does not say."""
    function = values.function_of(node)
    kind: Kind | None = None
    while (above := values.parents.get(node)) is not None:
        match above:
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if first is node and name in _CASTS:
                if kind is None or name == "bool":
                    kind = _CASTS[name]
            case ast.Compare() if kind is None and _compares_with_bool(above):
                kind = "bool"
            case ast.Attribute() | ast.BoolOp() | ast.Compare() | ast.IfExp():
                pass
            case ast.Call(func=inner) if inner is node:
                pass  # a method of the string
            case _:
                break
        node = above
    if kind is None and function is not None:
        words = (values.name_of(function) or "").lower().split("_")
        kind = next((cast for word, cast in (*_CASTS.items(), ("flag", "bool")) if word in words), None)
    return kind


def _compares_with_bool(node: ast.Compare) -> bool:
    texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    compared = [text.lower() for text in texts if text.lower() in _MEANS_BOOL]
    return bool(compared) and not isinstance(node.ops[0], (ast.Lt, ast.Gt))


def _kind_of_default(values: Values, read: _Read, frame: Frame | None, default: str | None) -> Kind:
    node = read.default
    if frame is not None:
        casts = (part.id for part in _arguments(frame) if isinstance(part, ast.Name) and part.id in _CASTS)
        if (cast := next(casts, None)) is not None:
            return _CASTS[cast]
        names = (part.id for part in ast.walk(node or frame.call) if isinstance(part, ast.Name))
        node = next((given for name in names if (given := values.argument(frame, name)) is not None), node)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return "bool"
    number = None if node is None else number_of(node)
    if number is None or default is None:
        return "str"
    return "int" if isinstance(number, int) else "float"


def _arguments(frame: Frame) -> list[ast.expr]:
    return [*frame.call.args, *(part.value for part in frame.call.keywords)]


def _note(values: Values, node: ast.AST, reason: str, names_read: NamesRead) -> None:
    line = f"{values.file_of(node)}, line {getattr(node, 'lineno', 0)}: {reason}"
    if line not in names_read.whole and len(names_read.whole) < 20:
        names_read.whole.append(line)
